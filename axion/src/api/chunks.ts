// SPDX-License-Identifier: Apache-2.0
// Long lists, fetched in chunks around what is seen.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Views } from "./types";
import { kept, view } from "./views";

const CHUNK = 64;
const AHEAD_MILLISECONDS = 60;

/** Names of views that answer for a piece of a list. */
type Lists = {
  [Name in keyof Views]: "count" extends keyof Views[Name]["arguments"] ? Name : never;
}[keyof Views];

/** What is known of one element: its chunk's answer, and its number in there. */
export interface Element<Answer> {
  answer: Answer | undefined;
  at: number;
}

/** The elements [first, stop) of a list: those that are not here yet come by themselves. `asked`:
 * what else the view is asked with; it must be the same as long as the list is. */
export function useChunks<Name extends Lists>(
  scenario: string,
  name: Name,
  asked: Omit<Views[Name]["arguments"], "first" | "count">,
  first: number,
  stop: number,
): Element<Views[Name]["answer"]>[] {
  const [, setArrived] = useState(0);
  const running = useRef(new Map<number, AbortController>());
  const from = Math.floor(first / CHUNK);
  const to = Math.floor(Math.max(stop - 1, first) / CHUNK);
  const argumentsOf = (number: number) =>
    ({ ...asked, first: number * CHUNK, count: CHUNK }) as Views[Name]["arguments"];
  const chunkAt = (number: number) => kept(scenario, name, argumentsOf(number));
  const list = JSON.stringify([scenario, asked]);
  useEffect(() => () => abortAll(running.current), [list]);
  useEffect(() => {
    const { current } = running;
    for (const [number, aborting] of current) {
      if (number < from - 1 || number > to + 1) {
        aborting.abort();
        current.delete(number);
      }
    }
    const ask = (number: number, ahead: boolean) => {
      if (number < 0 || current.has(number) || chunkAt(number)) return;
      const aborting = new AbortController();
      current.set(number, aborting);
      view(scenario, name, argumentsOf(number), { abort: aborting.signal, ahead })
        .then(() => setArrived((count) => count + 1))
        .catch(() => {})
        .finally(() => {
          if (current.get(number) === aborting) current.delete(number);
        });
    };
    for (let number = from; number <= to; number += 1) ask(number, false);
    // What is seen comes first.
    const timer = setTimeout(() => {
      ask(to + 1, true);
      ask(from - 1, true);
    }, AHEAD_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [list, from, to]);
  const elements: Element<Views[Name]["answer"]>[] = [];
  for (let index = first; index < stop; index += 1)
    elements.push({ answer: chunkAt(Math.floor(index / CHUNK)), at: index % CHUNK });
  return elements;
}

function abortAll(running: Map<number, AbortController>): void {
  for (const aborting of running.values()) aborting.abort();
  running.clear();
}
