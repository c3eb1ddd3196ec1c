// SPDX-License-Identifier: Apache-2.0
// The accesses to a range, fetched both ways from where the focus is.

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

export const accesses = signal<Accesses | null>(null);

let loading = new AbortController();
let more = { before: false, after: false };

function ask(
  wanted: Wanted,
  start: number,
  forward: boolean,
  ahead = false,
): Promise<HistoryAnswer> {
  const { scenario, address, size, reads, writes } = wanted;
  const request = { address, size, start, forward, limit: PAGE, reads, writes };
  return view(scenario, "history", request, { abort: loading.signal, ahead });
}

/** Begin anew, around a transition. What was there stays until the first rows come. */
export async function load(wanted: Wanted, transition: number): Promise<void> {
  loading.abort();
  loading = new AbortController();
  more = { before: false, after: false };
  const { signal } = loading;
  try {
    const [former, latter] = await Promise.all([
      ask(wanted, transition, false),
      ask(wanted, transition, true),
    ]);
    accesses.value = {
      wanted,
      rows: [...former.rows, ...latter.rows],
      before: former.next,
      after: latter.next,
      problem: "",
    };
  } catch (problem) {
    if (signal.aborted) return;
    const message = problem instanceof Error ? problem.message : String(problem);
    accesses.value = { wanted, rows: [], before: null, after: null, problem: message };
  }
}

/** More rows at one end. Those far away at the other end are left out. */
export async function extend(forward: boolean): Promise<void> {
  const side = forward ? "after" : "before";
  const known = accesses.peek();
  const start = known?.[side];
  if (!known || start == null || more[side]) return;
  more[side] = true;
  const { signal } = loading;
  try {
    const page = await ask(known.wanted, start, forward, true);
    const now = accesses.peek();
    if (signal.aborted || now === null || now.wanted !== known.wanted) return;
    if (forward) {
      const rows = [...now.rows, ...page.rows];
      const cut = Math.max(rows.length - MOST_ROWS, 0);
      const kept = rows.slice(cut);
      const before = cut > 0 ? (kept[0]?.transition ?? now.before) : now.before;
      accesses.value = { ...now, rows: kept, before, after: page.next };
    } else {
      const rows = [...page.rows, ...now.rows];
      const kept = rows.slice(0, MOST_ROWS);
      const last = kept.at(-1);
      const after = rows.length > MOST_ROWS && last ? last.transition + 1 : now.after;
      accesses.value = { ...now, rows: kept, before: page.next, after };
    }
  } catch {
    // Scrolling further asks again.
  } finally {
    if (!signal.aborted) more[side] = false;
  }
}
