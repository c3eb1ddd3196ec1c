// SPDX-License-Identifier: Apache-2.0
// The search: its hits as far as they are known, and its marks on the timeline.
import { effect, signal } from "@preact/signals";
import { requestView } from "../../api/client";
import type { SearchHit, SearchRequest } from "../../api/types";
import { view } from "../../api/views";
import { focus, total } from "../../focus";
import { found } from "../../marks";
import { seen } from "../timeline/state";

export type Kind = SearchRequest["kind"];

export interface Wanted {
  kind: Kind;
  text: string;
}

const RECENT_KEY = "axion.searches";
const RECENT = 12;
const PAGE = 100;
const SETTLED = 150;

export const wanted = signal<Wanted | null>(null);
export const hits = signal<SearchHit[]>([]);
/** Where the search goes on; null: it is complete. */
export const next = signal<number | null>(null);
export const isRunning = signal(false);
export const problem = signal("");
export const recent = signal<Wanted[]>(stored());

let searching = new AbortController();
let marking = new AbortController();
/** What the marks are of; they are found anew for other pixels. */
let marked = "";

function stored(): Wanted[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(RECENT_KEY) ?? "[]");
    return Array.isArray(list) ? (list as Wanted[]).filter((one) => one.kind && one.text) : [];
  } catch {
    return [];
  }
}

function remember(one: Wanted): void {
  const others = recent.peek().filter((old) => old.kind !== one.kind || old.text !== one.text);
  recent.value = [one, ...others].slice(0, RECENT);
  localStorage.setItem(RECENT_KEY, JSON.stringify(recent.peek()));
}

export function search(one: Wanted): void {
  clear();
  wanted.value = one;
  next.value = 0;
  remember(one);
  void more();
}

/** Stop; what was found stays. */
export function cancel(): void {
  searching.abort();
  marking.abort();
  isRunning.value = false;
}

export function clear(): void {
  cancel();
  wanted.value = null;
  hits.value = [];
  next.value = null;
  problem.value = "";
  found.value = [];
  marked = "";
}

/** The next page of hits. */
export async function more(): Promise<void> {
  const one = wanted.peek();
  if (!one || isRunning.peek() || next.peek() === null) return;
  searching = new AbortController();
  const { signal } = searching;
  const { scenario } = focus.peek();
  isRunning.value = true;
  const enough = hits.peek().length + PAGE;
  try {
    while (next.peek() !== null && hits.peek().length < enough) {
      const asked = { ...one, first: next.peek() ?? 0, limit: PAGE };
      const page = await view(scenario, "search", asked, { abort: signal, ahead: true });
      if (signal.aborted) return;
      hits.value = [...hits.peek(), ...page.hits];
      next.value = page.next;
    }
  } catch (wrong) {
    if (signal.aborted) return;
    problem.value = wrong instanceof Error ? wrong.message : String(wrong);
    next.value = null;
  }
  isRunning.value = false;
}

async function mark(one: Wanted, start: number, stop: number, width: number): Promise<void> {
  marking.abort();
  marking = new AbortController();
  const { signal } = marking;
  const { scenario } = focus.peek();
  const marks = new Set<number>();
  try {
    for (let first: number | null | undefined; first !== null; ) {
      const asked = { ...one, start, stop, width, ...(first === undefined ? {} : { first }) };
      const page: { transitions: number[]; next: number | null } = await requestView(
        scenario,
        "search_marks",
        asked,
        signal,
      );
      if (signal.aborted) return;
      for (const transition of page.transitions) marks.add(transition);
      first = page.next;
      found.value = [...marks].map((transition) => ({ transition, label: one.text }));
    }
  } catch {
    // The list says what is wrong with the search.
    if (!signal.aborted) marked = "";
  }
}

function watch(): void {
  let scenario = "";
  effect(() => {
    const now = focus.value.scenario;
    if (scenario && now !== scenario) queueMicrotask(clear);
    scenario = now;
  });
  let settling: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const one = wanted.value;
    const { start, stop, width } = seen.value;
    const all = total.value;
    clearTimeout(settling);
    if (!one || all === 0) return;
    settling = setTimeout(() => {
      const key = JSON.stringify([one, start, stop, width]);
      if (key === marked) return;
      marked = key;
      void mark(one, start, stop, width);
    }, SETTLED);
  });
}

watch();
