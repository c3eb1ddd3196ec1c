// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";

/** What is shown: the memory at this address, evaluated at each moment anew. */
export const expression = signal("rsp");

/** From there, in bytes: how far it is scrolled. */
export const offset = signal(0);

export function showMemory(text: string): void {
  offset.value = 0;
  expression.value = text;
}
