// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";

const SHOWN_MILLISECONDS = 4000;

const message = signal("");
let hiding: ReturnType<typeof setTimeout> | undefined;

/** Say one sentence, for a while. */
export function say(text: string): void {
  message.value = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => {
    message.value = "";
  }, SHOWN_MILLISECONDS);
}

/** Say what is wrong, unless it is that nobody wants the answer any more. */
export function sayProblem(problem: unknown): void {
  if (problem instanceof DOMException && problem.name === "AbortError") return;
  say(problem instanceof Error ? problem.message : String(problem));
}

export function Toast() {
  return (
    <div class="toast" role="status" aria-live="polite" data-shown={message.value !== ""}>
      {message.value}
    </div>
  );
}
