// SPDX-License-Identifier: Apache-2.0
import { computed, type Signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { SearchHit } from "../../api/types";
import { focus, go, total } from "../../focus";
import { digits } from "../../ui/format";
import { Rows } from "../../ui/rows";
import { Tokens } from "../../ui/tokens";
import { definePanel, keptAlways, keptOfTrace } from "../panel";
import { type Kind, recent, Search, search, type Wanted } from "./store";
import "./search.css";

const KINDS: Record<Kind, { title: string; hint: string }> = {
  symbol: { title: "Function", hint: "name, or binary!name (regular expression)" },
  address: { title: "Address", hint: "0x401136, main+0x12" },
  instruction: { title: "Instruction", hint: "^call .*rax (regular expression)" },
  string: { title: "String", hint: "part of it" },
  memory: { title: "Memory", hint: '"text", or bytes: 7f 45 4c 46' },
  value: { title: "Value", hint: "0x1f or 31, in a register or access" },
  binary: { title: "Binary", hint: "path (regular expression)" },
};

const USUAL: Kind = "symbol";

type Keeps = Record<"kind" | "text", Signal<string>>;

function kindOf(text: string): Kind {
  return text in KINDS ? (text as Kind) : USUAL;
}

function SearchPanel({ kept, store }: { kept: Keeps; store: Search }) {
  const input = useRef<HTMLInputElement>(null);
  const [chosen, setChosen] = useState<Kind>(USUAL);
  const kind = kindOf(kept.kind.value);
  const text = kept.text.value;
  // At once: what is typed next must stay.
  useLayoutEffect(() => {
    setChosen(kind);
    if (input.current) input.current.value = text;
  }, [kind, text]);
  const { problem, wanted } = store;
  return (
    <>
      <form
        class="bar"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = input.current?.value.trim() ?? "";
          const isSame = typed === text && chosen === kind;
          search(kept, { kind: chosen, text: typed });
          if (isSame) store.again();
        }}
      >
        <select
          aria-label="What to search for"
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value as Kind)}
        >
          {Object.entries(KINDS).map(([id, { title }]) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
        <input
          ref={input}
          class="mono what"
          data-keyboard
          aria-label="Search"
          placeholder={KINDS[chosen].hint}
          title={KINDS[chosen].hint}
          spellcheck={false}
          autocomplete="off"
        />
        {store.isRunning.value ? (
          <button type="button" class="tool" onClick={() => store.cancel()}>
            Cancel
          </button>
        ) : (
          <button type="submit" class="tool">
            Search
          </button>
        )}
      </form>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {wanted.value ? <Hits kept={kept} store={store} /> : <Recent kept={kept} />}
    </>
  );
}

function Recent({ kept }: { kept: Keeps }) {
  if (recent.value.length === 0)
    return <p class="empty">What is found is listed here, and marked on the timeline.</p>;
  return (
    <ul class="scroll recent" aria-label="Recent searches">
      {recent.value.map((one) => (
        <li key={`${one.kind} ${one.text}`}>
          <button type="button" class="row" onClick={() => search(kept, one)}>
            <span class="dim">{KINDS[one.kind]?.title ?? one.kind}</span>
            <span>{one.text}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Hits({ kept, store }: { kept: Keeps; store: Search }) {
  const all = store.hits.value;
  const next = store.next.value;
  const { transition } = focus.value;
  const here = all.findIndex((hit) => hit.transition === transition);
  const share = next === null || total.value === 0 ? 1 : next / total.value;
  return (
    <>
      <Rows
        count={all.length}
        at={here === -1 ? null : here}
        when={[transition]}
        onRows={(first, stop, shown) => {
          // What is left is less than what is seen.
          if (first > 0 && stop + shown > all.length) void store.more();
        }}
        class="hits"
        role="listbox"
        aria-label="Found"
        tabIndex={0}
        onClick={(event) => {
          const row = (event.target as HTMLElement).closest<HTMLElement>("[data-hit]");
          if (row) open(all[Number(row.dataset.hit)]);
        }}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.altKey) return;
          const to = neighbour(all, transition, event.key);
          if (to === null) return;
          event.preventDefault();
          event.stopPropagation();
          open(to, true);
        }}
      >
        {(first, stop) =>
          all
            .slice(first, stop)
            .map((hit, index) => (
              <Row
                key={first + index}
                hit={hit}
                index={first + index}
                isHere={hit.transition === transition}
              />
            ))
        }
      </Rows>
      <div class="status dim" role="status">
        {store.isRunning.value ? "Searching… " : ""}
        {all.length.toLocaleString("en")} found
        {next === null ? "" : `, up to ${(100 * Math.min(1, share)).toFixed(1)} % of the trace`}
        {next !== null && !store.isRunning.value && (
          <button type="button" class="tool" onClick={() => void store.more()}>
            Go on
          </button>
        )}
        <span class="spring" />
        <button
          type="button"
          class="tool"
          onClick={() => {
            kept.text.value = "";
          }}
        >
          Clear
        </button>
      </div>
    </>
  );
}

function Row({ hit, index, isHere }: { hit: SearchHit; index: number; isHere: boolean }) {
  return (
    <div
      class="row hit"
      role="option"
      aria-selected={isHere}
      data-hit={index}
      data-transition={hit.transition}
    >
      <span class="id">{hit.transition}</span>
      {hit.address && <span class="dim">{digits(hit.address)}</span>}
      {hit.note && <span class="note">{hit.note}</span>}
      <span class="place">{hit.place?.text ?? ""}</span>
      <Tokens tokens={hit.tokens} />
    </div>
  );
}

function open(hit: SearchHit | undefined, isStep = false): void {
  if (!hit) return;
  const selection = hit.address
    ? ({ kind: "memory", address: BigInt(hit.address), size: hit.size ?? 1 } as const)
    : undefined;
  go(
    { transition: hit.transition, side: "before", ...(selection ? { selection } : {}) },
    { isStep },
  );
}

function neighbour(all: SearchHit[], transition: number, key: string): SearchHit | null {
  if (key === "ArrowDown") return all.find((hit) => hit.transition > transition) ?? null;
  if (key === "ArrowUp") return all.findLast((hit) => hit.transition < transition) ?? null;
  return null;
}

export const panel = definePanel({
  id: "search",
  title: "Search",
  place: "low-right",
  order: 1,
  many: true,
  keeps: { kind: keptAlways(USUAL), text: keptOfTrace("") },
  open: ({ id, kept }) => {
    const wanted = computed<Wanted | null>(() =>
      kept.text.value ? { kind: kindOf(kept.kind.value), text: kept.text.value } : null,
    );
    const store = new Search(id, wanted);
    return {
      content: () => <SearchPanel kept={kept} store={store} />,
      detail: () => kept.text.value,
      close: () => store.close(),
    };
  },
  // A second search is for something else.
  another: () => ({ text: "" }),
  commands: [
    {
      id: "search",
      title: "Search the trace",
      group: "Look",
      keys: ["/", "Ctrl+F"],
      shows: true,
      run: () => {},
    },
  ],
});
