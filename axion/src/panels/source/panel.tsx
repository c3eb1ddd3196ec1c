// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import type { BacktraceFrame, SourceFile, SourceRuns } from "../../api/types";
import { useView, view } from "../../api/views";
import { focus, go } from "../../focus";
import { baseName } from "../../ui/format";
import { Keep } from "../../ui/keep";
import { Rows } from "../../ui/rows";
import { say, sayProblem } from "../../ui/toast";
import { useStack } from "../calls/current";
import { definePanel, keptOfTrace, type Self } from "../panel";
import "./source.css";

interface Spot {
  path: string;
  line: number;
}

/** Where the frames of the focus stand in the source, the innermost first. */
function spotsOf(frames: BacktraceFrame[]): Spot[] {
  return frames.flatMap(({ place }) =>
    place?.file && place.line ? [{ path: place.file, line: place.line }] : [],
  );
}

/** `file`: the one that is kept; empty while the panel shows that of the focus. */
function Source({ self }: { self: Self<"file"> }) {
  const { scenario } = self.focus.value;
  const context = self.context.value;
  const stack = useStack(self);
  const frames = stack.answer?.frames;
  const spots = useMemo(() => spotsOf(frames ?? []), [frames]);
  const files = useView(scenario, "source_files", scenario ? {} : null);
  const known = files.answer?.files ?? [];
  const isHere = (path: string) => known.some((file) => file.path === path && file.is_here);
  const kept = self.kept.file.value;
  // A file that was chosen stays until the focus moves.
  const [chosen, setChosen] = useState<{ path: string; at: number } | null>(null);
  const isChosen = kept !== "" || chosen?.at === context;
  const inner = spots[0];
  // Where the innermost function's source is not here, that of its caller helps.
  const hasSource = frames?.[0]?.place?.file !== undefined;
  const here = spots.find((spot) => isHere(spot.path)) ?? (hasSource ? inner : undefined);
  const path = kept || (isChosen ? chosen?.path : here?.path) || "";
  const source = useView(scenario, "source", path ? { path } : null);
  const counts = useView(scenario, "source_lines", path ? { path } : null);
  const lines = spots.filter((spot) => spot.path === path).map((spot) => spot.line);
  const isCaller = here !== inner || !hasSource;
  return (
    <>
      <div class="bar">
        <select
          class="file"
          aria-label="Source file"
          title={path}
          value={path}
          onChange={(event) => {
            const { value } = event.currentTarget;
            if (kept) self.kept.file.value = value;
            else setChosen({ path: value, at: context });
          }}
        >
          {!known.some((file) => file.path === path) && (
            <option value={path}>{baseName(path) || "—"}</option>
          )}
          <Files label="Source that is here" files={known.filter((file) => file.is_here)} />
          <Files label="Not on this machine" files={known.filter((file) => !file.is_here)} />
        </select>
        {path !== "" && (
          <Keep
            on={kept !== ""}
            what="this file"
            onTurn={(on) => {
              self.kept.file.value = on ? path : "";
            }}
          />
        )}
        {path !== "" && isCaller && !isChosen && (
          <span
            class="dim"
            title={`The source of ${inner?.path || "the function itself"} is not here`}
          >
            caller
          </span>
        )}
        {source.current && source.answer?.is_newer && (
          <span class="changed" title="Its lines may not be those that were compiled">
            changed since the recording
          </span>
        )}
      </div>
      {stack.current && path === "" && <p class="empty">No source line is known for this code.</p>}
      {source.current && source.answer?.problem && <p class="empty">{source.answer.problem}</p>}
      {path !== "" && source.answer && !source.answer.problem && (
        <Lines
          self={self}
          path={path}
          lines={source.answer.lines}
          runs={counts.current ? (counts.answer?.lines ?? []) : []}
          line={lines[0] ?? 0}
          callers={lines.slice(1)}
        />
      )}
    </>
  );
}

