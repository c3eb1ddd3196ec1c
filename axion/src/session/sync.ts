// SPDX-License-Identifier: Apache-2.0
// The sessions and the focus: what is published moves it, and with "lead" it is published.
import { effect, signal } from "@preact/signals";
import { ApiError, connect } from "../api/client";
import { view } from "../api/views";
import { contextOf, type Focus, focus, go, isSameSelection, onMove } from "../focus";
import { presence } from "../marks";
import { open } from "../scenario";
import { hexadecimal } from "../ui/format";
import { say } from "../ui/toast";
import { SessionConnection } from "./connection";
import type { PresentClient, Selection } from "./messages";

const SESSION_KEY = "axion.session";
const NAME_KEY = "axion.name";
const PUBLISH_MILLISECONDS = 50;
const COLOURS = 8;

export const NOT_SYNCHRONIZED = "";
export const DEFAULT_SESSION = "default";

/** Whether the own selection is published to the session. */
export const leading = signal(false);
/** The client that is followed: its id, "" for nobody. */
export const following = signal("");
/** Something was published in another scenario: where, and how to get there. */
export const elsewhere = signal<{ text: string; go: () => void } | null>(null);
/** Counts up when the bookmarks of a scenario have changed. */
export const bookmarksRevision = signal<Record<string, number>>({});
/** How the others see who this is. */
export const ownName = signal(window.localStorage.getItem(NAME_KEY) ?? "Axion");

const url = `${window.location.protocol === "https:" ? "wss" : "ws"}://${window.location.host}/api/v1/sessions/live`;

export const sessions = new SessionConnection(url, ownName.peek(), {
  event: (event) => {
    if (event.gap) say("Some of what was published meanwhile was left out.");
    void show(event.selection, event.origin.name || event.origin.kind);
  },
  problem: say,
  bookmarks: (scenario, revision) => {
    bookmarksRevision.value = { ...bookmarksRevision.peek(), [scenario]: revision };
  },
  lost: connect,
});

/** Listen to a session, or to none; every window for itself. */
export function listenTo(session: string): void {
  window.sessionStorage.setItem(SESSION_KEY, session);
  following.value = "";
  if (!session) leading.value = false;
  sessions.listen(session);
}

export function rename(name: string): void {
  const kept = name.trim().slice(0, 100) || "Axion";
  window.localStorage.setItem(NAME_KEY, kept);
  ownName.value = kept;
  sessions.rename(kept);
}

/** Publish from now on what is selected here, beginning with what is now. */
export function setLeading(on: boolean): void {
  leading.value = on && sessions.session.peek() !== NOT_SYNCHRONIZED;
  if (leading.peek()) {
    following.value = "";
    published = null;
    void publish();
  }
}

/** Go where another client goes, until an own action. */
export function follow(client: string): void {
  following.value = client;
  const one = sessions.others.peek()?.find((other) => other.client === client);
  if (one?.selection) void show(one.selection, one.name);
}

/** A number from 0 that stays a client's own: its colour. */
export function colourOf(client: string): string {
  let hash = 0;
  for (const letter of client) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return `var(--other-${hash % COLOURS})`;
}

/** Where somebody looks, in words. */
export function whereabouts(selection: Selection | null): string {
  if (selection === null) return "";
  const place = selection.scenario === focus.peek().scenario ? "" : `${selection.scenario} `;
  if (selection.type === "transition") return `${place}#${selection.transition}`;
  return place + (selection.name || selection.address);
}

async function show(selection: Selection, who: string): Promise<void> {
  const { scenario } = focus.peek();
  if (selection.scenario !== scenario) {
    elsewhere.value = {
      text: `${who} selected ${whereabouts(selection)}.`,
      go: () => {
        const there = { scenario: selection.scenario, transition: selection.transition ?? 0 };
        void open({ focus: there, expression: null }, "user");
      },
    };
    return;
  }
  if (selection.trace !== (await uuidOf(scenario))) {
    say(`${who} selected something in another recording of ${scenario}: it is not shown.`);
    return;
  }
  elsewhere.value = null;
  if (selection.type === "transition") {
    go({ transition: selection.transition, side: "before", thread: null }, { by: "session" });
    return;
  }
  const moment: Partial<Focus> =
    selection.transition == null ? {} : { transition: selection.transition, side: "before" };
  const at = { ...focus.peek(), ...moment };
  const address = selection.segment
    ? await evaluated(scenario, contextOf(at), selection.segment, selection.address)
    : BigInt(selection.address);
  if (address === null) return;
  const size = Math.max(1, Math.min(selection.size ?? 1, Number.MAX_SAFE_INTEGER));
  go({ ...moment, selection: { kind: "memory", address, size } }, { by: "session" });
}

async function evaluated(
  scenario: string,
  context: number,
  segment: string,
  offset: string,
): Promise<bigint | null> {
  const expression = `${segment}:${offset}`;
  try {
    return BigInt((await view(scenario, "address", { context, expression })).address);
  } catch (problem) {
    if (problem instanceof ApiError) say(`${expression}: ${problem.message}`);
    return null;
  }
}

async function uuidOf(scenario: string): Promise<string> {
  return (await view(scenario, "scenario", {}, { ahead: true })).uuid;
}

/** What was published last, so that only what differs is published next. */
let published: Focus | null = null;
let sending = 0;

async function publish(): Promise<void> {
  const at = focus.peek();
  if (!at.scenario) return;
  const trace = await uuidOf(at.scenario);
  const moved = published?.transition !== at.transition || published.scenario !== at.scenario;
  const selected = !isSameSelection(published?.selection ?? null, at.selection);
  const scenario = at.scenario;
  const transition = at.transition;
  if (leading.peek()) {
    published = at;
    if (moved) sessions.publish({ type: "transition", trace, scenario, transition });
    if (selected && at.selection !== null && at.selection.kind !== "register") {
      const address = hexadecimal(at.selection.address);
      const range =
        at.selection.kind === "memory" ? { size: at.selection.size } : { name: at.selection.name };
      sessions.publish({ type: "address", trace, scenario, transition, address, ...range });
    }
  }
  sessions.setWhere({ type: "transition", trace, scenario, transition });
}

function publishSoon(): void {
  // The last of many quick moves counts.
  if (sending === 0)
    sending = window.setTimeout(() => {
      sending = 0;
      void publish();
    }, PUBLISH_MILLISECONDS);
}

function markOthers(others: PresentClient[], scenario: string): void {
  presence.value = others.flatMap(({ client, name, selection }) => {
    if (selection?.transition == null || selection.scenario !== scenario) return [];
    return [{ transition: selection.transition, label: name, color: colourOf(client) }];
  });
}

/** Connect, and keep the focus and the sessions in step from now on. */
export function startSessions(): void {
  const chosen = window.sessionStorage.getItem(SESSION_KEY);
  if (chosen) sessions.listen(chosen);
  sessions.open();
  onMove((_, { by }) => {
    if (by !== "session") {
      following.value = "";
      publishSoon();
    } else {
      // What others published is not published again.
      published = focus.peek();
      publishSoon();
    }
  });
  effect(() => markOthers(sessions.others.value ?? [], focus.value.scenario));
  let followed: Selection | null = null;
  effect(() => {
    const id = following.value;
    const others = sessions.others.value;
    if (!id || others === null) return;
    const one = others.find((other) => other.client === id);
    if (!one) {
      following.value = "";
      say("Who was followed has left.");
      return;
    }
    if (one.selection && JSON.stringify(one.selection) !== JSON.stringify(followed)) {
      followed = one.selection;
      void show(one.selection, one.name);
    }
  });
}
