// SPDX-License-Identifier: Apache-2.0
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { HistoryRow } from "../../api/types";
import { focus, go } from "../../focus";
import { digits, hexadecimal } from "../../ui/format";
import { Tokens } from "../../ui/tokens";
import type { Panel } from "../registry";
import { accesses, extend, load, type Wanted } from "./pages";
import "./history.css";

const ROW = 20;
/** So many rows of what is further away are fetched before they are seen. */
const AHEAD = 20;

type Kind = "all" | "reads" | "writes";

/** The bytes whose history is shown: those that were selected last. */
let range: { address: bigint; size: number } | null = null;

/** What the list was last scrolled for. */
interface Brought {
  transition: number;
  wanted: Wanted | undefined;
  first: HistoryRow | undefined;
}

function HistoryPanel() {
  const { scenario, transition, selection } = focus.value;
  const [kind, setKind] = useState<Kind>("all");
  const [filter, setFilter] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const [scrolled, setScrolled] = useState(0);
  const [height, setHeight] = useState(0);
  if (selection?.kind === "memory") range = { address: selection.address, size: selection.size };
  const key = range ? `${scenario} ${range.address} ${range.size} ${kind}` : "";

  useEffect(() => {
    if (range === null) return;
    const wanted: Wanted = {
      scenario,
      address: hexadecimal(range.address),
      size: range.size,
      reads: kind !== "writes",
      writes: kind !== "reads",
    };
    void load(wanted, transition);
  }, [key]);

  const known = accesses.value;
  const all = known?.rows ?? [];
  const rows = filter ? all.filter((row) => textOf(row).includes(filter.toLowerCase())) : all;
  const here = rows.findIndex((row) => row.transition >= transition);
  const isOutside =
    known !== null &&
    ((here === -1 && known.after !== null) || (here === 0 && known.before !== null));

  // The focus has left what is known: begin anew around it.
  useEffect(() => {
    if (known && isOutside && !filter) void load(known.wanted, transition);
  }, [transition, isOutside]);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const watching = new ResizeObserver(() => setHeight(element.clientHeight));
    watching.observe(element);
    return () => watching.disconnect();
  }, []);

  const brought = useRef<Brought | null>(null);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element || height === 0) return;
    const last = brought.current;
    if (!last || last.transition !== transition || last.wanted !== known?.wanted) {
      const at = (here === -1 ? rows.length : here) * ROW;
      const isSeen = at >= element.scrollTop && at <= element.scrollTop + height - ROW;
      if (!isSeen || last?.wanted !== known?.wanted) element.scrollTop = at - height / 2;
    } else if (last.first && last.first !== rows[0]) {
      // Rows came before those that are looked at.
      const by = rows.indexOf(last.first);
      if (by > 0) element.scrollTop += by * ROW;
    }
    brought.current = { transition, wanted: known?.wanted, first: rows[0] };
  }, [transition, known, height, rows, here]);

  const first = Math.max(Math.floor(scrolled / ROW) - 4, 0);
  const stop = Math.min(first + Math.ceil(height / ROW) + 8, rows.length);
  useEffect(() => {
    if (!known || height === 0) return;
    if (stop + AHEAD >= rows.length) void extend(true);
    if (first < AHEAD) void extend(false);
  }, [known, first, stop, rows.length, height]);

  return (
    <>
      <div class="bar">
        <span class="mono">
          {range ? `${digits(hexadecimal(range.address))} +${range.size}` : ""}
        </span>
        <fieldset class="kinds" aria-label="Accesses">
          {(["all", "reads", "writes"] as const).map((each) => (
            <button
              key={each}
              type="button"
              class="tool"
              aria-pressed={kind === each}
              onClick={() => setKind(each)}
            >
              {each}
            </button>
          ))}
        </fieldset>
        <input
          class="mono"
          aria-label="Filter by symbol, instruction or value"
          placeholder="filter"
          spellcheck={false}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </div>
      {range === null && (
        <p class="empty">Select bytes of memory to see who read and wrote them.</p>
      )}
      {known?.problem && <p class="problem">{known.problem}</p>}
      <div
        ref={list}
        class="scroll history"
        role="listbox"
        aria-label="Memory history"
        tabIndex={0}
        data-keyboard
        onScroll={(event) => setScrolled(event.currentTarget.scrollTop)}
        onClick={(event) => {
          const row = (event.target as HTMLElement).closest<HTMLElement>("[data-transition]");
          if (row) go({ transition: Number(row.dataset.transition) });
        }}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.altKey) return;
          const to = neighbour(rows, transition, event.key);
          if (to === null) return;
          event.preventDefault();
          go({ transition: to }, { isStep: true });
        }}
      >
        <div style={{ height: `${rows.length * ROW}px`, position: "relative" }}>
          {rows.slice(first, stop).map((row, index) => (
            <Row
              key={`${row.transition}.${index}`}
              row={row}
              top={(first + index) * ROW}
              isHere={row.transition === transition}
            />
          ))}
        </div>
        {known && rows.length === 0 && !known.problem && <p class="empty">No access.</p>}
      </div>
    </>
  );
}

function Row({ row, top, isHere }: { row: HistoryRow; top: number; isHere: boolean }) {
  const offset = range ? BigInt(row.address) - range.address : 0n;
  return (
    <div
      class="row access"
      role="option"
      aria-selected={isHere}
      data-transition={row.transition}
      style={{ top: `${top}px` }}
    >
      <span class="id">{row.transition}</span>
      <span class={row.is_write ? "written" : "read"}>
        {row.is_write ? "W" : "R"}
        {row.size}
      </span>
      <span class="offset">
        {offset === 0n ? "" : `${offset > 0n ? "+" : "-"}${offset < 0n ? -offset : offset}`}
      </span>
      <span class={row.is_write ? "value written" : "value"} title={row.value}>
        {row.value ? digits(row.value) : "…"}
      </span>
      <span class="place">{row.place}</span>
      <Tokens tokens={row.tokens} />
    </div>
  );
}

function textOf(row: HistoryRow): string {
  const words = row.tokens.map(([, text]) => text).join(" ");
  return `${row.transition} ${row.place} ${row.value} ${words}`.toLowerCase();
}

function neighbour(rows: HistoryRow[], transition: number, key: string): number | null {
  if (key === "ArrowDown")
    return rows.find((row) => row.transition > transition)?.transition ?? null;
  if (key === "ArrowUp")
    return rows.findLast((row) => row.transition < transition)?.transition ?? null;
  return null;
}

export const panel: Panel = {
  id: "history",
  title: "Memory history",
  component: HistoryPanel,
  place: "low-right",
};
