// SPDX-License-Identifier: Apache-2.0
import { computed } from "@preact/signals";
import type { TraceInstruction } from "../api/types";
import { focus, go } from "../focus";
import { rootOf } from "./registers";

type Words = TraceInstruction["tokens"];

const litRegister = computed(() => {
  const { selection } = focus.value;
  return selection?.kind === "register" ? rootOf(selection.name) : null;
});

const litRange = computed(() => {
  const { selection } = focus.value;
  if (selection === null || selection.kind === "register") return null;
  const size = selection.kind === "memory" ? BigInt(selection.size) : 1n;
  return { start: selection.address, stop: selection.address + size };
});

/** Whether a register is, or shares bits with, the selected one. */
export function isLitRegister(name: string): boolean {
  return litRegister.value !== null && rootOf(name) === litRegister.value;
}

/** Whether `size` bytes at an address touch what is selected. */
export function isLitAddress(address: string, size = 1): boolean {
  const range = litRange.value;
  if (range === null) return false;
  const start = BigInt(address);
  return start < range.stop && range.start < start + BigInt(size);
}

/** An instruction in colours. Clicks on its words are for `selectWord`. */
export function Tokens({ tokens }: { tokens: Words }) {
  return (
    <span class="tokens">
      {tokens.map(([kind, text], index) => {
        const gap = index === 1 ? " " : "";
        if (kind === "register") {
          return (
            <>
              {gap}
              <span class={isLitRegister(text) ? "register lit" : "register"} data-register={text}>
                {text}
              </span>
            </>
          );
        }
        if (kind === "address") {
          return (
            <>
              {gap}
              <span class={isLitAddress(text) ? "address lit" : "address"} data-address={text}>
                {text}
              </span>
            </>
          );
        }
        return (
          <>
            {gap}
            <span class={kind}>{text}</span>
          </>
        );
      })}
    </span>
  );
}

/** Select the register or address that was clicked, if it was one. */
export function selectWord(event: Event, transition?: number): boolean {
  const word = (event.target as HTMLElement).closest<HTMLElement>("[data-register],[data-address]");
  if (!word) return false;
  const { register, address, size } = word.dataset;
  const moment = transition === undefined ? {} : { transition };
  if (register) {
    go({ ...moment, selection: { kind: "register", name: register } });
  } else if (address) {
    go({
      ...moment,
      selection: { kind: "memory", address: BigInt(address), size: Number(size ?? 1) },
    });
  }
  return true;
}
