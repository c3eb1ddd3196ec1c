// SPDX-License-Identifier: Apache-2.0
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { BacktraceFrame, SourceFile, SourceRuns } from "../../api/types";
import { useView, view } from "../../api/views";
import { context, focus, go } from "../../focus";
import { say, sayProblem } from "../../shell/toast";
import { stack } from "../calls/current";
import { baseName } from "../calls/stack";
import type { Panel } from "../registry";
import "./source.css";

const ROW = 20;
const BEYOND = 10;

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

function Source() {
  const { scenario } = focus.value;
  const frames = stack.value.answer?.frames;
  const spots = useMemo(() => spotsOf(frames ?? []), [frames]);
  const files = useView(scenario, "source_files", scenario ? {} : null);
  const known = files.answer?.files ?? [];
  const isHere = (path: string) => known.some((file) => file.path === path && file.is_here);
  // A file that was chosen stays until the focus moves.
  const [chosen, setChosen] = useState<{ path: string; at: number } | null>(null);
  const isChosen = chosen !== null && chosen.at === context.value;
  const inner = spots[0];
  // Where the innermost function's source is not here, that of its caller helps.
  const hasSource = frames?.[0]?.place?.file !== undefined;
  const here = spots.find((spot) => isHere(spot.path)) ?? (hasSource ? inner : undefined);
  const path = isChosen ? chosen.path : (here?.path ?? "");
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
          onChange={(event) => setChosen({ path: event.currentTarget.value, at: context.value })}
        >
          {!known.some((file) => file.path === path) && (
            <option value={path}>{baseName(path) || "—"}</option>
          )}
          <Files label="Source that is here" files={known.filter((file) => file.is_here)} />
          <Files label="Not on this machine" files={known.filter((file) => !file.is_here)} />
        </select>
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
      {stack.value.current && path === "" && (
        <p class="empty">No source line is known for this code.</p>
      )}
      {source.current && source.answer?.problem && <p class="empty">{source.answer.problem}</p>}
      {path !== "" && source.answer && !source.answer.problem && (
        <Lines
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
async function run(path: string, line: number, forward: boolean): Promise<void> {
  const { scenario, transition } = focus.peek();
  try {
    const found = await view(scenario, "source_run", { path, line, at: transition, forward });
    if (found.transition !== null) go({ transition: found.transition, side: "before" });
    else say(`No ${forward ? "next" : "previous"} run of line ${line}.`);
  } catch (problem) {
    sayProblem(problem);
  }
}

function Lines(props: {
  path: string;
  lines: string[];
  runs: SourceRuns[];
  line: number;
  callers: number[];
}) {
  const { path, lines, runs, line, callers } = props;
  const list = useRef<HTMLDivElement>(null);
  const [view_, setView] = useState({ top: 0, height: 0 });
  const [active, setActive] = useState(line);
  const byLine = useMemo(() => new Map(runs.map((one) => [one.line, one])), [runs]);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const watching = new ResizeObserver(() =>
      setView((before) => ({ ...before, height: element.clientHeight })),
    );
    watching.observe(element);
    return () => watching.disconnect();
  }, []);

  const bring = (wanted: number) => {
    const element = list.current;
    if (!element || wanted < 1) return;
    const top = (wanted - 1) * ROW;
    const { scrollTop, clientHeight } = element;
    if (top < scrollTop + ROW || top > scrollTop + clientHeight - 2 * ROW)
      element.scrollTop = top - clientHeight / 2;
  };
  useEffect(() => {
    setActive(line);
    bring(line);
  }, [path, line]);

  const first = Math.max(0, Math.floor(view_.top / ROW) - BEYOND);
  const stop = Math.min(lines.length, Math.ceil((view_.top + view_.height) / ROW) + BEYOND);
  const digits = String(lines.length).length;
  return (
    <div
      ref={list}
      class="scroll source"
      role="listbox"
      tabIndex={0}
      data-keyboard
      aria-label={`Source ${path}`}
      aria-activedescendant={`source-${active}`}
      onScroll={(event) => {
        const { scrollTop, clientHeight } = event.currentTarget;
        setView({ top: scrollTop, height: clientHeight });
      }}
      onClick={(event) => {
        const row = (event.target as HTMLElement).closest<HTMLElement>("[data-line]");
        const number = Number(row?.dataset.line ?? 0);
        if (number) setActive(number);
        if (byLine.has(number)) void run(path, number, !event.shiftKey);
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
          const to = Math.min(Math.max(1, active + by), lines.length);
          setActive(to);
          bring(to);
        } else if (event.key === "Enter" && byLine.has(active)) {
          void run(path, active, !event.shiftKey);
        } else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <div style={{ height: `${lines.length * ROW}px`, position: "relative" }}>
        {lines.slice(first, stop).map((text, index) => {
          const number = first + index + 1;
          const known = byLine.get(number);
          const classes = ["row", "line"];
          if (known) classes.push("executed");
          if (callers.includes(number)) classes.push("caller");
          if (number === active) classes.push("active");
          return (
            <div
              key={number}
              id={`source-${number}`}
              class={classes.join(" ")}
              role="option"
              aria-selected={number === line}
              data-line={number}
              data-count={known?.count}
              style={{ top: `${(number - 1) * ROW}px`, "--digits": digits }}
              title={
                known
                  ? `Ran ${known.count.toLocaleString("en")} times. Click: next run; Shift+click: previous.`
                  : undefined
              }
            >
              <span class="count">{known ? known.count.toLocaleString("en") : ""}</span>
              <span class="number">{number}</span>
              <span class="text">{text}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

export const panel: Panel = { id: "source", title: "Source", component: Source, place: "low-left" };
