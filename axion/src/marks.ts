// SPDX-License-Identifier: Apache-2.0
// Transitions that are marked, wherever transitions are shown.

import { computed, signal } from "@preact/signals";

export interface Mark {
  transition: number;
  /** What the mark is called, for a tooltip. */
  label: string;
  /** A CSS colour; those of each list's own otherwise. */
  color?: string;
}

/** Where the others are who listen to the same session. */
export const presence = signal<Mark[]>([]);
export const bookmarks = signal<Mark[]>([]);
/** What the latest search found, as far as it is known. */
export const found = signal<Mark[]>([]);

export const bookmarkedTransitions = computed(
  () => new Map(bookmarks.value.map((mark) => [mark.transition, mark.label])),
);
export const presentTransitions = computed(() => {
  const marks = new Map<number, Mark[]>();
  for (const mark of presence.value) {
    marks.set(mark.transition, [...(marks.get(mark.transition) ?? []), mark]);
  }
  return marks;
});
export const foundTransitions = computed(() => new Set(found.value.map((mark) => mark.transition)));
