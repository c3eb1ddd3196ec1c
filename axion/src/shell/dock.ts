// SPDX-License-Identifier: Apache-2.0
// The panels' places, which the docking library lays out and this browser remembers.

import { createDockview, type DockviewApi, type IContentRenderer } from "dockview-core";
import { h, render } from "preact";
import { addCommands } from "../commands";
import { type Panel, type Place, panels } from "../panels/registry";

const STORED = "axion.layout.1";
const SAVE_MILLISECONDS = 300;

interface Stored {
  layout: ReturnType<DockviewApi["toJSON"]>;
  known: string[];
}

let dock: DockviewApi | null = null;

/** Lay the panels out in an element. Returns what takes them down. */
export function openDock(element: HTMLElement): () => void {
  const api = createDockview(element, {
    theme: { name: "axion", className: "dockview-theme-axion", gap: 1, dndTabIndicator: "line" },
    disableFloatingGroups: true,
    singleTabMode: "default",
    noPanelsOverlay: "emptyGroup",
    createComponent: ({ name }) => contentOf(panels.find((panel) => panel.id === name)),
  });
  dock = api;
  // Sizes mean nothing before it has one itself.
  api.layout(element.clientWidth, element.clientHeight);
  restore(api);
  let saving: ReturnType<typeof setTimeout> | undefined;
  const watching = api.onDidLayoutChange(() => {
    clearTimeout(saving);
    saving = setTimeout(() => save(api), SAVE_MILLISECONDS);
  });
  const leave = () => save(api);
  window.addEventListener("pagehide", leave);
  const removeCommands = addCommands(
    ...panels.map((panel) => ({
      id: `panel.${panel.id}`,
      title: `Show ${panel.title}`,
      group: "Panels" as const,
      run: () => showPanel(panel.id),
    })),
    {
      id: "panel.next",
      title: "Next panel",
      group: "Panels",
      keys: ["F6"],
      run: () => focusNeighbour(1),
    },
    {
      id: "panel.previous",
      title: "Previous panel",
      group: "Panels",
      keys: ["Shift+F6"],
      run: () => focusNeighbour(-1),
    },
    {
      id: "layout.reset",
      title: "Reset the layout",
      group: "Panels",
      run: () => {
        api.clear();
        layOut(api);
      },
    },
  );
  return () => {
    removeCommands();
    window.removeEventListener("pagehide", leave);
    watching.dispose();
    clearTimeout(saving);
    save(api);
    api.dispose();
    dock = null;
  };
}

/** Bring a panel to the front, opening it if it is closed, and give it the keyboard. */
export function showPanel(id: string): void {
  const panel = panels.find((known) => known.id === id);
  if (!dock || !panel) return;
  const shown = dock.getPanel(id);
  if (shown) shown.api.setActive();
  else add(dock, panel);
  focusPanel(id);
}

/** Give the keyboard to a panel: to what in it has `data-keyboard`. */
export function focusPanel(id: string): void {
  requestAnimationFrame(() => {
    const content = document.querySelector<HTMLElement>(`[data-panel="${id}"]`);
    (content?.querySelector<HTMLElement>("[data-keyboard]") ?? content)?.focus();
  });
}

/** Give the keyboard to the next panel that is seen, from left to right and downward. */
function focusNeighbour(by: 1 | -1): void {
  const seen = [...document.querySelectorAll<HTMLElement>("[data-panel]")]
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0)
    .sort((one, other) => one.box.top - other.box.top || one.box.left - other.box.left);
  const here = seen.findIndex(({ element }) => element.contains(document.activeElement));
  const next = seen[(here + by + seen.length) % seen.length];
  if (next?.element.dataset.panel) showPanel(next.element.dataset.panel);
}

function contentOf(panel: Panel | undefined): IContentRenderer {
  const element = document.createElement("section");
  element.className = "panel";
  element.tabIndex = -1;
  if (panel) {
    element.dataset.panel = panel.id;
    element.setAttribute("aria-label", panel.title);
  }
  const show = (isVisible: boolean) =>
    render(panel && isVisible ? h(panel.component, null) : null, element);
  return {
    element,
    // What nobody sees asks for nothing.
    init: ({ api }) => {
      show(api.isVisible);
      api.onDidVisibilityChange(({ isVisible }) => show(isVisible));
    },
    dispose: () => show(false),
  };
}

function restore(api: DockviewApi): void {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? "null") as Stored | null;
    if (stored) {
      api.fromJSON(stored.layout);
      for (const panel of panels) if (!stored.known.includes(panel.id)) add(api, panel);
      return;
    }
  } catch {
    // Of a version that had other panels: start anew.
    api.clear();
  }
  layOut(api);
}

function save(api: DockviewApi): void {
  const stored: Stored = { layout: api.toJSON(), known: panels.map((panel) => panel.id) };
  try {
    localStorage.setItem(STORED, JSON.stringify(stored));
  } catch {
    // A browser that keeps nothing: the layout is the usual one next time.
  }
}

function layOut(api: DockviewApi): void {
  // Those that others are placed beside come first.
  const places: Place[] = ["main", "top", "low", "low-left", "low-right", "side", "far"];
  for (const place of places) {
    for (const panel of panels) if (panel.place === place) add(api, panel);
  }
  for (const place of places) {
    const first = panels.find((panel) => panel.place === place);
    if (first) api.getPanel(first.id)?.api.setActive();
  }
  const { width, height } = api;
  // Each change is taken from a neighbour, so the widest of a row comes last.
  const side = Math.max(290, width * 0.24);
  const far = width * 0.16;
  size(api, "top", { height: Math.max(120, Math.min(170, height * 0.18)) });
  size(api, "low", { height: height * 0.35 });
  size(api, "far", { width: far });
  size(api, "side", { width: side });
  size(api, "main", { width: width - side - far });
  size(api, "low-left", { width: width * 0.25 });
  size(api, "low-right", { width: width * 0.29 });
  size(api, "low", { width: width * 0.46 });
  api.getPanel("trace")?.api.setActive();
}

function size(api: DockviewApi, place: Place, wanted: { width?: number; height?: number }): void {
  const first = panels.find((panel) => panel.place === place);
  const group = first && api.getPanel(first.id)?.group;
  group?.api.setSize(wanted);
}

type Beside = [Place, "left" | "right" | "above" | "below"];

const BESIDE: Record<Place, Beside[]> = {
  main: [],
  top: [["main", "above"]],
  low: [["main", "below"]],
  "low-left": [["low", "left"]],
  "low-right": [["low", "right"]],
  side: [["main", "right"]],
  far: [
    ["side", "right"],
    ["main", "right"],
  ],
};

function add(api: DockviewApi, panel: Panel): void {
  const options = { id: panel.id, component: panel.id, title: panel.title };
  const same = shownAt(api, panel.place, panel);
  if (same) {
    api.addPanel({ ...options, position: { referencePanel: same, direction: "within" } });
    return;
  }
  for (const [place, direction] of BESIDE[panel.place]) {
    const neighbour = shownAt(api, place, panel);
    if (neighbour) {
      const whole = panel.place === "top" || panel.place === "low";
      api.addPanel({
        ...options,
        position: whole ? { direction } : { referencePanel: neighbour, direction },
      });
      return;
    }
  }
  api.addPanel(options);
}

function shownAt(api: DockviewApi, place: Place, but: Panel): string | undefined {
  return panels.find(
    (panel) => panel.place === place && panel !== but && api.getPanel(panel.id) !== undefined,
  )?.id;
}
