// SPDX-License-Identifier: Apache-2.0
// The stack at the focus, asked for once for all panels that follow it.
import { computed, effect, signal } from "@preact/signals";
import type { BacktraceAnswer } from "../../api/types";
import { type Shown, useView, view } from "../../api/views";
import { context, focus } from "../../focus";
import { scenario } from "../../scenario";
import type { Self } from "../panel";

/** The former one stays until the next comes: `current` tells. */
export const stack = signal<Shown<BacktraceAnswer>>({ answer: null, current: false, error: "" });

/** The calls that are active at the focus. */
export const activeCalls = computed(
  () => new Set(stack.value.answer?.frames.map((frame) => frame.call) ?? []),
);

/** The stack where a panel looks. */
export function useStack(self: Self): Shown<BacktraceAnswer> {
  const isHeld = self.heldAt.value !== "";
  const wanted = isHeld ? { context: self.context.value } : null;
  const held = useView(self.focus.value.scenario, "backtrace", wanted);
  return isHeld ? held : stack.value;
}

const name = computed(() => focus.value.scenario);

effect(() => {
  const asked = { context: context.value };
  if (scenario.value === null || name.value === "") return;
  const aborting = new AbortController();
  const known = stack.peek().answer;
  queueMicrotask(() => {
    if (aborting.signal.aborted) return;
    stack.value = { answer: known, current: false, error: "" };
    view(name.peek(), "backtrace", asked, { abort: aborting.signal }).then(
      (answer) => {
        stack.value = { answer, current: true, error: "" };
      },
      (problem: Error) => {
        if (!aborting.signal.aborted)
          stack.value = { answer: null, current: true, error: problem.message };
      },
    );
  });
  return () => aborting.abort();
});
