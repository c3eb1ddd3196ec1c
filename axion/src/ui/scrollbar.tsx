// SPDX-License-Identifier: Apache-2.0
import { useRef } from "preact/hooks";
import { useHeight } from "./height";

const SHORTEST_THUMB = 24;

/**
 * The scroll bar of a list that is longer than a browser can make an element: `top`, `shown`
 * and `total` are in rows.
 */
export function ScrollBar(props: {
  label: string;
  controls: string | undefined;
  top: number;
  shown: number;
  total: number;
  onScroll: (top: number) => void;
}) {
  const track = useRef<HTMLDivElement>(null);
  // Where in the thumb it is held.
  const grip = useRef<number | null>(null);
  const { top, shown, total, onScroll } = props;
  const most = Math.max(total - shown, 0);
  const height = useHeight(track);
  const thumb = Math.max((height * shown) / Math.max(total, 1), SHORTEST_THUMB);
  const at = most > 0 ? (top / most) * (height - thumb) : 0;
  const scrollTo = (y: number) => {
    if (height > thumb) onScroll(Math.min(Math.max(y / (height - thumb), 0), 1) * most);
  };
  return (
    <div
      class="scrollbar"
      ref={track}
      role="scrollbar"
      aria-label={props.label}
      aria-orientation="vertical"
      aria-controls={props.controls}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={Math.round(top)}
      onPointerDown={(event) => {
        const y = event.clientY - event.currentTarget.getBoundingClientRect().top;
        const isThumb = (event.target as HTMLElement).classList.contains("thumb");
        grip.current = isThumb ? y - at : thumb / 2;
        event.currentTarget.setPointerCapture(event.pointerId);
        scrollTo(y - grip.current);
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        if (grip.current === null) return;
        scrollTo(event.clientY - event.currentTarget.getBoundingClientRect().top - grip.current);
      }}
      onPointerUp={() => {
        grip.current = null;
      }}
    >
      {most > 0 && (
        <div class="thumb" style={{ height: `${thumb}px`, transform: `translateY(${at}px)` }} />
      )}
    </div>
  );
}
