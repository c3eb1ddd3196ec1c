// SPDX-License-Identifier: Apache-2.0
// What the browser remembers of the panels: where they stand, and what they show.

import type { SerializedDockview } from "dockview-core";
import { type PanelState, statesIn } from "../states";

const KEY = "axion.layout.2";
/** Version 0.1: places only. */
const FORMER = "axion.layout.1";

export interface Stored {
  layout: SerializedDockview;
  /** The kinds of panels that there were: a new one is added to the layout. */
  known: string[];
  panels: PanelState[];
  /** Of which trace the panels were; null: of none. */
  trace: string | null;
}

/** What is stored, in whatever state it is; null if there is no layout in it. */
export function storedIn(text: string | null): Stored | null {
  let found: unknown;
  try {
    found = JSON.parse(text ?? "null");
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null) return null;
  const { layout, known, panels, trace } = found as Partial<Record<keyof Stored, unknown>>;
  if (typeof layout !== "object" || layout === null) return null;
  return {
    layout: layout as SerializedDockview,
    known: Array.isArray(known) ? known.filter((id) => typeof id === "string") : [],
    panels: statesIn(panels),
    trace: typeof trace === "string" ? trace : null,
  };
}

/** The layout of this tab of the browser; in a new one, the latest of any. */
export function readStored(): Stored | null {
  try {
    return storedIn(
      sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? localStorage.getItem(FORMER),
    );
  } catch {
    return null;
  }
}

export function writeStored(stored: Stored): void {
  const text = JSON.stringify(stored);
  try {
    sessionStorage.setItem(KEY, text);
    localStorage.setItem(KEY, text);
  } catch {
    // A browser that keeps nothing: the layout is the usual one next time.
  }
}
