// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { TreeCall } from "../../api/types";
import { useView, view } from "../../api/views";
import { context, focus, go } from "../../focus";
import { sayProblem } from "../../shell/toast";
import { short } from "../timeline/strip";

const PAGE = 200;

interface Children {
  calls: TreeCall[];
  next: number | null;
}

/** Calls that were opened, with what they called as far as it is known, by scenario and id. */
const opened = signal<Map<string, Children>>(new Map());
const asking = new Set<string>();

function keyOf(call: TreeCall): string {
  return `${focus.peek().scenario} ${call.id}`;
}

async function load(call: TreeCall): Promise<void> {
  const key = keyOf(call);
  const known = opened.peek().get(key);
  if (asking.has(key) || (known && known.next === null)) return;
  asking.add(key);
  try {
    const page = await view(focus.peek().scenario, "call_tree", {
      parent: call.id,
      first: known?.next ?? 0,
      limit: PAGE,
    });
    const calls = [...(known?.calls ?? []), ...page.calls];
    opened.value = new Map(opened.peek()).set(key, { calls, next: page.next });
  } catch (problem) {
    sayProblem(problem);
  } finally {
    asking.delete(key);
  }
}

function close(call: TreeCall): void {
  const left = new Map(opened.peek());
  left.delete(keyOf(call));
  opened.value = left;
}

interface Row {
  call: TreeCall;
  level: number;
  isOpen: boolean;
  isActive: boolean;
  more?: boolean;
}

/** The active calls, each below its caller, and what was opened. */
function rowsOf(path: TreeCall[]): Row[] {
  const rows: Row[] = [];
  const add = (call: TreeCall, level: number, active: number): void => {
    const children = opened.value.get(keyOf(call));
    const next = active >= 0 ? path[active + 1] : undefined;
    rows.push({ call, level, isOpen: children !== undefined, isActive: active >= 0 });
    for (const child of children?.calls ?? (next ? [next] : []))
      add(child, level + 1, child.id === next?.id ? active + 1 : -1);
    if (children && next && !children.calls.some((child) => child.id === next.id))
      add(next, level + 1, active + 1);
    if (children && children.next !== null)
      rows.push({ call, level: level + 1, isOpen: false, isActive: false, more: true });
  };
  if (path[0]) add(path[0], 0, 0);
  return rows;
}

/** Who called whom around the focus. */
export function Tree() {
  const { scenario } = focus.value;
  const shown = useView(scenario, "call_path", scenario ? { context: context.value } : null);
  const path = shown.answer?.calls ?? [];
  const current = path.at(-1);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (current) void load(current);
  }, [scenario, current?.id]);
  useLayoutEffect(() => {
    list.current?.querySelector('[aria-current="location"]')?.scrollIntoView({ block: "nearest" });
  }, [current?.id]);
  if (shown.error) return <p class="problem">{shown.error}</p>;
  const rows = rowsOf(path);
  const move = (from: number, by: number) => {
    const items = list.current?.querySelectorAll<HTMLElement>("[role=treeitem]");
    items?.[from + by]?.focus();
  };
  return (
    <div
      class={`scroll calls-tree ${shown.current ? "" : "stale"}`}
      role="tree"
      aria-label="Calls"
      ref={list}
    >
      {rows.map((row, index) =>
        row.more ? (
          <button
            key={`more ${row.call.id}`}
            type="button"
            role="treeitem"
            class="call more"
            style={{ "--level": row.level }}
            onClick={() => void load(row.call)}
          >
            more…
          </button>
        ) : (
          <CallRow
            key={row.call.id}
            row={row}
            isCurrent={row.call.id === current?.id}
            onMove={(by) => move(index, by)}
          />
        ),
      )}
    </div>
  );
}

function CallRow(props: { row: Row; isCurrent: boolean; onMove: (by: number) => void }) {
  const { row, isCurrent, onMove } = props;
  const { call } = row;
  const turn = () => {
    if (row.isOpen) close(call);
    else void load(call);
  };
  const enter = () => go({ transition: call.start, side: "before" });
  const keys: Record<string, () => void> = {
    ArrowDown: () => onMove(1),
    ArrowUp: () => onMove(-1),
    ArrowRight: () => (row.isOpen ? onMove(1) : turn()),
    ArrowLeft: () => (row.isOpen ? turn() : onMove(-1)),
    Enter: enter,
  };
  return (
    <div
      class={`call ${row.isActive ? "active" : ""}`}
      role="treeitem"
      aria-level={row.level + 1}
      aria-expanded={row.isOpen}
      aria-selected={isCurrent}
      aria-current={isCurrent ? "location" : undefined}
      tabIndex={isCurrent ? 0 : -1}
      data-keyboard={isCurrent ? "" : undefined}
      data-call={call.id}
      style={{ "--level": row.level }}
      title={`${call.name}\n#${call.start} to #${call.stop - 1}${call.has_ended ? "" : ", the end of the trace"}`}
      onClick={enter}
      onKeyDown={(event) => {
        const run = keys[event.key];
        if (!run || event.ctrlKey || event.altKey) return;
        event.preventDefault();
        event.stopPropagation();
        run();
      }}
    >
      <button
        type="button"
        class="link turn"
        tabIndex={-1}
        aria-label={row.isOpen ? "Fold" : "Unfold"}
        onClick={(event) => {
          event.stopPropagation();
          turn();
        }}
      >
        {row.isOpen ? "▾" : "▸"}
      </button>
      <span class="name">{call.name}</span>
      {call.kind !== "call" && <span class="dim">{call.kind}</span>}
      <span class="dim long">{short(call.stop - call.start)}</span>
    </div>
  );
}
