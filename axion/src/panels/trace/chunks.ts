// SPDX-License-Identifier: Apache-2.0
// The rows of the list, fetched in chunks around what is seen.

import { useEffect, useRef, useState } from "preact/hooks";
import type { TraceAnswer, TraceInstruction, TraceRow } from "../../api/types";
import { kept, view } from "../../api/views";

const CHUNK = 64;
const AHEAD_MILLISECONDS = 60;

/** A row and its instruction; `row` is null until it is fetched. */
export interface Line {
  id: number;
  row: TraceRow | null;
  instruction: TraceInstruction | null;
}

function chunkAt(scenario: string, number: number): TraceAnswer | undefined {
  return kept(scenario, "trace", { first: number * CHUNK, count: CHUNK });
}

/** The lines [first, stop): those that are not here yet come by themselves. */
export function useLines(scenario: string, first: number, stop: number): Line[] {
  const [, setArrived] = useState(0);
  const asked = useRef(new Map<number, AbortController>());
  const from = Math.floor(first / CHUNK);
  const to = Math.floor(Math.max(stop - 1, first) / CHUNK);
  useEffect(() => {
    const { current } = asked;
    for (const [number, aborting] of current) {
      if (number < from - 1 || number > to + 1) {
        aborting.abort();
        current.delete(number);
      }
    }
    const ask = (number: number, ahead: boolean) => {
      if (number < 0 || current.has(number) || chunkAt(scenario, number)) return;
      const aborting = new AbortController();
      current.set(number, aborting);
      view(
        scenario,
        "trace",
        { first: number * CHUNK, count: CHUNK },
        { abort: aborting.signal, ahead },
      )
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
  }, [scenario, from, to]);
  useEffect(
    () => () => {
      for (const aborting of asked.current.values()) aborting.abort();
      asked.current.clear();
    },
    [],
  );
  const lines: Line[] = [];
  for (let id = first; id < stop; id += 1) {
    const chunk = chunkAt(scenario, Math.floor(id / CHUNK));
    const row = chunk?.rows[id % CHUNK] ?? null;
    const index = row?.instruction;
    const instruction = index == null ? null : (chunk?.instructions[index] ?? null);
    lines.push({ id, row, instruction });
  }
  return lines;
}
