// SPDX-License-Identifier: Apache-2.0
// The panels that are open, each made by the factory of its kind.

import { effect, signal } from "@preact/signals";
import type { IContentRenderer } from "dockview-core";
import { h, render } from "preact";
import { type Made, type Panel, Self } from "../panels/panel";
import { panels } from "../panels/registry";
import { MOST_OF_A_KIND, partsOf } from "../states";

export interface Instance {
  panel: Panel;
  self: Self;
  made: Made;
  /** What the tab says. */
  title: () => string;
}

/** By id, in the order in which they were last used. */
export const instances = signal<ReadonlyMap<string, Instance>>(new Map());

/** Make the panel of an id; null where there is no such kind. */
export function makeInstance(id: string, begins: Record<string, string>): Instance | null {
  const parts = partsOf(id);
  const panel = panels.find((known) => known.id === parts?.panel);
  if (!parts || !panel || (parts.number > 1 && !panel.many)) return null;
  const self = new Self(panel, parts.number, begins);
  const made = panel.open(self);
  const title = () => {
    const named = parts.number === 1 ? panel.title : `${panel.title} ${parts.number}`;
    const held = self.heldAt.value && `at #${self.focus.value.transition.toLocaleString("en")}`;
    const details = [made.detail?.() ?? "", held].filter(Boolean).join(" ");
    return details ? `${named} · ${details}` : named;
  };
  const instance = { panel, self, made, title };
  instances.value = new Map(instances.peek()).set(id, instance);
  return instance;
}

/** What the docking library shows of it. */
export function contentOf(id: string, instance: Instance | null): IContentRenderer {
  const element = document.createElement("section");
  element.className = "panel";
  element.tabIndex = -1;
  if (instance) {
    element.dataset.panel = instance.panel.id;
    element.dataset.instance = id;
  }
  let stopNaming = () => {};
  const show = (isVisible: boolean) =>
    render(instance && isVisible ? h(instance.made.content, null) : null, element);
  return {
    element,
    // What nobody sees asks for nothing.
    init: ({ api }) => {
      show(api.isVisible);
      api.onDidVisibilityChange(({ isVisible }) => show(isVisible));
      if (!instance) return;
      stopNaming = effect(() => {
        const title = instance.title();
        element.setAttribute("aria-label", title);
        // The tab listens once this is over.
        queueMicrotask(() => api.setTitle(title));
      });
    },
    dispose: () => {
      stopNaming();
      show(false);
      if (instances.peek().get(id) !== instance) return;
      const left = new Map(instances.peek());
      left.delete(id);
      instances.value = left;
      instance?.made.close?.();
    },
  };
}

/** The one of a kind that was used last. */
export function latestOf(panel: string): Instance | undefined {
  return [...instances.peek().values()].findLast((one) => one.panel.id === panel);
}

/** It is being used: what is said to its kind is meant for it. */
export function isUsed(id: string): void {
  const instance = instances.peek().get(id);
  if (!instance) return;
  const others = new Map(instances.peek());
  others.delete(id);
  instances.value = others.set(id, instance);
}

/** The lowest number that no panel of a kind has; null when there are enough. */
export function freeNumber(panel: string): number | null {
  const all = [...instances.peek().values()].filter((one) => one.panel.id === panel);
  const taken = new Set(all.map((one) => one.self.number));
  for (let number = 1; number <= MOST_OF_A_KIND; number += 1) if (!taken.has(number)) return number;
  return null;
}
