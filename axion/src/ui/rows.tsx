// SPDX-License-Identifier: Apache-2.0
// A list of which only the rows in sight are drawn, however many there are.

import {
  elementScroll,
  observeElementOffset,
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

type Rest = Omit<Props, "count" | "row" | "at" | "when" | "items" | "onRows" | "children">;

export function Rows(props: Props) {
  const { count, row = ROW, at = null, when = [], items, onRows, children, ...rest } = props;
  const list = useRef<HTMLDivElement>(null);
  const [, redraw] = useState(0);
  // The list's row that the part which is laid out begins with.
  const base = useRef(0);
  const size = Math.min(count, LONGEST);
  base.current = Math.min(base.current, count - size);
  const tell = useRef<(offset: number, isScrolling: boolean) => void>(() => {});

  const options: VirtualizerOptions<HTMLDivElement, HTMLDivElement> = {
    count: size,
    overscan: BEYOND,
    estimateSize: row === ROW ? usualHeight : () => row,
    getScrollElement: () => list.current,
    observeElementRect,
    observeElementOffset: (instance, moved) => {
      tell.current = moved;
      return observeElementOffset(instance, moved);
    },
    scrollToFn: elementScroll,
    onChange: () => {
      const { element, top, shown } = place();
      // Scrolled by hand to where what is laid out ends.
      if (element && baseFor(base.current, top, shown, count) !== base.current) scrollTo(top);
      redraw((times) => times + 1);
    },
  };
  const [virtual] = useState(() => new Virtualizer(options));
  virtual.setOptions(options);
  useLayoutEffect(() => virtual._didMount(), []);
  useLayoutEffect(() => virtual._willUpdate());

  const place = () => {
    const height = virtual.scrollRect?.height ?? 0;
    const element = list.current;
    const top = base.current + (element?.scrollTop ?? 0) / row;
    return { element, top, shown: Math.floor(height / row) };
  };
  /** Show `top` as the first row, at once: it is drawn before anything else is painted. */
  const scrollTo = (top: number) => {
    const { element, shown } = place();
    if (!element) return;
    base.current = baseFor(base.current, top, shown, count);
    element.scrollTop = (top - base.current) * row;
    tell.current(element.scrollTop, false);
    redraw((times) => times + 1);
  };

  const { top, shown } = place();
  const drawn = virtual.getVirtualItems();
  const first = base.current + (drawn[0]?.index ?? 0);
  const stop = base.current + (drawn.at(-1)?.index ?? -1) + 1;

  const seen = useRef<{ items: readonly object[] | undefined; top: object | undefined } | null>(
    null,
  );
  useLayoutEffect(() => {
    const before = seen.current;
    const now = place();
    if (items && before?.top && before.items !== items) {
      const to = items.indexOf(before.top);
      if (to !== -1) scrollTo(now.top - Math.floor(now.top) + to);
    }
    seen.current = { items, top: items?.[Math.floor(place().top)] };
  }, [items, first, top]);
  useLayoutEffect(() => {
    const now = place();
    if (at === null || now.shown === 0) return;
    const to = broughtIntoSight(now.top, at, now.shown, count);
    if (to !== now.top) scrollTo(to);
  }, [shown, ...when]);
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
