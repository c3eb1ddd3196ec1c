// SPDX-License-Identifier: Apache-2.0
// The one thing that every view is a function of.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { selectionBegins } from "./timing";

export type Side = "before" | "after";

export type Selection =
  | { kind: "register"; name: string }
  | { kind: "memory"; address: bigint; size: number }
  | { kind: "symbol"; name: string; address: bigint };

/** `thread`: whose state is looked at; null: the one that executes the transition. */
export interface Focus {
  scenario: string;
  transition: number;
  side: Side;
  thread: number | null;
  selection: Selection | null;
}

/** Who moves: the analyst, a session that is listened to, or the browser's back and forward. */
export type Mover = "user" | "session" | "history";

export interface Move {
  by: Mover;
  /** One of many quick steps: they are one entry of the browser's history. */
  isStep: boolean;
}

const current = signal<Focus>({
  scenario: "",
  transition: 0,
  side: "before",
  thread: null,
  selection: null,
});

export const focus: ReadonlySignal<Focus> = current;

/** The scenario alone, for what does not depend on the moment. */
export const scenarioName = computed(() => current.value.scenario);

/** The context that is looked at: n before transition n, n+1 after it. */
export const context = computed(() => contextOf(current.value));

export function contextOf(at: Focus): number {
  return at.side === "before" ? at.transition : at.transition + 1;
}

type Listener = (to: Focus, move: Move) => void;
const listeners = new Set<Listener>();

/** Call `listener` after each move. Returns what ends that. */
export function onMove(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Transitions of the scenario: `go` stays inside. */
export const total = signal(0);

/** Move the focus: the only way to. */
export function go(change: Partial<Focus>, move: Partial<Move> = {}): void {
  const to = { ...current.peek(), ...change };
  if (total.peek() > 0) to.transition = Math.min(Math.max(to.transition, 0), total.peek() - 1);
  const made: Move = { by: move.by ?? "user", isStep: move.isStep ?? false };
  if (!isSame(to, current.peek())) {
    selectionBegins();
    current.value = to;
  }
  for (const listener of [...listeners]) listener(to, made);
}

export function isSame(one: Focus, other: Focus): boolean {
  return (
    one.scenario === other.scenario &&
    one.transition === other.transition &&
    one.side === other.side &&
    one.thread === other.thread &&
    isSameSelection(one.selection, other.selection)
  );
}

export function isSameSelection(one: Selection | null, other: Selection | null): boolean {
  if (one === null || other === null) return one === other;
  if (one.kind === "register") return other.kind === "register" && one.name === other.name;
  if (one.kind === "memory")
    return other.kind === "memory" && one.address === other.address && one.size === other.size;
  return other.kind === "symbol" && one.address === other.address && one.name === other.name;
}
