// SPDX-License-Identifier: Apache-2.0
// How long a selection takes until every view has painted it: performance measures named
// "selection", which benchmarks read.

let started: number | null = null;
let waiting = 0;
let checking = false;

/** A selection was made. */
export function selectionBegins(): void {
  started = performance.now();
  check();
}

/** A view waits for an answer; call what is returned when it came, or is not wanted any more. */
export function pending(): () => void {
  let open = true;
  waiting += 1;
  return () => {
    if (!open) return;
    open = false;
    waiting -= 1;
    check();
  };
}

function check(): void {
  if (checking || started === null) return;
  checking = true;
  // Views ask in effects and after a frame; what they ask shows in `waiting` by then.
  requestAnimationFrame(() =>
    setTimeout(() => {
      checking = false;
      if (started === null || waiting > 0) return;
      performance.measure("selection", { start: started, end: performance.now() });
      started = null;
    }),
  );
}
