// SPDX-License-Identifier: Apache-2.0
// Where panels stand until they are moved.

import type { AddPanelOptions, DockviewApi, IDockviewPanel } from "dockview-core";
import type { Panel, Place } from "../panels/panel";
import { panels } from "../panels/registry";
import { partsOf } from "../states";

/** A group that is at least so wide, or so high, is divided for another panel of its kind. */
const DIVIDED = { width: 760, height: 300 };

/** The first layout: each panel once, at its place. */
export function layOut(api: DockviewApi): void {
  // Those that others are placed beside come first.
  const places: Place[] = ["main", "top", "low", "low-left", "low-right", "side", "far"];
  for (const place of places) {
    for (const panel of panels) if (panel.place === place) addFirst(api, panel);
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

/** Open a panel, of which no other is open, where its kind stands. `inactive`: behind those that
 * are seen there. */
export function addFirst(
  api: DockviewApi,
  panel: Panel,
  { id = panel.id, inactive = false }: { id?: string; inactive?: boolean } = {},
): void {
  api.addPanel({ ...named(id, panel), ...positionOf(api, panel), inactive });
}

/** Open another of a kind, so that it is seen together with one that is open. */
export function addBeside(api: DockviewApi, id: string, panel: Panel, one: IDockviewPanel): void {
  const { width, height } = one.group.api;
  const direction =
    width >= DIVIDED.width ? "right" : height >= DIVIDED.height ? "below" : "within";
  api.addPanel({ ...named(id, panel), position: { referencePanel: one.id, direction } });
}

function named(id: string, panel: Panel) {
  return { id, component: panel.id, title: panel.title };
}

function positionOf(api: DockviewApi, panel: Panel): Pick<AddPanelOptions, "position"> {
  const same = shownAt(api, panel.place, panel);
  if (same) return { position: { referencePanel: same, direction: "within" } };
  for (const [place, direction] of BESIDE[panel.place]) {
    const neighbour = shownAt(api, place, panel);
    if (neighbour) {
      const whole = panel.place === "top" || panel.place === "low";
      return { position: whole ? { direction } : { referencePanel: neighbour, direction } };
    }
  }
  return {};
}

/** A panel, of another kind, that is open and belongs to a place. */
function shownAt(api: DockviewApi, place: Place, but: Panel): string | undefined {
  return api.panels.find(({ id }) => {
    const kind = partsOf(id)?.panel;
    return kind !== but.id && panels.find((panel) => panel.id === kind)?.place === place;
  })?.id;
}
