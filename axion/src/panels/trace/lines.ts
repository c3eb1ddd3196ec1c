// SPDX-License-Identifier: Apache-2.0
// The rows of the list.

import { useChunks } from "../../api/chunks";
import type { TraceInstruction, TraceRow } from "../../api/types";

/** A row and its instruction; `row` is null until it is fetched. */
export interface Line {
  id: number;
  row: TraceRow | null;
  instruction: TraceInstruction | null;
}

/** The lines [first, stop): those that are not here yet come by themselves. */
export function useLines(scenario: string, first: number, stop: number): Line[] {
  return useChunks(scenario, "trace", {}, first, stop).map(({ answer, at }, index) => {
    const row = answer?.rows[at] ?? null;
    const number = row?.instruction;
    const instruction = number == null ? null : (answer?.instructions[number] ?? null);
    return { id: first + index, row, instruction };
  });
}