function Files({ label, files }: { label: string; files: SourceFile[] }) {
  if (files.length === 0) return null;
  return (
    <optgroup label={label}>
      {files.map((file) => (
        <option key={file.path} value={file.path}>
          {baseName(file.path)} — {file.path}
        </option>
      ))}
    </optgroup>
  );
}

/** Go to the next or previous run of a line. */
async function run(path: string, line: number, forward: boolean, at: number): Promise<void> {
  try {
    const asked = { path, line, at, forward };
    const found = await view(focus.peek().scenario, "source_run", asked);
    if (found.transition !== null) go({ transition: found.transition, side: "before" });
    else say(`No ${forward ? "next" : "previous"} run of line ${line}.`);
  } catch (problem) {
    sayProblem(problem);
  }
}

function Lines(props: {
  self: Self<"file">;
  path: string;
  lines: string[];
  runs: SourceRuns[];
  line: number;
  callers: number[];
}) {
  const { self, path, lines, runs, line, callers } = props;
  // The line that the keyboard went to, from that of the moment.
  const [moved, setMoved] = useState({ path, from: line, to: line });
  const active = moved.path === path && moved.from === line ? moved.to : line;
  const setActive = (to: number) => setMoved({ path, from: line, to });
  const byLine = useMemo(() => new Map(runs.map((one) => [one.line, one])), [runs]);
  const runFrom = (number: number, forward: boolean) =>
    void run(path, number, forward, self.focus.peek().transition);
  const digits = String(lines.length).length;
  return (
    <Rows
      count={lines.length}
      at={active > 0 ? active - 1 : null}
      when={[path, line, active]}
      class="source"
      role="listbox"
      tabIndex={0}
      data-keyboard
      aria-label={`Source ${path}`}
      aria-activedescendant={self.element(active)}
      onClick={(event) => {
        const row = (event.target as HTMLElement).closest<HTMLElement>("[data-line]");
        const number = Number(row?.dataset.line ?? 0);
        if (number) setActive(number);
        if (byLine.has(number)) runFrom(number, !event.shiftKey);
      }}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.altKey) return;
        const steps: Record<string, number> = {
          ArrowDown: 1,
          ArrowUp: -1,
          PageDown: 20,
          PageUp: -20,
        };
        const by = steps[event.key];
        if (by !== undefined) {
          setActive(Math.min(Math.max(1, active + by), lines.length));
        } else if (event.key === "Enter" && byLine.has(active)) {
          runFrom(active, !event.shiftKey);
        } else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {(first, stop) =>
        lines.slice(first, stop).map((text, index) => {
          const number = first + index + 1;
          const known = byLine.get(number);
          const classes = ["row", "line"];
          if (known) classes.push("executed");
          if (callers.includes(number)) classes.push("caller");
          if (number === active) classes.push("active");
          return (
            <div
              key={number}
              id={self.element(number)}
              class={classes.join(" ")}
              role="option"
              aria-selected={number === line}
              data-line={number}
              data-count={known?.count}
              style={{ "--digits": digits }}
              title={
                known
                  ? `Ran ${known.is_exact ? "" : "about "}${known.count.toLocaleString("en")} times${known.is_exact ? "" : ", as far as optimized code tells"}. Click: next run; Shift+click: previous.`
                  : undefined
              }
            >
              <span class="count">
                {known ? `${known.is_exact ? "" : "≈"}${known.count.toLocaleString("en")}` : ""}
              </span>
              <span class="number">{number}</span>
              <span class="text">{text}</span>
            </div>
          );
        })
      }
    </Rows>
  );
}

export const panel = definePanel({
  id: "source",
  title: "Source",
  place: "low-left",
  many: true,
  holds: true,
  keeps: { file: keptOfTrace("") },
  open: (self) => ({
    content: () => <Source self={self} />,
    detail: () => baseName(self.kept.file.value),
  }),
});
