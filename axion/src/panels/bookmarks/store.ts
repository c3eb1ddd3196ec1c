// SPDX-License-Identifier: Apache-2.0
// The bookmarks of the scenario: the server has them, and tells when they have changed.
import { effect, signal } from "@preact/signals";
import { query } from "../../api/client";
import type { BookmarkData } from "../../api/types";
import { focus, go, scenarioName } from "../../focus";
import { bookmarks as marks } from "../../marks";

import { bookmarksRevision, sessions } from "../../session/sync";
import { say, sayProblem } from "../../ui/toast";

const PAGE = 1000;

/** By transition. */
export const bookmarks = signal<BookmarkData[]>([]);

let asked = 0;

async function load(scenario: string): Promise<void> {
  asked += 1;
  const mine = asked;
  const all: BookmarkData[] = [];
  try {
    for (let first: number | null = 0; first !== null; ) {
      const page: { bookmarks: BookmarkData[]; next: number | null } = await query(
        scenario,
        "bookmarks",
        { first, limit: PAGE },
      );
      all.push(...page.bookmarks);
      first = page.next;
    }
  } catch (problem) {
    sayProblem(problem);
    return;
  }
  if (mine !== asked) return;
  all.sort((one, other) => one.transition - other.transition || one.id - other.id);
  bookmarks.value = all;
  marks.value = all.map(({ transition, description }) => ({
    transition,
    label: description || "bookmark",
  }));
}

/** Keep them as the server has them, from now on. */
function watch(): void {
  effect(() => {
    const scenario = scenarioName.value;
    // What changed while the connection was broken was not told.
    void [bookmarksRevision.value[scenario], sessions.state.value === "open"];
    if (scenario) queueMicrotask(() => void load(scenario));
  });
}

watch();

/** Bookmark a transition with a note. */
export async function add(transition: number, description: string): Promise<void> {
  const { scenario } = focus.peek();
  try {
    await query(scenario, "add_bookmark", { key: crypto.randomUUID(), transition, description });
    await load(scenario);
  } catch (problem) {
    sayProblem(problem);
  }
}

export async function edit(bookmark: BookmarkData, description: string): Promise<void> {
  const { scenario } = focus.peek();
  try {
    if (description !== bookmark.description)
      await query(scenario, "edit_bookmark", { id: bookmark.id, transition: null, description });
    await load(scenario);
  } catch (problem) {
    sayProblem(problem);
  }
}

export async function remove(bookmark: BookmarkData): Promise<void> {
  const { scenario } = focus.peek();
  try {
    await query(scenario, "remove_bookmark", { id: bookmark.id });
    await load(scenario);
  } catch (problem) {
    sayProblem(problem);
  }
}

export function goNext(forward: boolean): void {
  const { transition } = focus.peek();
  const all = bookmarks.peek();
  const next = forward
    ? all.find((one) => one.transition > transition)
    : all.findLast((one) => one.transition < transition);
  if (next) go({ transition: next.transition, side: "before" });
  else say(`No ${forward ? "next" : "previous"} bookmark.`);
}
