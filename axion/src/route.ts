// SPDX-License-Identifier: Apache-2.0
// The focus and the panels as the address of the page:
// #/scenario/transition/4242?address=0x…&size=8&side=after&panels=memory-2~expression~rdi

import { effect } from "@preact/signals";
import { type Focus, focus, go, isSame, onMove, type Selection } from "./focus";
import {
  formatPanels,
  linkedPanels,
  openPanels,
  type PanelState,
  parsePanels,
  placeLinked,
} from "./states";

const STEPS_MILLISECONDS = 250;
const WRITTEN_MILLISECONDS = 200;
/** Marks the entries of the browser's history that were made here: others are links. */
const OWN = "axion";

/** What the hash of a page says; `expression`: an address that has yet to be evaluated.
 * `panels`: what the panels show; without, it says nothing of them. */
export interface Route {
  focus: Partial<Focus>;
  expression: string | null;
  panels?: PanelState[] | null;
}

/** The hash that opens exactly here, with these panels. */
export function hashOf(at: Focus, panels: PanelState[] = []): string {
  const parameters = new URLSearchParams();
  const { selection } = at;
  if (selection?.kind === "register") parameters.set("register", selection.name);
  if (selection?.kind === "memory") {
    parameters.set("address", hexadecimal(selection.address));
    if (selection.size !== 1) parameters.set("size", String(selection.size));
  }
  if (selection?.kind === "symbol") {
    parameters.set("symbol", selection.name);
    parameters.set("address", hexadecimal(selection.address));
  }
  if (at.side === "after") parameters.set("side", "after");
  if (at.thread !== null) parameters.set("thread", String(at.thread));
  const shown = formatPanels(panels);
  const words = [String(parameters), shown && `panels=${shown}`].filter(Boolean).join("&");
  const query = words && `?${words}`;
  return `#/${encodeURIComponent(at.scenario)}/transition/${at.transition}${query}`;
}

/** Reads that, and the forms of notebook links: #/scenario/4242, #/scenario/address/fs:0x28. */
export function parseHash(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  // Not decoded yet: what separates panels must not be taken from within their words.
  const panels = /(?:^|&)panels=([^&]*)/.exec(query)?.[1] ?? "";
  const [scenario, kind, place] = path.split("/").map(decoded);
  const route: Route = { focus: {}, expression: null, panels: parsePanels(panels) };
  if (!scenario) return route;
  const parameters = new URLSearchParams(query);
  const number = kind === "transition" ? place : /^\d+$/.test(kind ?? "") ? kind : undefined;
  route.focus = {
    scenario,
    side: parameters.get("side") === "after" ? "after" : "before",
    thread: parameters.has("thread") ? wholeNumber(parameters.get("thread")) : null,
    selection: selectionOf(parameters),
  };
  const transition = wholeNumber(number);
  if (transition !== null) route.focus.transition = transition;
  if (kind === "address" && place) route.expression = place;
  return route;
}

/** Whether this page was opened by a link to a place, and not loaded again. */
export function beginsAtPlace(route: Route): boolean {
  return history.state !== OWN && saysPlace(route);
}

function saysPlace({ focus, expression }: Route): boolean {
  return focus.transition !== undefined || expression !== null;
}

function selectionOf(parameters: URLSearchParams): Selection | null {
  const register = parameters.get("register") ?? "";
  // It is copied into commands and Python: a link must not be able to write these.
  if (/^[a-z][a-z0-9_]{0,31}$/i.test(register)) return { kind: "register", name: register };
  const text = parameters.get("address");
  const address = text && /^0x[0-9a-f]{1,16}$/i.test(text) ? BigInt(text) : null;
  if (address === null) return null;
  const symbol = parameters.get("symbol");
  if (symbol) return { kind: "symbol", name: symbol, address };
  return { kind: "memory", address, size: wholeNumber(parameters.get("size")) || 1 };
}

function wholeNumber(text: string | null | undefined): number | null {
  return text && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function hexadecimal(address: bigint): string {
  return `0x${address.toString(16)}`;
}

/** Keep the page's address the same as the focus and the panels, from now on. */
export function followAddress(open: (route: Route) => void): void {
  let lastStep = 0;
  let writing: ReturnType<typeof setTimeout> | null = null;
  const here = () => hashOf(focus.peek(), openPanels.peek());
  const write = () => {
    if (here() !== window.location.hash) history.replaceState(OWN, "", here());
  };
  const writeSoon = () => {
    // Browsers refuse an address that changes with every repeat of a key.
    if (writing !== null) clearTimeout(writing);
    writing = setTimeout(write, WRITTEN_MILLISECONDS);
  };
  onMove((_, move) => {
    if (writing !== null) clearTimeout(writing);
    writing = null;
    if (here() === window.location.hash) return;
    if (move.by === "history") {
      // The same place, spelled in another way.
      write();
      return;
    }
    const now = performance.now();
    const isFirst = !move.isStep || now - lastStep > STEPS_MILLISECONDS;
    lastStep = move.isStep ? now : 0;
    if (isFirst) history.pushState(OWN, "", here());
    else writeSoon();
  });
  // What panels show is no place to go back to.
  effect(() => {
    if (openPanels.value.length > 0) writeSoon();
  });
  window.addEventListener("popstate", (event) => {
    const route = parseHash(window.location.hash);
    const to = { ...focus.peek(), ...route.focus };
    const isLink = event.state !== OWN;
    if (!isLink) route.panels = null;
    else placeLinked.value = saysPlace(route);
    if (route.expression !== null || to.scenario !== focus.peek().scenario) open(route);
    else {
      if (route.panels) linkedPanels.value = route.panels;
      if (!isSame(to, focus.peek())) go(to, { by: "history" });
    }
    writeSoon();
  });
}
