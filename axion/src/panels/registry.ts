// SPDX-License-Identifier: Apache-2.0
// The panels there are: every folder here that has a panel.tsx, with a `panel`.

import type { ComponentType } from "preact";

/** Where a panel stands until it is moved; those of one place are tabs, by `order`.
 *
 *     top
 *     main     side   far
 *     low-left low    low-right
 */
export type Place = "top" | "main" | "side" | "far" | "low-left" | "low" | "low-right";

export interface Panel {
  id: string;
  title: string;
  component: ComponentType;
  place: Place;
  order?: number;
}

const modules = import.meta.glob<{ panel: Panel }>("./*/panel.tsx", { eager: true });

export const panels: Panel[] = Object.values(modules)
  .map((module) => module.panel)
  .sort((one, other) => (one.order ?? 0) - (other.order ?? 0));
