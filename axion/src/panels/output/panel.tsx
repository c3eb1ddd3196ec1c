// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import type { OutputAnswer, OutputPart } from "../../api/types";
import { useView } from "../../api/views";
import { go } from "../../focus";
import { numbered } from "../../ui/format";
import { Rows } from "../../ui/rows";
import { definePanel, keptOfTrace, type Self } from "../panel";
import { linesOf, pieceAt } from "./lines";
import "./output.css";

function OutputPanel({ self }: { self: Self<"file"> }) {
  const { scenario, transition } = self.focus.value;
  const context = self.context.value;
  const { file } = self.kept;
  const chosen = /^\d+$/.test(file.value) ? Number(file.value) : null;
  const [around, setAround] = useState(transition);
  const asked = { transition: around, file: chosen };
  const { answer, current, error } = useView(scenario, "output", asked);
  const isOutside = current && answer !== null && !reaches(answer, transition);
  useEffect(() => {
    if (isOutside) setAround(transition);
  }, [isOutside, transition]);
  const lines = linesOf(answer?.parts ?? []);
  // The last line that something of was written.
  const here = lines.findLastIndex((line) => line.some((part) => part.transition < context));
  return (
    <>
      <div class="bar">
        <select
          aria-label="Output of"
          value={file.value}
          onChange={(event) => {
            file.value = event.currentTarget.value;
          }}
        >
          <option value="">standard output and error</option>
          {(answer?.files ?? []).map((one) => (
            <option key={one.id} value={String(one.id)}>
              {one.name || one.kind} ({one.size.toLocaleString("en")} bytes)
            </option>
          ))}
        </select>
        <span class="spring" />
        <span class="dim">as of {numbered(transition)}</span>
      </div>
      {error && (
        <p class="problem" role="alert">
          {error}{" "}
          {chosen !== null && (
            <button
              type="button"
              class="tool"
              onClick={() => {
                file.value = "";
              }}
            >
              Show standard output
            </button>
          )}
        </p>
      )}
      {current && !error && lines.length === 0 && (
        <p class="empty">
          {chosen === null ? "Nothing was written to standard output or error." : "Nothing."}
          {answer && answer.files.length > 0 && chosen === null
            ? " The list above has what else was written."
            : ""}
        </p>
      )}
      <Rows
        count={lines.length}
        at={here === -1 ? 0 : here}
        when={[context, file.value, lines.length]}
        items={lines}
        class="output"
        role="listbox"
        aria-label="Output"
        tabIndex={0}
        data-keyboard
        onClick={(event) => {
          const element = (event.target as HTMLElement).closest<HTMLElement>("[data-part]");
          const [line, part] = (element?.dataset.part ?? "").split(".").map(Number);
          const found = lines[line ?? -1]?.[part ?? -1];
          if (found) visit(found, event);
        }}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.altKey) return;
          const parts = answer?.parts ?? [];
          const to = neighbour(parts, transition, event.key);
          if (!to) return;
          event.preventDefault();
          go({ transition: to.transition, side: "before" }, { isStep: true });
        }}
      >
        {(first, stop) =>
          lines
            .slice(first, stop)
            .map((line, index) => (
              <Line
                key={first + index}
                line={line}
                number={first + index}
                transition={transition}
                context={context}
                isHere={first + index === here}
              />
            ))
        }
      </Rows>
    </>
  );
}

interface LineProps {
  line: OutputPart[];
  number: number;
  transition: number;
  context: number;
  isHere: boolean;
}

function Line({ line, number, transition, context, isHere }: LineProps) {
  return (
    <div class="row" role="option" aria-selected={isHere}>
      {line.map((part, at) => (
        <span
          key={`${part.transition} ${part.address}`}
          class={classOf(part, transition, context)}
          data-part={`${number}.${at}`}
          title={`written at ${numbered(part.transition)}`}
        >
          {part.text}
        </span>
      ))}
    </div>
  );
}

/** Whether an answer has what was written around a transition. */
function reaches({ parts, begins, ends }: OutputAnswer, transition: number): boolean {
  const [first, last] = [parts[0], parts.at(-1)];
  return (
    (begins || (first !== undefined && first.transition <= transition)) &&
    (ends || (last !== undefined && last.transition >= transition))
  );
}

function classOf(part: OutputPart, transition: number, context: number): string {
  const now = part.transition === transition ? " now" : "";
  const later = part.transition >= context ? " later" : "";
  return `part${part.is_error ? " written" : ""}${now}${later}`;
}

/** Go to the write, with the word that was clicked selected in what it wrote. */
function visit(part: OutputPart, event: MouseEvent): void {
  const caret = document.caretPositionFromPoint(event.clientX, event.clientY);
  const { at, size } = pieceAt(part, caret?.offset ?? 0);
  go({
    transition: part.transition,
    side: "before",
    selection: { kind: "memory", address: BigInt(part.address) + BigInt(at), size },
  });
}

/** The write before or after a transition. */
function neighbour(
  parts: readonly OutputPart[],
  transition: number,
  key: string,
): OutputPart | undefined {
  if (key === "ArrowDown") return parts.find((part) => part.transition > transition);
  if (key === "ArrowUp") return parts.findLast((part) => part.transition < transition);
  return undefined;
}

export const panel = definePanel({
  id: "output",
  title: "Output",
  place: "low-left",
  order: 3,
  many: true,
  holds: true,
  keeps: { file: keptOfTrace("") },
  open: (self) => ({ content: () => <OutputPanel self={self} /> }),
});
