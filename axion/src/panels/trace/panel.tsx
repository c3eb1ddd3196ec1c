// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { focus, go, total } from "../../focus";
import { bookmarkedTransitions, foundTransitions, presentTransitions } from "../../marks";
import { scenario } from "../../scenario";
import { Rows } from "../../ui/rows";
import { selectWord } from "../../ui/tokens";
import { definePanel, type Self } from "../panel";
import { type Line, useLines } from "./lines";
import { Row } from "./row";
import "./trace.css";

function TracePanel({ self }: { self: Self }) {
  const { scenario: name, transition } = focus.value;
  // A list that is held stays there, whatever is selected in it.
  const shown = self.focus.value.transition;
  const [page, setPage] = useState(1);
  return (
    <Rows
      count={total.value}
      at={shown}
      when={[shown, name]}
      onRows={(_first, _stop, seen) => setPage(Math.max(seen - 1, 1))}
      id={self.element("list")}
      class="lines"
      role="listbox"
      aria-label="Transitions"
      tabIndex={0}
      data-keyboard
      aria-activedescendant={self.element(transition)}
      onClick={(event) => {
        const row = (event.target as HTMLElement).closest<HTMLElement>("[data-transition]");
        if (row && !selectWord(event)) go({ transition: Number(row.dataset.transition) });
      }}
      onKeyDown={(event) => {
        const moved = movedBy(event.key, transition, page);
        if (moved === null || event.ctrlKey || event.altKey) return;
        event.preventDefault();
        go({ transition: moved }, { isStep: true });
      }}
    >
      {(first, stop) => <Lines self={self} first={first} stop={stop} />}
    </Rows>
  );
}

function Lines({ self, first, stop }: { self: Self; first: number; stop: number }) {
  const { scenario: name, transition } = focus.value;
  const lines = useLines(name, first, stop);
  const selected = lines.find((line) => line.id === transition)?.row?.pc;
  const showsThread = (scenario.value?.threads.length ?? 0) > 1;
  return (
    <>
      {lines.map((line, index) => (
        <Row
          key={line.id}
          line={line}
          element={self.element(line.id)}
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
    </>
  );
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

export const panel = definePanel({
  id: "trace",
  title: "Trace",
  place: "main",
  many: true,
  holds: true,
  open: (self) => ({ content: () => <TracePanel self={self} /> }),
});
