// SPDX-License-Identifier: Apache-2.0
// The panels in the window, which the docking library lays out and this browser remembers.

import { effect, untracked } from "@preact/signals";
import { createDockview, type DockviewApi, type IHeaderActionsRenderer } from "dockview-core";
import { h, render } from "preact";
import { addCommands, type Command } from "../commands";
import { focusPanel } from "../panels/keyboard";
import { instanceId, ofAnyTrace, type Panel } from "../panels/panel";
import { panels } from "../panels/registry";
import { beginsAnew, scenario } from "../scenario";
import { linkedPanels, openPanels, type PanelState, partsOf, placeLinked } from "../states";
import { say } from "../ui/toast";
import { Actions } from "./actions";
import {
  contentOf,
  freeNumber,
  type Instance,
  instances,
  isUsed,
  latestOf,
  makeInstance,
} from "./instances";
import { addBeside, addFirst, layOut } from "./places";
import { readStored, writeStored } from "./stored";

const SAVE_MILLISECONDS = 300;

let dock: DockviewApi | null = null;

/** What panels that are about to be made begin with, by id. */
const begins = new Map<string, Record<string, string>>();

/** Lay the panels out in an element. Returns what takes them down. */
export function openDock(element: HTMLElement): () => void {
  const api = createDockview(element, {
    theme: { name: "axion", className: "dockview-theme-axion", gap: 1, dndTabIndicator: "line" },
    disableFloatingGroups: true,
    singleTabMode: "default",
    noPanelsOverlay: "emptyGroup",
    createComponent: ({ id }) => contentOf(id, makeInstance(id, begins.get(id) ?? {})),
    createRightHeaderActionComponent: () => actionsOf(api),
  });
  dock = api;
  // Sizes mean nothing before it has one itself.
  api.layout(element.clientWidth, element.clientHeight);
  restore(api);
  let saving: ReturnType<typeof setTimeout> | undefined;
  const saveSoon = () => {
    clearTimeout(saving);
    saving = setTimeout(() => save(api), SAVE_MILLISECONDS);
  };
  const watching = api.onDidLayoutChange(saveSoon);
  const using = api.onDidActivePanelChange((panel) => panel && isUsed(panel.id));
  const stopStates = effect(() => {
    const all = [...instances.value.values()].filter(({ panel }) => panel.keeps || panel.many);
    const states = all.map(({ self }) => self.state());
    openPanels.value = states.sort((one, other) => (one.id < other.id ? -1 : 1));
    saveSoon();
  });
  const stopLinks = effect(() => {
    const linked = linkedPanels.value;
    if (linked === null) return;
    linkedPanels.value = null;
    untracked(() => {
      for (const state of linked) openState(api, state);
    });
  });
  const stopBeginning = effect(() => {
    if (!beginsAnew.value) return;
    beginsAnew.value = false;
    untracked(() => showPanel("start"));
  });
  const stopPlace = effect(() => {
    if (!placeLinked.value) return;
    placeLinked.value = false;
    untracked(() => showPlace(api));
  });
  let shownTrace = scenario.peek()?.uuid;
  const stopTrace = effect(() => {
    const now = scenario.value?.uuid;
    if (now === shownTrace) return;
    shownTrace = now;
    for (const { panel, self } of instances.peek().values())
      self.restore(ofAnyTrace(panel, self.state().kept));
  });
  const onFocus = (event: FocusEvent) => {
    const { instance } = closestPanel(event.target)?.dataset ?? {};
    if (instance) isUsed(instance);
  };
  element.addEventListener("focusin", onFocus);
  const leave = () => save(api);
  window.addEventListener("pagehide", leave);
  const removeCommands = addCommands(...panelCommands(), ...dockCommands(api));
  return () => {
    removeCommands();
    window.removeEventListener("pagehide", leave);
    element.removeEventListener("focusin", onFocus);
    for (const stop of [stopStates, stopLinks, stopBeginning, stopPlace, stopTrace]) stop();
    using.dispose();
    watching.dispose();
    clearTimeout(saving);
    save(api);
    api.dispose();
    dock = null;
  };
}

/** What each kind of panel brings. */
function panelCommands(): Command[] {
  return panels.flatMap((panel) => [
    {
      id: `panel.${panel.id}`,
      title: `Show ${panel.title}`,
      group: "Panels" as const,
      run: () => void showPanel(panel.id),
    },
    ...(panel.many
      ? [
          {
            id: `panel.${panel.id}.another`,
            title: `Open another ${panel.title}`,
            group: "Panels" as const,
            run: () => another(latestOf(panel.id), panel),
          },
        ]
      : []),
    ...(panel.commands ?? []).map(({ shows, run, ...command }) => ({
      ...command,
      run: () => {
        const one = shows ? showPanel(panel.id) : (latestOf(panel.id) ?? showPanel(panel.id));
        if (one) run(one.made);
      },
    })),
  ]);
}

function dockCommands(api: DockviewApi): Command[] {
  const group = "Panels" as const;
  const ofCurrent = (run: (one: Instance) => void) => () => {
    const one = currentPanel();
    if (one) run(one);
    else say("No panel is open.");
  };
  return [
    {
      id: "panel.next",
      title: "Next panel",
      group,
      keys: ["F6"],
      run: () => focusNeighbour(1),
    },
    {
      id: "panel.previous",
      title: "Previous panel",
      group,
      keys: ["Shift+F6"],
      run: () => focusNeighbour(-1),
    },
    {
      id: "panel.another",
      title: "Open another of this panel",
      group,
      keys: ["a"],
      run: ofCurrent((one) => another(one, one.panel)),
    },
    {
      id: "panel.hold",
      title: "Hold this panel at its moment, or let it follow",
      group,
      keys: ["h"],
      run: ofCurrent(hold),
    },
    {
      id: "panel.close",
      title: "Close this panel",
      group,
      keys: ["X"],
      run: ofCurrent(({ self }) => {
        api.getPanel(self.id)?.api.close();
        const former = currentPanel();
        if (former) showInstance(former.self.id);
      }),
    },
    {
      id: "layout.reset",
      title: "Reset the layout",
      group,
      run: () => {
        api.clear();
        begins.clear();
        layOut(api);
      },
    },
  ];
}

