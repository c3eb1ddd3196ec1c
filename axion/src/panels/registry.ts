// SPDX-License-Identifier: Apache-2.0
// The panels there are: every folder here that has a panel.tsx, with a `panel`.

import type { Panel } from "./panel";

const modules = import.meta.glob<{ panel: Panel }>("./*/panel.tsx", { eager: true });

export const panels: Panel[] = Object.values(modules)
  .map((module) => module.panel)
  .sort((one, other) => (one.order ?? 0) - (other.order ?? 0));
