// SPDX-License-Identifier: Apache-2.0
// What a panel is, and one that is open.

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { Command } from "../commands";
import { contextOf, type Focus, focus, go, total } from "../focus";
import { formatMoment, type PanelState, parseMoment } from "../states";

/** Where a panel stands until it is moved; those of one place are tabs, by `order`.
 *
 *     top
 *     main     side   far
 *     low-left low    low-right
 */
export type Place = "top" | "main" | "side" | "far" | "low-left" | "low" | "low-right";

/** Something that a panel keeps in the layout and in links: text, which links may bring in any
 * form. `ofTrace`: it means nothing in another trace. */
export interface Kept {
  initial: string;
  ofTrace: boolean;
}

export const keptOfTrace = (initial: string): Kept => ({ initial, ofTrace: true });
export const keptAlways = (initial: string): Kept => ({ initial, ofTrace: false });

/** What a panel's factory makes. `detail` stands in the tab, behind the title. */
export interface Made {
  content: ComponentType;
  detail?: () => string;
  close?: () => void;
}

/** A kind of panel: what the `panel.tsx` of a folder exports as `panel`. */
export interface Panel<Keeps extends string = string, Of extends Made = Made> {
  id: string;
  title: string;
  place: Place;
  order?: number;
  /** Several of it make sense at once. */
  many?: boolean;
  /** It can be held at a moment, while the focus goes on. */
  holds?: boolean;
  keeps?: Record<Keeps, Kept>;
  /** Make one. Everything that is its own lives in what this returns, and in `self`. */
  open: (self: Self<Keeps>) => Of;
  /** What another one begins with beside a copy of what the first keeps. */
  another?: (made: Of) => Record<string, string>;
  /** Commands that one of it carries out: the one that was used last. */
  commands?: PanelCommand<Of>[];
}

/** `shows`: it also brings the panel to the front and gives it the keyboard. */
export type PanelCommand<Of> = Omit<Command, "run"> & {
  shows?: boolean;
  run: (made: Of) => void;
};

/** Checks the types of a panel where it is written. */
export function definePanel<Keeps extends string, Of extends Made>(panel: Panel<Keeps, Of>): Panel {
  return panel as unknown as Panel;
}

/** The name under which a held moment is kept. */
const AT = "at";

/** One panel that is open: what its factory gets. */
export class Self<Keeps extends string = string> {
  readonly id: string;
  readonly kept: Record<Keeps, Signal<string>>;
  /** The moment that it is held at, as text; empty while it follows the focus. */
  readonly #held: Signal<string>;
  /** Where it looks: the focus, or at the moment that it is held at. */
  readonly focus: ReadonlySignal<Focus>;
  readonly context: ReadonlySignal<number>;
  readonly heldAt: ReadonlySignal<string>;

  constructor(
    readonly panel: Panel<Keeps>,
    readonly number: number,
    begins: Record<string, string>,
  ) {
    this.id = instanceId(panel.id, number);
    const keeps = Object.entries<Kept>(panel.keeps ?? {});
    this.kept = Object.fromEntries(
      keeps.map(([name, { initial }]) => [name, signal(begins[name] ?? initial)]),
    ) as Record<Keeps, Signal<string>>;
    this.#held = signal(panel.holds ? (begins[AT] ?? "") : "");
    const moment = computed(() => parseMoment(this.#held.value));
    this.focus = computed(() => {
      const held = moment.value;
      if (held === null) return focus.value;
      const last = Math.max(total.value - 1, 0);
      return { ...focus.value, ...held, transition: Math.min(held.transition, last) };
    });
    this.context = computed(() => contextOf(this.focus.value));
    this.heldAt = computed(() => (moment.value === null ? "" : this.#held.value));
  }

  /** An id for an element, which no other panel has. */
  element(name: string | number): string {
    return `${this.id}-${name}`;
  }

  /** Hold it at the moment that it shows, or let it follow the focus again. */
  hold(on: boolean): void {
    if (this.panel.holds) this.#held.value = on ? formatMoment(this.focus.peek()) : "";
  }

  /** Look at another thread: everywhere, or, if it is held, here. */
  lookAt(thread: number | null): void {
    if (this.heldAt.peek() === "") go({ thread });
    else this.#held.value = formatMoment({ ...this.focus.peek(), thread });
  }

  /** What of it differs from how it begins. */
  state(): PanelState {
    const kept: Record<string, string> = {};
    for (const [name, { initial }] of Object.entries<Kept>(this.panel.keeps ?? {})) {
      const { value } = this.kept[name as Keeps];
      if (value !== initial) kept[name] = value;
    }
    if (this.#held.value) kept[AT] = this.#held.value;
    return { id: this.id, kept };
  }

  /** What another one begins with: held at the same moment, it would show the same. */
  copied(): Record<string, string> {
    const { [AT]: _, ...kept } = this.state().kept;
    return kept;
  }

  /** Take over what a link or a layout says; what that leaves out is as it begins. */
  restore(kept: Record<string, string>): void {
    for (const [name, { initial }] of Object.entries<Kept>(this.panel.keeps ?? {}))
      this.kept[name as Keeps].value = kept[name] ?? initial;
    if (this.panel.holds) this.#held.value = kept[AT] ?? "";
  }
}

export function instanceId(panel: string, number: number): string {
  return number === 1 ? panel : `${panel}-${number}`;
}

/** What of a state still means something when another trace is shown. */
export function ofAnyTrace(panel: Panel, kept: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(kept).filter(([name]) => panel.keeps?.[name]?.ofTrace === false),
  );
}
