// SPDX-License-Identifier: Apache-2.0
// A search: its hits as far as they are known, and its marks on the timeline.
import { batch, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { requestView } from "../../api/client";
import type { SearchHit, SearchRequest } from "../../api/types";
import { view } from "../../api/views";
import { focus, total } from "../../focus";
import { marked, markFound } from "../../marks";

export type Kind = SearchRequest["kind"];

export interface Wanted {
  kind: Kind;
  text: string;
}

const RECENT_KEY = "axion.searches";
const RECENT = 12;
const PAGE = 100;
const SETTLED = 150;
/** So many places are marked where no timeline says otherwise. */
const MARKED = 1000;

/** The searches that were made last, of all panels. */
export const recent = signal<Wanted[]>(stored());

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

/** The search of a panel. */
export class Search {
  readonly hits = signal<SearchHit[]>([]);
  /** Where the search goes on; null: it is complete. */
  readonly next = signal<number | null>(null);
  readonly isRunning = signal(false);
  readonly problem = signal("");
  #searching = new AbortController();
  #marking = new AbortController();
  /** What the marks are of; they are found anew for other pixels. */
  #marked = "";
  readonly #stops: (() => void)[];
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly panel: string,
    /** What is searched for; the panel keeps it. null: nothing. */
    readonly wanted: ReadonlySignal<Wanted | null>,
  ) {
    let former = wanted.peek();
    this.#stops = [
      effect(() => {
        const one = wanted.value;
        if (one?.kind === former?.kind && one?.text === former?.text) return;
        former = one;
        queueMicrotask(() => this.#begin());
      }),
      effect(() => {
        const one = wanted.value;
        const all = total.value;
        const usual = { start: 0, stop: all, width: Math.ceil(all / MARKED) };
        const { start, stop, width } = marked.value ?? usual;
        clearTimeout(this.#settling);
        if (!one || stop === 0) return;
        this.#settling = setTimeout(() => {
          const key = JSON.stringify([focus.peek().scenario, one, start, stop, width]);
          if (key === this.#marked) return;
          this.#marked = key;
          void this.#mark(one, start, stop, width);
        }, SETTLED);
      }),
    ];
    if (former) this.#begin();
  }

  #begin(): void {
    this.cancel();
    this.hits.value = [];
    this.problem.value = "";
    markFound(this.panel, []);
    this.#marked = "";
    this.next.value = this.wanted.peek() ? 0 : null;
    void this.more();
  }

  /** The same once more. */
  again(): void {
    this.#begin();
  }

  /** Stop; what was found stays. */
  cancel(): void {
    this.#searching.abort();
    this.#marking.abort();
    this.isRunning.value = false;
  }

  close(): void {
    this.cancel();
    clearTimeout(this.#settling);
    for (const stop of this.#stops) stop();
    markFound(this.panel, []);
  }

  /** The next page of hits. */
  async more(): Promise<void> {
    const one = this.wanted.peek();
    if (!one || this.isRunning.peek() || this.next.peek() === null) return;
    this.#searching = new AbortController();
    const { signal } = this.#searching;
    const { scenario } = focus.peek();
    this.isRunning.value = true;
    const enough = this.hits.peek().length + PAGE;
    try {
      while (this.next.peek() !== null && this.hits.peek().length < enough) {
        const asked = { ...one, first: this.next.peek() ?? 0, limit: PAGE };
        const page = await view(scenario, "search", asked, { abort: signal, ahead: true });
        if (signal.aborted) return;
        this.hits.value = [...this.hits.peek(), ...page.hits];
        this.next.value = page.next;
      }
    } catch (wrong) {
      if (signal.aborted) return;
      this.problem.value = wrong instanceof Error ? wrong.message : String(wrong);
      this.next.value = null;
    }
    this.isRunning.value = false;
  }

  async #mark(one: Wanted, start: number, stop: number, width: number): Promise<void> {
    this.#marking.abort();
    this.#marking = new AbortController();
    const { signal } = this.#marking;
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
        markFound(
          this.panel,
          [...marks].map((transition) => ({ transition, label: one.text })),
        );
      }
    } catch {
      // The list says what is wrong with the search.
      if (!signal.aborted) this.#marked = "";
    }
  }
}

/** Have a panel search for something, and remember it. */
export function search(kept: Record<"kind" | "text", Signal<string>>, one: Wanted): void {
  if (one.text) remember(one);
  batch(() => {
    kept.kind.value = one.kind;
    kept.text.value = one.text;
  });
}
