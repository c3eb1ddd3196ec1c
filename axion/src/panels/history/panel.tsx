// SPDX-License-Identifier: Apache-2.0
import { effect, type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { HistoryRow } from "../../api/types";
import { focus, go } from "../../focus";
import { digits, hexadecimal } from "../../ui/format";
import { Keep } from "../../ui/keep";
import { Rows } from "../../ui/rows";
import { Tokens } from "../../ui/tokens";
import { definePanel, keptAlways, keptOfTrace, type Self } from "../panel";
import { Pages, type Wanted } from "./pages";
import { formatRange, parseRange, type Range } from "./range";
import "./history.css";

/** So many rows of what is further away are fetched before they are seen. */
const AHEAD = 20;

const KINDS = ["all", "reads", "writes"] as const;

interface Props {
  self: Self<"bytes" | "kind" | "filter">;
  pages: Pages;
  /** The bytes whose history is shown: those that are kept, or that were selected last. */
  range: Signal<Range | null>;
}

function HistoryPanel({ self, pages, range: shown }: Props) {
  const { scenario, transition } = focus.value;
  const range = shown.value;
  const { bytes, filter } = self.kept;
  const kind = KINDS.find((each) => each === self.kept.kind.value) ?? "all";
  const key = range ? `${scenario} ${formatRange(range)} ${kind}` : "";

  useEffect(() => {
    if (range === null) return;
    const wanted: Wanted = {
      scenario,
      address: hexadecimal(range.address),
      size: range.size,
      reads: kind !== "writes",
      writes: kind !== "reads",
    };
    void pages.load(wanted, transition);
  }, [key]);

  const known = pages.accesses.value;
  const all = known?.rows ?? [];
  const words = filter.value.toLowerCase();
  const rows = words ? all.filter((row) => textOf(row).includes(words)) : all;
  const here = rows.findIndex((row) => row.transition >= transition);
  const isOutside =
    known !== null &&
    ((here === -1 && known.after !== null) || (here === 0 && known.before !== null));

  // The focus has left what is known: begin anew around it.
  useEffect(() => {
    if (known && isOutside && !words) void pages.load(known.wanted, transition);
  }, [transition, isOutside]);

  return (
    <>
      <div class="bar">
        <span class="mono">
          {range ? `${digits(hexadecimal(range.address))} +${range.size}` : ""}
        </span>
        {range && (
          <Keep
            on={bytes.value !== ""}
            what="the history of these bytes"
            onTurn={(on) => {
              bytes.value = on ? formatRange(range) : "";
            }}
          />
        )}
        <fieldset class="kinds" aria-label="Accesses">
          {KINDS.map((each) => (
            <button
              key={each}
              type="button"
              class="tool"
              aria-pressed={kind === each}
              onClick={() => {
                self.kept.kind.value = each;
              }}
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
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
        />
      </div>
      {range === null && (
        <p class="empty">Select bytes of memory to see who read and wrote them.</p>
      )}
      {known?.problem && <p class="problem">{known.problem}</p>}
      {known && rows.length === 0 && !known.problem && <p class="empty">No access.</p>}
      <Rows
        count={rows.length}
        at={known ? (here === -1 ? rows.length - 1 : here) : null}
        when={[transition, known?.wanted]}
        items={rows}
        onRows={(first, stop) => {
          if (stop + AHEAD >= rows.length) void pages.extend(true);
          if (first < AHEAD) void pages.extend(false);
        }}
        class="history"
        role="listbox"
        aria-label="Memory history"
        tabIndex={0}
        data-keyboard
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
        {(first, stop) =>
          rows
            .slice(first, stop)
            .map((row, index) => (
              <Row
                key={`${row.transition}.${index}`}
                row={row}
                offset={range ? BigInt(row.address) - range.address : 0n}
                isHere={row.transition === transition}
              />
            ))
        }
      </Rows>
    </>
  );
}

function Row({ row, offset, isHere }: { row: HistoryRow; offset: bigint; isHere: boolean }) {
  return (
    <div class="row access" role="option" aria-selected={isHere} data-transition={row.transition}>
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
      {row.cause ? <span class="cause">{row.cause}</span> : <Tokens tokens={row.tokens} />}
    </div>
  );
}

function textOf(row: HistoryRow): string {
  const words = row.tokens.map(([, text]) => text).join(" ");
  return `${row.transition} ${row.place} ${row.value} ${row.cause} ${words}`.toLowerCase();
}

function neighbour(rows: HistoryRow[], transition: number, key: string): number | null {
  if (key === "ArrowDown")
    return rows.find((row) => row.transition > transition)?.transition ?? null;
  if (key === "ArrowUp")
    return rows.findLast((row) => row.transition < transition)?.transition ?? null;
  return null;
}

export const panel = definePanel({
  id: "history",
  title: "Memory history",
  place: "low-right",
  many: true,
  keeps: { bytes: keptOfTrace(""), kind: keptAlways("all"), filter: keptOfTrace("") },
  open: (self) => {
    const pages = new Pages();
    const range = signal<Range | null>(null);
    const stop = effect(() => {
      const { selection } = focus.value;
      const kept = parseRange(self.kept.bytes.value);
      if (kept) range.value = kept;
      else if (selection?.kind === "memory")
        range.value = { address: selection.address, size: selection.size };
    });
    return {
      content: () => <HistoryPanel self={self} pages={pages} range={range} />,
      detail: () => (parseRange(self.kept.bytes.value) ? self.kept.bytes.value : ""),
      close: () => {
        stop();
        pages.stop();
      },
      range,
    };
  },
  // Two that follow the same selection would be the same: the new one stays.
  another: ({ range }): Record<string, string> =>
    range.value ? { bytes: formatRange(range.value) } : {},
});
