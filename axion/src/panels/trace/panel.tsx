// SPDX-License-Identifier: Apache-2.0
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { focus, go, total } from "../../focus";
import { bookmarkedTransitions, foundTransitions, presentTransitions } from "../../marks";
import { scenario } from "../../scenario";
import { ScrollBar } from "../../ui/scrollbar";
import { selectWord } from "../../ui/tokens";
import type { Panel } from "../registry";
import { type Line, useLines } from "./chunks";
import { Row } from "./row";
import "./trace.css";

const ROW = 20;
/** Rows that stay seen before and after the selected one. */
const MARGIN = 3;

function TracePanel() {
  const list = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(0);
  // In rows, with fractions.
  const top = useSignal(0);
  const { scenario: name, transition } = focus.value;
  const shown = Math.floor(height / ROW);
  const most = Math.max(total.value - shown, 0);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const watching = new ResizeObserver(() => setHeight(element.clientHeight));
    watching.observe(element);
    setHeight(element.clientHeight);
    return () => watching.disconnect();
  }, []);

  // Before painting, so that no other row is ever shown in between.
  const brought = useRef({ transition: -1, shown: -1, name: "" });
  if (
    shown > 0 &&
    (brought.current.transition !== transition ||
      brought.current.shown !== shown ||
      brought.current.name !== name)
  ) {
    brought.current = { transition, shown, name };
    top.value = broughtIntoView(top.peek(), transition, shown, most);
  }

  const scroll = (to: number) => {
    top.value = Math.min(Math.max(to, 0), most);
  };
  const first = Math.floor(Math.min(top.value, most));
  const stop = Math.min(first + Math.ceil(height / ROW) + 1, total.value);
  const lines = useLines(name, first, stop);
  const selected = lines.find((line) => line.id === transition)?.row?.pc;
  const showsThread = (scenario.value?.threads.length ?? 0) > 1;

  return (
    <div class="trace">
      <div
        ref={list}
        id="trace-list"
        class="lines"
        role="listbox"
        aria-label="Transitions"
        tabIndex={0}
        data-keyboard
        aria-activedescendant={`transition-${transition}`}
        onWheel={(event) => {
          event.preventDefault();
          const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 1 : 1 / ROW;
          scroll(top.peek() + event.deltaY * unit * (event.shiftKey ? 20 : 1));
        }}
        onClick={(event) => {
          const row = (event.target as HTMLElement).closest<HTMLElement>("[data-transition]");
          if (row && !selectWord(event)) go({ transition: Number(row.dataset.transition) });
        }}
        onKeyDown={(event) => {
          const moved = movedBy(event.key, transition, Math.max(shown - 1, 1));
          if (moved === null || event.ctrlKey || event.altKey) return;
          event.preventDefault();
          go({ transition: moved }, { isStep: true });
        }}
      >
        <div style={{ transform: `translateY(${-(top.value - first) * ROW}px)` }}>
          {lines.map((line, index) => (
            <Row
              key={line.id}
              line={line}
              isSelected={line.id === transition}
              isSame={selected !== undefined && line.row?.pc === selected}
              beginsBlock={beginsBlock(lines[index - 1])}
              bookmark={bookmarkedTransitions.value.get(line.id)}
              present={presentTransitions.value.get(line.id)}
              isFound={foundTransitions.value.has(line.id)}
              showsThread={showsThread}
              showsSource={isOtherSource(lines[index - 1], line)}
            />
          ))}
        </div>
      </div>
      <ScrollBar
        label="Place in the trace"
        controls="trace-list"
        top={top.value}
        shown={shown}
        total={total.value}
        onScroll={scroll}
      />
    </div>
  );
}

function broughtIntoView(top: number, transition: number, shown: number, most: number): number {
  const margin = Math.min(MARGIN, Math.floor(shown / 3));
  const lowest = transition - shown + 1 + margin;
  const highest = transition - margin;
  let to = top;
  if (top < lowest - shown || top > highest + shown) to = transition - Math.floor(shown * 0.4);
  else if (top < lowest) to = lowest;
  else if (top > highest) to = highest;
  return Math.min(Math.max(to, 0), most);
}

function movedBy(key: string, transition: number, page: number): number | null {
  const by: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page };
  if (key === "Home") return 0;
  if (key === "End") return total.peek() - 1;
  const step = by[key];
  return step === undefined ? null : transition + step;
}

function beginsBlock(before: Line | undefined): boolean {
  if (!before?.row) return false;
  return before.instruction === null || before.instruction.ends_block || !!before.row.event;
}

function isOtherSource(before: Line | undefined, line: Line): boolean {
  const place = line.instruction?.place;
  const former = before?.instruction?.place;
  return !!place?.line && (place.line !== former?.line || place.file !== former?.file);
}

export const panel: Panel = {
  id: "trace",
  title: "Trace",
  component: TracePanel,
  place: "main",
};