/** The panel that has the keyboard, or had it last. */
function currentPanel(): Instance | undefined {
  const { instance } = closestPanel(document.activeElement)?.dataset ?? {};
  return instances.peek().get(instance ?? "") ?? [...instances.peek().values()].at(-1);
}

function closestPanel(within: EventTarget | null): HTMLElement | null {
  return within instanceof Element ? within.closest<HTMLElement>("[data-instance]") : null;
}

function hold({ panel, self }: Instance): void {
  if (panel.holds) self.hold(self.heldAt.peek() === "");
  else say(`${panel.title} has no moment to be held at.`);
}

/** Open another panel of a kind, which begins with what the one keeps. */
function another(one: Instance | undefined, panel: Panel): void {
  const shown = one && dock?.getPanel(one.self.id);
  if (!dock || !shown) {
    showPanel(panel.id);
    return;
  }
  const number = panel.many ? freeNumber(panel.id) : null;
  if (number === null) {
    say(
      panel.many
        ? `There are enough panels of ${panel.title}: close one first.`
        : `One ${panel.title} is all there is: a second would show the same.`,
    );
    return;
  }
  const id = instanceId(panel.id, number);
  begins.set(id, { ...one.self.copied(), ...panel.another?.(one.made) });
  addBeside(dock, id, panel, shown);
  focusPanel(id);
}

/** Bring the panel of a kind that was used last to the front, opening it if there is none, and
 * give it the keyboard. */
export function showPanel(kind: string): Instance | undefined {
  const panel = panels.find((known) => known.id === kind);
  if (!dock || !panel) return undefined;
  const id = latestOf(kind)?.self.id ?? kind;
  const shown = dock.getPanel(id);
  if (shown) shown.api.setActive();
  else {
    begins.delete(id);
    addFirst(dock, panel);
  }
  focusPanel(id);
  return instances.peek().get(id);
}

/** Give the keyboard to the next panel that is seen, from left to right and downward. */
function focusNeighbour(by: 1 | -1): void {
  const seen = [...document.querySelectorAll<HTMLElement>("[data-instance]")]
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0)
    .sort((one, other) => one.box.top - other.box.top || one.box.left - other.box.left);
  const here = seen.findIndex(({ element }) => element.contains(document.activeElement));
  const next = seen[(here + by + seen.length) % seen.length]?.element.dataset.instance;
  if (next) showInstance(next);
}

function showInstance(id: string): void {
  dock?.getPanel(id)?.api.setActive();
  focusPanel(id);
}

/** The buttons of a group, drawn for the panel that is seen in it. */
function actionsOf(api: DockviewApi): IHeaderActionsRenderer {
  const element = document.createElement("div");
  let stop = () => {};
  return {
    element,
    init: ({ api: groupApi, group }) => {
      const draw = () => {
        const one = instances.peek().get(group.activePanel?.id ?? "");
        const does = {
          another: () => one && another(one, one.panel),
          hold: () => one && hold(one),
        };
        render(one ? h(Actions, { self: one.self, does }) : null, element);
      };
      const changes = [groupApi.onDidActivePanelChange(draw), api.onDidAddPanel(draw)];
      stop = () => {
        for (const change of changes) change.dispose();
      };
      draw();
    },
    dispose: () => {
      stop();
      render(null, element);
    },
  };
}

function restore(api: DockviewApi): void {
  const stored = readStored();
  if (stored) {
    const isSameTrace = stored.trace === scenario.peek()?.uuid;
    for (const { id, kept } of stored.panels) {
      const panel = panels.find((known) => known.id === partsOf(id)?.panel);
      if (panel) begins.set(id, isSameTrace ? kept : ofAnyTrace(panel, kept));
    }
    try {
      api.fromJSON(stored.layout);
      for (const shown of api.panels) if (!instances.peek().has(shown.id)) api.removePanel(shown);
      for (const panel of panels)
        if (!stored.known.includes(panel.id)) addFirst(api, panel, { inactive: true });
      return;
    } catch {
      // Of a version that had other panels, or damaged: start anew.
      api.clear();
    }
  }
  begins.clear();
  layOut(api);
}

/** What happened, which the page began with before, hides nothing of where a link leads. */
function showPlace(api: DockviewApi): void {
  const trace = api.getPanel(latestOf("trace")?.self.id ?? "");
  if (trace?.group.activePanel?.id === "start") trace.api.setActive();
}

/** Have a panel as a link says. */
function openState(api: DockviewApi, { id, kept }: PanelState): void {
  const open = instances.peek().get(id);
  if (open) {
    open.self.restore(kept);
    return;
  }
  const parts = partsOf(id);
  const panel = panels.find((known) => known.id === parts?.panel);
  if (!panel || (parts?.number !== 1 && !panel.many)) return;
  begins.set(id, kept);
  const sibling = latestOf(panel.id);
  const shown = sibling && api.getPanel(sibling.self.id);
  if (shown) addBeside(api, id, panel, shown);
  else addFirst(api, panel, { id });
}

function save(api: DockviewApi): void {
  writeStored({
    layout: api.toJSON(),
    known: panels.map((panel) => panel.id),
    panels: [...instances.peek().values()].map(({ self }) => self.state()),
    trace: scenario.peek()?.uuid ?? null,
  });
}
