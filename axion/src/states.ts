// SPDX-License-Identifier: Apache-2.0
// What panels keep, as text: in a link, and in the layout that the browser remembers.

import { signal } from "@preact/signals";
import type { Focus } from "./focus";

/** A panel that is open: "memory", or "memory-2" for the second of a kind. */
export interface PanelState {
  id: string;
  /** What differs from how such a panel begins. */
  kept: Record<string, string>;
}

/** So many panels of a kind there are at most; a link may not open more. */
export const MOST_OF_A_KIND = 9;

/** The panels that are open, in the order of their ids: what a link says of them. */
export const openPanels = signal<PanelState[]>([]);

/** The panels of a link that was opened, until the dock has them. */
export const linkedPanels = signal<PanelState[] | null>(null);

/** A link to a place was opened, until the dock has shown the place. */
export const placeLinked = signal(false);

/** The kind and the number of a panel; null for what is no panel's id. */
export function partsOf(id: string): { panel: string; number: number } | null {
  const found = /^([a-z]+(?:_[a-z]+)*)(?:-([2-9]))?$/.exec(id);
  return found?.[1] ? { panel: found[1], number: Number(found[2] ?? 1) } : null;
}

/**
 * The parameter of a link: `memory~expression~rdi%2B8,memory-2,history`. Panels as they come
 * need no word; with one that differs, all are named, so that who opens it sees the same.
 */
export function formatPanels(panels: PanelState[]): string {
  const differs = panels.some(
    ({ id, kept }) => partsOf(id)?.number !== 1 || Object.keys(kept).length > 0,
  );
  if (!differs) return "";
  return panels
    .map(({ id, kept }) => [id, ...Object.entries(kept).flat()].map(encoded).join("~"))
    .join(",");
}

/** Reads that; what is no panel is left out. null: it says nothing of panels. */
export function parsePanels(text: string): PanelState[] | null {
  const panels = new Map<string, PanelState>();
  for (const part of text.split(",")) {
    const [id = "", ...words] = part.split("~").map(decoded);
    if (partsOf(id) === null) continue;
    const kept: Record<string, string> = {};
    for (let at = 0; at + 1 < words.length; at += 2) {
      const name = words[at] ?? "";
      if (/^[a-z]+$/.test(name)) kept[name] = words[at + 1] ?? "";
    }
    panels.set(id, { id, kept });
  }
  return panels.size > 0 ? [...panels.values()] : null;
}

/** The states in something that was stored: whatever it is, only what is a state comes out. */
export function statesIn(stored: unknown): PanelState[] {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((one: unknown) => {
    if (typeof one !== "object" || one === null) return [];
    const { id, kept } = one as Partial<Record<keyof PanelState, unknown>>;
    if (typeof id !== "string" || partsOf(id) === null) return [];
    if (typeof kept !== "object" || kept === null) return [];
    const texts = Object.entries(kept).filter(([, value]) => typeof value === "string");
    return [{ id, kept: Object.fromEntries(texts) as Record<string, string> }];
  });
}

type Moment = Pick<Focus, "transition" | "side" | "thread">;

/** A moment that a panel is held at: `4242`, `4242+` after it, `4242.2` of thread 2. */
export function formatMoment({ transition, side, thread }: Moment): string {
  return `${transition}${side === "after" ? "+" : ""}${thread === null ? "" : `.${thread}`}`;
}

export function parseMoment(text: string): Moment | null {
  const found = /^(\d{1,15})(\+?)(?:\.(\d{1,15}))?$/.exec(text);
  if (!found) return null;
  return {
    transition: Number(found[1]),
    side: found[2] ? "after" : "before",
    thread: found[3] === undefined ? null : Number(found[3]),
  };
}

/** Free of what separates panels, their words, and the parameters of a link. */
function encoded(word: string): string {
  // Half a character, which a link cannot hold.
  const whole = word.replace(/\p{Surrogate}/gu, "\uFFFD");
  return encodeURIComponent(whole).replaceAll("~", "%7E");
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
