// SPDX-License-Identifier: Apache-2.0
// A list of which only the rows in sight are drawn, however many there are.

import {
  elementScroll,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import type { ComponentChildren, HTMLAttributes } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ScrollBar } from "./scrollbar";
import { baseFor, broughtIntoSight, LONGEST } from "./window";

const ROW = 20;
const BEYOND = 6;
/** With Shift, the wheel goes through a list that is long so many times as fast. */
const FAST = 20;

interface Props extends Omit<HTMLAttributes<HTMLDivElement>, "children"> {
  count: number;
  /** Height of a row in pixels. */
  row?: number;
  /** The row to bring into sight whenever one of `when` is another; null: none. */
  at?: number | null;
  when?: unknown[];
  /** What the rows are of: those that are seen stay where they are when others come before. */
  items?: readonly object[];
  /** Called with the rows that are drawn, and how many fit, whenever they are others. */
  onRows?: (first: number, stop: number, shown: number) => void;
  /** The rows [first, stop), each as high as it says. */
  children: (first: number, stop: number) => ComponentChildren;
}

/** What a list has between two drawings of it. */
interface Own {
  /** The list's row that the part which is laid out begins with. */
  base: number;
  /** Tells the virtualizer where the element is scrolled to. */
  tell: ((offset: number) => void) | null;
  isDrawing: boolean;
  /** Where the element is to be scrolled to once it is drawn. */
  scrollTo: number | null;
  /** What `at` was last brought into sight for. */
  key: unknown[];
  items?: readonly object[] | undefined;
}

type Rest = Omit<Props, "count" | "row" | "at" | "when" | "items" | "onRows" | "children">;

export function Rows(props: Props) {
  const { count, row = ROW, at = null, when = [], items, onRows, children, ...rest } = props;
  const list = useRef<HTMLDivElement>(null);
  const [, redraw] = useState(0);
  const own = useRef<Own>({
    base: 0,
    tell: null,
    isDrawing: false,
    scrollTo: null,
    key: [],
  }).current;
  const size = Math.min(count, LONGEST);
  own.base = Math.min(own.base, count - size);

  const options: VirtualizerOptions<HTMLDivElement, HTMLDivElement> = {
    count: size,
    overscan: BEYOND,
    estimateSize: row === ROW ? usualHeight : () => row,
    getScrollElement: () => list.current,
    observeElementRect,
    observeElementOffset: ({ scrollElement }, moved) => {
      own.tell = (offset) => moved(offset, false);
      const onScroll = () => own.tell?.(scrollElement?.scrollTop ?? 0);
      scrollElement?.addEventListener("scroll", onScroll, { passive: true });
      onScroll();
      return () => scrollElement?.removeEventListener("scroll", onScroll);
    },
    scrollToFn: elementScroll,
    onChange: () => {
      if (own.isDrawing) return;
      const { top, shown } = place();
      // Scrolled by hand to where what is laid out ends.
      if (baseFor(own.base, top, shown, count) !== own.base) move(top);
      redraw((times) => times + 1);
    },
  };
  const [virtual] = useState(() => new Virtualizer(options));
  virtual.setOptions(options);

  const place = () => ({
    top: own.base + (virtual.scrollOffset ?? 0) / row,
    shown: Math.floor((virtual.scrollRect?.height ?? 0) / row),
  });
  /** Have `top` as the first row that is seen, when it is drawn next. */
  const move = (top: number) => {
    own.base = baseFor(own.base, top, place().shown, count);
    own.scrollTo = (top - own.base) * row;
    own.isDrawing = true;
    own.tell?.(own.scrollTo);
    own.isDrawing = false;
  };
  const scrollTo = (top: number) => {
    move(top);
    redraw((times) => times + 1);
  };

  // Before drawing, so that no other row is ever drawn in between.
  const before = own.items?.[Math.floor(place().top)];
  if (items && before && items !== own.items) {
    const to = items.indexOf(before);
    const { top } = place();
    if (to !== -1 && to !== Math.floor(top)) move(top - Math.floor(top) + to);
  }
  own.items = items;
  const key = [place().shown, ...when];
  if (key.some((part, index) => part !== own.key[index])) {
    const { top, shown } = place();
    if (at !== null && shown > 0) {
      own.key = key;
      const to = broughtIntoSight(top, at, shown, count);
      if (to !== top) move(to);
    }
  }

  const { top, shown } = place();
  const drawn = virtual.getVirtualItems();
  const first = own.base + (drawn[0]?.index ?? 0);
  const stop = own.base + (drawn.at(-1)?.index ?? -1) + 1;
  useLayoutEffect(() => virtual._didMount(), []);
  useLayoutEffect(() => {
    virtual._willUpdate();
    if (own.scrollTo === null || !list.current) return;
    list.current.scrollTop = own.scrollTo;
    own.scrollTo = null;
  });
  useLayoutEffect(() => onRows?.(first, stop, shown), [first, stop, shown, items, count]);

  const isLong = count > LONGEST;
  return (
    <div class="rows">
      <div
        {...(rest as Rest)}
        ref={list}
        class={`scroll ${isLong ? "long" : ""} ${rest.class ?? ""}`}
        {...(isLong && {
          onWheel: (event: WheelEvent) => {
            if (!event.shiftKey) return;
            event.preventDefault();
            const by = (event.deltaY || event.deltaX) / (event.deltaMode === 0 ? row : 1);
            const most = Math.max(count - shown, 0);
            scrollTo(Math.min(Math.max(place().top + by * FAST, 0), most));
          },
        })}
      >
        <div class="extent" style={{ height: `${virtual.getTotalSize()}px` }}>
          <div style={{ transform: `translateY(${drawn[0]?.start ?? 0}px)` }}>
            {stop > first && children(first, stop)}
          </div>
        </div>
      </div>
      {isLong && (
        <ScrollBar
          label="Place in the list"
          controls={list.current?.id}
          top={top}
          shown={shown}
          total={count}
          onScroll={scrollTo}
        />
      )}
    </div>
  );
}

function usualHeight(): number {
  return ROW;
}
