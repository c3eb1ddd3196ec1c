// SPDX-License-Identifier: Apache-2.0
// The focus as the address of the page: #/scenario/transition/4242?address=0x…&size=8&side=after

import { type Focus, focus, go, isSame, onMove, type Selection } from "./focus";

const STEPS_MILLISECONDS = 250;

/** What the hash of a page says; `expression`: an address that has yet to be evaluated. */
export interface Route {
  focus: Partial<Focus>;
  expression: string | null;
}

/** The hash that opens exactly here. */
export function hashOf(at: Focus): string {
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
  const query = parameters.size > 0 ? `?${parameters}` : "";
  return `#/${encodeURIComponent(at.scenario)}/transition/${at.transition}${query}`;
}

/** Reads that, and the forms of notebook links: #/scenario/4242, #/scenario/address/fs:0x28. */
export function parseHash(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [scenario, kind, place] = path.split("/").map(decoded);
  const route: Route = { focus: {}, expression: null };
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

function selectionOf(parameters: URLSearchParams): Selection | null {
  const register = parameters.get("register");
  if (register) return { kind: "register", name: register };
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

/** Keep the page's address and the focus the same, from now on. */
export function followAddress(open: (route: Route) => void): void {
  let lastStep = 0;
  let writing: ReturnType<typeof setTimeout> | null = null;
  onMove((to, move) => {
    const hash = hashOf(to);
    if (writing !== null) clearTimeout(writing);
    writing = null;
    if (hash === window.location.hash) return;
    if (move.by === "history") {
      // The same place, spelled in another way.
      history.replaceState(null, "", hash);
      return;
    }
    const now = performance.now();
    const isFirst = !move.isStep || now - lastStep > STEPS_MILLISECONDS;
    lastStep = move.isStep ? now : 0;
    if (isFirst) {
      history.pushState(null, "", hash);
    } else {
      // Browsers refuse an address that changes with every repeat of a key.
      writing = setTimeout(() => history.replaceState(null, "", hashOf(focus.peek())), 200);
    }
  });
  window.addEventListener("popstate", () => {
    const route = parseHash(window.location.hash);
    const to = { ...focus.peek(), ...route.focus };
    if (route.expression !== null || to.scenario !== focus.peek().scenario) open(route);
    else if (!isSame(to, focus.peek())) go(to, { by: "history" });
  });
}
