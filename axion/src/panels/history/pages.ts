// SPDX-License-Identifier: Apache-2.0
// The accesses to a range, fetched both ways from a transition.

import { signal } from "@preact/signals";
import type { HistoryAnswer, HistoryRow } from "../../api/types";
import { view } from "../../api/views";

const PAGE = 60;
const MOST_ROWS = 6000;

export interface Wanted {
  scenario: string;
  address: string;
  size: number;
  reads: boolean;
  writes: boolean;
}

/** The rows there are so far, by ascending transition; `before` and `after` say how to get
 * more, null at the ends. `problem`: why there are none. */
export interface Accesses {
  wanted: Wanted;
  rows: HistoryRow[];
  before: number | null;
  after: number | null;
  problem: string;
}

export class Pages {
  readonly accesses = signal<Accesses | null>(null);
  #loading = new AbortController();
  #more = { before: false, after: false };

  #ask(wanted: Wanted, start: number, forward: boolean, ahead = false): Promise<HistoryAnswer> {
    const { scenario, address, size, reads, writes } = wanted;
    const request = { address, size, start, forward, limit: PAGE, reads, writes };
    return view(scenario, "history", request, { abort: this.#loading.signal, ahead });
  }

  /** Nobody wants what was asked for any more. */
  stop(): void {
    this.#loading.abort();
    this.#more = { before: false, after: false };
  }

  /** Begin anew, around a transition. What was there stays until the first rows come. */
  async load(wanted: Wanted, transition: number): Promise<void> {
    this.stop();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    try {
      const [former, latter] = await Promise.all([
        this.#ask(wanted, transition, false),
        this.#ask(wanted, transition, true),
      ]);
      if (signal.aborted) return;
      this.accesses.value = {
        wanted,
        rows: [...former.rows, ...latter.rows],
        before: former.next,
        after: latter.next,
        problem: "",
      };
    } catch (problem) {
      if (signal.aborted) return;
      const message = problem instanceof Error ? problem.message : String(problem);
      this.accesses.value = { wanted, rows: [], before: null, after: null, problem: message };
    }
  }

  /** More rows at one end. Those far away at the other end are left out. */
  async extend(forward: boolean): Promise<void> {
    const side = forward ? "after" : "before";
    const known = this.accesses.peek();
    const start = known?.[side];
    if (!known || start == null || this.#more[side]) return;
    this.#more[side] = true;
    const { signal } = this.#loading;
    try {
      const page = await this.#ask(known.wanted, start, forward, true);
      const now = this.accesses.peek();
      if (signal.aborted || now === null || now.wanted !== known.wanted) return;
      this.accesses.value = forward ? appended(now, page) : prepended(now, page);
    } catch {
      // Scrolling further asks again.
    } finally {
      if (!signal.aborted) this.#more[side] = false;
    }
  }
}

/** With later rows. The first are left out where there are too many. */
export function appended(now: Accesses, page: HistoryAnswer, most = MOST_ROWS): Accesses {
  const rows = [...now.rows, ...page.rows];
  const last = rows.at(-1)?.transition;
  const cut = border(rows, rows.length - most);
  // The last transition stays whole, however many accesses it has.
  const kept = cut < rows.length ? rows.slice(cut) : rows.filter((row) => row.transition === last);
  const before = kept.length < rows.length ? (kept[0]?.transition ?? null) : now.before;
  return { ...now, rows: kept, before, after: page.next };
}

/** With earlier rows. The last are left out where there are too many. */
export function prepended(now: Accesses, page: HistoryAnswer, most = MOST_ROWS): Accesses {
  const rows = [...page.rows, ...now.rows];
  const kept = rows.slice(0, rows.length > most ? border(rows, most) : rows.length);
  const last = kept.at(-1);
  const after = kept.length < rows.length && last ? last.transition + 1 : now.after;
  return { ...now, rows: kept, before: page.next, after };
}

/** The first index from one on, where another transition begins. */
function border(rows: HistoryRow[], from: number): number {
  let at = Math.max(from, 0);
  while (at > 0 && at < rows.length && rows[at]?.transition === rows[at - 1]?.transition) at += 1;
  return at;
}
