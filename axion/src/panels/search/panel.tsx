// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { SearchHit } from "../../api/types";
import { addCommands } from "../../commands";
import { focus, go, total } from "../../focus";
import { showPanel } from "../../shell/dock";
import { digits } from "../../ui/format";
import { Tokens } from "../../ui/tokens";
import type { Panel } from "../registry";
import {
  cancel,
  clear,
  hits,
  isRunning,
  type Kind,
  more,
  next,
  problem,
  recent,
  search,
  wanted,
} from "./store";
import "./search.css";

const ROW = 20;
const BEYOND = 8;

const KINDS: Record<Kind, { title: string; hint: string }> = {
  symbol: { title: "Function", hint: "name, or binary!name (regular expression)" },
  address: { title: "Address", hint: "0x401136, main+0x12" },
  instruction: { title: "Instruction", hint: "^call .*rax (regular expression)" },
  string: { title: "String", hint: "part of it" },
  memory: { title: "Memory", hint: '"text", or bytes: 7f 45 4c 46' },
  value: { title: "Value", hint: "0x1f or 31, in a register or access" },
  binary: { title: "Binary", hint: "path (regular expression)" },
};

const kind = signal<Kind>("symbol");

function Search() {
  const input = useRef<HTMLInputElement>(null);
  const chosen = kind.value;
  return (
    <>
      <form
        class="bar"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const text = input.current?.value.trim() ?? "";
          if (text) search({ kind: chosen, text });
          else clear();
        }}
      >
        <select
          aria-label="What to search for"
          value={chosen}
          onChange={(event) => {
            kind.value = event.currentTarget.value as Kind;
          }}
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
          defaultValue={wanted.peek()?.text ?? ""}
        />
        {isRunning.value ? (
          <button type="button" class="tool" onClick={cancel}>
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
      {wanted.value ? (
        <Hits />
      ) : (
        <Recent
          onChoose={(text) => {
            if (input.current) input.current.value = text;
          }}
        />
      )}
    </>
  );
}

function Recent({ onChoose }: { onChoose: (text: string) => void }) {
  if (recent.value.length === 0)
    return <p class="empty">What is found is listed here, and marked on the timeline.</p>;
  return (
    <ul class="scroll recent" aria-label="Recent searches">
      {recent.value.map((one) => (
        <li key={`${one.kind} ${one.text}`}>
          <button
            type="button"
            class="row"
            onClick={() => {
              kind.value = one.kind;
              onChoose(one.text);
              search(one);
            }}
          >
            <span class="dim">{KINDS[one.kind]?.title ?? one.kind}</span>
            <span>{one.text}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Hits() {
  const list = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ top: 0, height: 0 });
  const all = hits.value;
  const { transition } = focus.value;
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const watching = new ResizeObserver(() =>
      setAt({ top: element.scrollTop, height: element.clientHeight }),
    );
    watching.observe(element);
    return () => watching.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(at.top / ROW) - BEYOND);
  const stop = Math.min(all.length, Math.ceil((at.top + at.height) / ROW) + BEYOND);
  const share = next.value === null || total.value === 0 ? 1 : next.value / total.value;
  return (
    <>
      <div
        ref={list}
        class="scroll hits"
        role="listbox"
        aria-label="Found"
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
          setAt({ top: scrollTop, height: clientHeight });
          if (scrollTop + 2 * clientHeight > scrollHeight) void more();
        }}
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
          const index = all.indexOf(to);
          const element = list.current;
          if (
            element &&
            (index * ROW < element.scrollTop ||
              (index + 1) * ROW > element.scrollTop + element.clientHeight)
          )
            element.scrollTop = index * ROW - element.clientHeight / 2;
          open(to, true);
        }}
      >
        <div style={{ height: `${all.length * ROW}px`, position: "relative" }}>
          {all.slice(first, stop).map((hit, index) => (
            <Row
              key={first + index}
              hit={hit}
              index={first + index}
              isHere={hit.transition === transition}
            />
          ))}
        </div>
      </div>
      <div class="status dim" role="status">
        {isRunning.value ? "Searching… " : ""}
        {all.length.toLocaleString("en")} found
        {next.value === null
          ? ""
          : `, up to ${(100 * Math.min(1, share)).toFixed(1)} % of the trace`}
        {next.value !== null && !isRunning.value && (
          <button type="button" class="tool" onClick={() => void more()}>
            Go on
          </button>
        )}
        <span class="spring" />
        <button type="button" class="tool" onClick={clear}>
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
      style={{ top: `${index * ROW}px` }}
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

addCommands({
  id: "search",
  title: "Search the trace",
  group: "Look",
  keys: ["/", "Ctrl+F"],
  run: () => showPanel("search"),
});

export const panel: Panel = {
  id: "search",
  title: "Search",
  component: Search,
  place: "low-right",
  order: 1,
};
