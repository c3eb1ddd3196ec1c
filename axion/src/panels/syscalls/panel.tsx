// SPDX-License-Identifier: Apache-2.0
import { useRef } from "preact/hooks";
import { useChunks } from "../../api/chunks";
import type { SyscallRow } from "../../api/types";
import { useView } from "../../api/views";
import { focus, go } from "../../focus";
import { scenario } from "../../scenario";
import { Rows } from "../../ui/rows";
import { definePanel, keptOfTrace, type Self } from "../panel";
import "./syscalls.css";

type Keeps = "filter" | "failed";

function SyscallsPanel({ self }: { self: Self<Keeps> }) {
  const { scenario: name, transition } = focus.value;
  const { filter, failed } = self.kept;
  const asked = { filter: filter.value, failed: failed.value !== "" };
  const found = useView(name, "syscalls", { ...asked, count: 0, at: transition });
  const total = found.answer?.total ?? 0;
  const here = found.answer?.here ?? 0;
  const isFiltered = asked.filter !== "" || asked.failed;
  const rows = useRef<SyscallRow[]>([]);
  return (
    <>
      <div class="bar">
        <input
          class="mono"
          aria-label="Filter: names or groups of calls, or text"
          title="Names or groups of calls (openat, files, network), or text that they contain"
          placeholder="openat, files, network, text …"
          spellcheck={false}
          value={filter.value}
          onChange={(event) => {
            filter.value = event.currentTarget.value.trim();
          }}
        />
        <button
          type="button"
          class="tool"
          aria-pressed={asked.failed}
          title="Only those that failed"
          onClick={() => {
            failed.value = asked.failed ? "" : "1";
          }}
        >
          failed
        </button>
        <span class="dim">{found.answer ? total.toLocaleString("en") : "…"}</span>
      </div>
      {found.error && (
        <p class="problem" role="alert">
          {found.error}
        </p>
      )}
      {found.current && total === 0 && !found.error && (
        <p class="empty">
          {isFiltered ? "No system call matches. " : "The trace has no system call."}
          {isFiltered && (
            <button
              type="button"
              class="tool"
              onClick={() => {
                filter.value = "";
                failed.value = "";
              }}
            >
              Show all
            </button>
          )}
        </p>
      )}
      <Rows
        count={total}
        at={found.current && total > 0 ? Math.min(here, total - 1) : null}
        when={[here, total]}
        class="syscalls"
        role="listbox"
        aria-label="System calls"
        tabIndex={0}
        data-keyboard
        onClick={(event) => {
          const row = (event.target as HTMLElement).closest<HTMLElement>("[data-transition]");
          if (row) go({ transition: Number(row.dataset.transition), side: "before" });
        }}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.altKey) return;
          const to = neighbour(rows.current, transition, event.key);
          if (to === undefined) return;
          event.preventDefault();
          go({ transition: to, side: "before" }, { isStep: true });
        }}
      >
        {(first, stop) => <Calls name={name} asked={asked} first={first} stop={stop} seen={rows} />}
      </Rows>
    </>
  );
}

interface CallsProps {
  name: string;
  asked: { filter: string; failed: boolean };
  first: number;
  stop: number;
  seen: { current: SyscallRow[] };
}

function Calls({ name, asked, first, stop, seen }: CallsProps) {
  const { transition } = focus.value;
  const showsThread = (scenario.value?.threads.length ?? 0) > 1;
  const elements = useChunks(name, "syscalls", asked, first, stop);
  const rows = elements.map(({ answer, at }) => answer?.rows[at]);
  seen.current = rows.filter((row) => row !== undefined);
  return (
    <>
      {rows.map((row, index) =>
        row ? (
          <div
            key={row.transition}
            class="row syscall"
            role="option"
            aria-selected={row.transition === transition}
            data-transition={row.transition}
            title={`${row.name}${row.text}${row.result && ` = ${row.result}`}`}
          >
            <span class="id">{row.transition}</span>
            {showsThread && <span class="dim">t{row.thread}</span>}
            <span class={row.error ? "result written" : "result"}>{row.result || "…"}</span>
            <span class="call">
              <b>{row.name}</b>
              {row.text}
            </span>
          </div>
        ) : (
          <div key={first + index} class="row syscall" role="option" aria-selected={false}>
            <span class="id dim">…</span>
          </div>
        ),
      )}
    </>
  );
}

/** The call before or after a transition, of those in sight. */
function neighbour(rows: SyscallRow[], transition: number, key: string): number | undefined {
  if (key === "ArrowDown") return rows.find((row) => row.transition > transition)?.transition;
  if (key === "ArrowUp") return rows.findLast((row) => row.transition < transition)?.transition;
  return undefined;
}

export const panel = definePanel({
  id: "syscalls",
  title: "System calls",
  place: "low-right",
  order: 3,
  many: true,
  keeps: { filter: keptOfTrace(""), failed: keptOfTrace("") },
  open: (self) => ({
    content: () => <SyscallsPanel self={self} />,
    detail: () => self.kept.filter.value,
  }),
});
