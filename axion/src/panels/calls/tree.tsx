// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { TreeCall } from "../../api/types";
import { useView, view } from "../../api/views";
import { focus, go } from "../../focus";
import { Rows } from "../../ui/rows";
import { sayProblem } from "../../ui/toast";
import { focusElement } from "../keyboard";
import type { Self } from "../panel";
import { short } from "../timeline/strip";

const PAGE = 200;

interface Children {
  calls: TreeCall[];
  next: number | null;
}

/** Calls that were unfolded, with what they called as far as it is known, by scenario and id. */
export class Opened {
  readonly #children = signal<ReadonlyMap<string, Children>>(new Map());
  readonly #asking = new Set<string>();

  of(call: TreeCall): Children | undefined {
    return this.#children.value.get(keyOf(call));
  }

  async load(call: TreeCall): Promise<void> {
    const key = keyOf(call);
    const known = this.#children.peek().get(key);
    if (this.#asking.has(key) || (known && known.next === null)) return;
    this.#asking.add(key);
    try {
      const page = await view(focus.peek().scenario, "call_tree", {
        parent: call.id,
        first: known?.next ?? 0,
        limit: PAGE,
      });
      const calls = [...(known?.calls ?? []), ...page.calls];
      this.#children.value = new Map(this.#children.peek()).set(key, { calls, next: page.next });
    } catch (problem) {
      sayProblem(problem);
    } finally {
      this.#asking.delete(key);
    }
  }

  fold(call: TreeCall): void {
    const left = new Map(this.#children.peek());
    left.delete(keyOf(call));
    this.#children.value = left;
  }
}

function keyOf(call: TreeCall): string {
  return `${focus.peek().scenario} ${call.id}`;
}

interface Row {
  call: TreeCall;
  level: number;
  isOpen: boolean;
  isActive: boolean;
  more?: boolean;
}

/** The active calls, each below its caller, and what was opened. */
function rowsOf(path: TreeCall[], opened: Opened): Row[] {
  const rows: Row[] = [];
  const add = (call: TreeCall, level: number, active: number): void => {
    const children = opened.of(call);
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

/** Who called whom around where a panel looks. */
export function Tree({ self, opened }: { self: Self; opened: Opened }) {
  const { scenario } = self.focus.value;
  const wanted = scenario ? { context: self.context.value } : null;
  const shown = useView(scenario, "call_path", wanted);
  const path = shown.answer?.calls ?? [];
  const current = path.at(-1);
  // The row that the keyboard went to.
  const [active, setActive] = useState(-1);
  useEffect(() => {
    setActive(-1);
    if (current) void opened.load(current);
  }, [scenario, current?.id]);
  if (shown.error) return <p class="problem">{shown.error}</p>;
  const rows = rowsOf(path, opened);
  const here = rows.findIndex((row) => !row.more && row.call.id === current?.id);
  const move = (to: number) => {
    if (to < 0 || to >= rows.length) return;
    setActive(to);
    focusElement(self.element(`row-${to}`));
  };
  return (
    <Rows
      count={rows.length}
      at={active === -1 ? here : active}
      when={[current?.id, active]}
      class={`calls-tree ${shown.current ? "" : "stale"}`}
      role="tree"
      aria-label="Calls"
    >
      {(first, stop) =>
        rows.slice(first, stop).map((row, index) =>
          row.more ? (
            <button
              key={`more ${row.call.id}`}
              type="button"
              role="treeitem"
              class="call more"
              id={self.element(`row-${first + index}`)}
              style={{ "--level": row.level }}
              onClick={() => void opened.load(row.call)}
            >
              more…
            </button>
          ) : (
            <CallRow
              key={row.call.id}
              row={row}
              element={self.element(`row-${first + index}`)}
              opened={opened}
              isCurrent={row.call.id === current?.id}
              onMove={(by) => move(first + index + by)}
            />
          ),
        )
      }
    </Rows>
  );
}

function CallRow(props: {
  row: Row;
  element: string;
  opened: Opened;
  isCurrent: boolean;
  onMove: (by: number) => void;
}) {
  const { row, element, opened, isCurrent, onMove } = props;
  const { call } = row;
  const turn = () => {
    if (row.isOpen) opened.fold(call);
    else void opened.load(call);
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
      id={element}
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
