// SPDX-License-Identifier: Apache-2.0
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { BacktraceFrame, SourceRuns } from "../../api/types";
import { useView, view } from "../../api/views";
import { context, focus, go } from "../../focus";
import { say, sayProblem } from "../../shell/toast";
import { baseName } from "../calls/stack";
import type { Panel } from "../registry";
import "./source.css";

const ROW = 20;
const BEYOND = 10;

interface Spot {
  path: string;
  line: number;
}

/** Where the source of the focus is: of the innermost frame that has one, or of a caller. */
function spotsOf(frames: BacktraceFrame[]): Spot[] {
  return frames.flatMap(({ place }) =>
    place?.file && place.line ? [{ path: place.file, line: place.line }] : [],
  );
}

function Source() {
  const { scenario } = focus.value;
  const stack = useView(scenario, "backtrace", scenario ? { context: context.value } : null);
  const spots = useMemo(() => spotsOf(stack.answer?.frames ?? []), [stack.answer]);
  // A file that was chosen stays until the focus moves.
  const [chosen, setChosen] = useState<{ path: string; at: number } | null>(null);
  const isChosen = chosen !== null && chosen.at === context.value;
  const here = isChosen ? undefined : spots[0];
  const path = isChosen ? chosen.path : (here?.path ?? "");
  const source = useView(scenario, "source", path ? { path } : null);
  const counts = useView(scenario, "source_lines", path ? { path } : null);
  const files = useView(scenario, "source_files", scenario ? {} : null);
  const choose = (wanted: string) => setChosen({ path: wanted, at: context.value });
  const known = files.answer?.files ?? [];
  const callers = [...new Set(spots.map((spot) => spot.path))].filter((each) => each !== path);
  return (
    <>
      <div class="bar">
        <select
          class="file"
          aria-label="Source file"
          title={path}
          value={path}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {!known.some((file) => file.path === path) && (
            <option value={path}>{baseName(path) || "—"}</option>
          )}
          {known.map((file) => (
            <option key={file.path} value={file.path}>
              {baseName(file.path)} — {file.path}
            </option>
          ))}
        </select>
        {source.current && source.answer?.is_newer && (
          <span class="changed" title="Its lines may not be those that were compiled">
            changed since the recording
          </span>
        )}
      </div>
      {stack.current && path === "" && <p class="empty">No source line is known for this code.</p>}
      {source.current && source.answer?.problem && (
        <div class="empty">
          <p>{source.answer.problem}</p>
          {callers.slice(0, 4).map((caller) => (
            <button key={caller} type="button" class="tool" onClick={() => choose(caller)}>
              Show {baseName(caller)}
            </button>
          ))}
        </div>
      )}
      {path !== "" && source.answer && !source.answer.problem && (
        <Lines
          path={path}
          lines={source.answer.lines}
          runs={counts.current ? (counts.answer?.lines ?? []) : []}
          line={here?.line ?? (isChosen ? (spots.find((one) => one.path === path)?.line ?? 0) : 0)}
          callers={spots.slice(1).flatMap((spot) => (spot.path === path ? [spot.line] : []))}
        />
      )}
    </>
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
