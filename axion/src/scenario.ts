// SPDX-License-Identifier: Apache-2.0
// Which trace is shown, and how far it is recorded.

import { effect, signal } from "@preact/signals";
import { connect, connection, requestView, server } from "./api/client";
import type { ScenarioAnswer } from "./api/types";
import { forgetAnswers, view } from "./api/views";
import { focus, go, type Mover, total } from "./focus";
import { beginsAtPlace, parseHash, type Route } from "./route";
import { linkedPanels, placeLinked } from "./states";
import { say, sayProblem } from "./ui/toast";

const GROWTH_MILLISECONDS = 2000;

export const scenario = signal<ScenarioAnswer | null>(null);

/** A scenario was opened by nothing but its name: the page begins with what happened in it. */
export const beginsAnew = signal(false);

/** Look at the decisive moment, if nobody has gone elsewhere until it is known. */
async function goToDecisive(name: string): Promise<void> {
  beginsAnew.value = true;
  const began = focus.peek();
  const { decisive } = await view(name, "start", {});
  if (focus.peek() !== began || decisive === null) return;
  go({ transition: decisive }, { by: "history" });
  const there = focus.peek();
  const why = await view(name, "explanation", {}, { ahead: true });
  const first = why.first_wrong?.transition ?? null;
  if (focus.peek() === there && first !== null) go({ transition: first }, { by: "history" });
}

async function load(name: string): Promise<void> {
  const answer = await requestView(name, "scenario", {});
  const former = scenario.peek();
  if (former && former.uuid === answer.uuid && former.transitions === answer.transitions) return;
  forgetAnswers();
  scenario.value = answer;
  total.value = answer.transitions;
}

/** Open where the page's address says; the first scenario if it says none. */
export async function open(route: Route, by: Mover = "history"): Promise<void> {
  const names = server.peek()?.scenarios ?? [];
  let name = route.focus.scenario ?? "";
  if (!names.includes(name)) {
    if (name) say(`There is no scenario “${name}” here.`);
    name = names[0] ?? "";
  }
  if (!name) return;
  try {
    await load(name);
    if (route.panels) linkedPanels.value = route.panels;
    const isSame = focus.peek().scenario === name;
    const transition = route.focus.transition ?? (isSame ? focus.peek().transition : 0);
    go(
      { side: "before", thread: null, selection: null, ...route.focus, scenario: name, transition },
      { by },
    );
    if (!isSame && route.focus.transition === undefined && route.expression === null)
      void goToDecisive(name).catch(sayProblem);
    if (route.expression !== null) {
      const { address } = await requestView(name, "address", {
        context: focus.peek().transition,
        expression: route.expression,
      });
      go({ selection: { kind: "memory", address: BigInt(address), size: 1 } }, { by });
    }
  } catch (problem) {
    sayProblem(problem);
  }
}

/** Show what the page's address says, and keep up with the server from then on. */
export async function begin(): Promise<void> {
  await connect();
  const route = parseHash(window.location.hash);
  placeLinked.value = beginsAtPlace(route);
  await open(route);
  let known = server.peek()?.epoch;
  effect(() => {
    const now = server.value;
    if (now && now.epoch !== known) {
      known = now.epoch;
      void reload();
    }
  });
  setInterval(() => {
    if (scenario.peek()?.complete === false && connection.peek() === "connected") void reload();
  }, GROWTH_MILLISECONDS);
}

async function reload(): Promise<void> {
  const name = focus.peek().scenario;
  if (server.peek()?.scenarios.includes(name)) await load(name).catch(sayProblem);
  else await open({ focus: {}, expression: null });
}
