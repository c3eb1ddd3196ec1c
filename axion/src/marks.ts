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
/** What each search found, as far as it is known, by the panel that searches. */
export const foundBy = signal<ReadonlyMap<string, Mark[]>>(new Map());
export const found = computed(() => [...foundBy.value.values()].flat());

/** Say what a panel found; nothing takes its marks away. */
export function markFound(panel: string, marks: Mark[]): void {
  const others = new Map(foundBy.peek());
  others.delete(panel);
  foundBy.value = marks.length > 0 ? others.set(panel, marks) : others;
}

/** The transitions that a timeline shows marks of, and how many of them fall together; null:
 * there is none. */
export const marked = signal<{ start: number; stop: number; width: number } | null>(null);

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
