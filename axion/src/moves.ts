// SPDX-License-Identifier: Apache-2.0
// Moves of the focus that the server has to find, and the commands for them.

import type { Views } from "./api/types";
import { view } from "./api/views";
import { addCommands } from "./commands";
import { focus, go, type Selection, total } from "./focus";
import { say, sayProblem } from "./ui/toast";

type Move = {
  [Name in keyof Views]: Views[Name]["answer"] extends { transition: number | null } ? Name : never;
}[keyof Views];

let latest = new AbortController();

/** Ask where to go, and go there. A later move takes the place of one that is under way. */
async function find<Name extends Move>(
  name: Name,
  view_arguments: Views[Name]["arguments"],
  none: string,
  selection?: Selection | null,
): Promise<void> {
  latest.abort();
  latest = new AbortController();
  const { signal } = latest;
  try {
    const answer = await view(focus.peek().scenario, name, view_arguments, { abort: signal });
    if (signal.aborted) return;
    if (answer.transition === null) say(none);
    else go({ transition: answer.transition, ...(selection === undefined ? {} : { selection }) });
  } catch (problem) {
    sayProblem(problem);
  }
}

export function step(forward: boolean): void {
  go({ transition: focus.peek().transition + (forward ? 1 : -1) }, { isStep: true });
}

/** Step over what is called, or out of the function. */
export function stepTo(kind: "over" | "out", forward: boolean): void {
  const { transition } = focus.peek();
  const none = kind === "over" ? "The trace ends here." : "The trace does not have the caller.";
  void find("step", { transition, kind, forward }, none);
}

export function run(forward: boolean): void {
  const { transition } = focus.peek();
  void find("run", { transition, forward }, `No ${which(forward)} run of this instruction.`);
}

export function registerChange(
  register: string,
  forward: boolean,
  transition = focus.peek().transition,
): void {
  void find(
    "register_change",
    { register, transition, forward },
    `${register} has no ${which(forward)} change.`,
    { kind: "register", name: register },
  );
}

export function memoryAccess(
  range: { address: bigint; size: number },
  forward: boolean,
  what: { reads: boolean; writes: boolean } = { reads: true, writes: true },
): void {
  const { transition } = focus.peek();
  const address = `0x${range.address.toString(16)}`;
  const name = what.reads ? (what.writes ? "access" : "read") : "write";
  void find(
    "access",
    { address, size: range.size, transition, forward, ...what },
    `No ${which(forward)} ${name} of ${address}.`,
  );
}

/** Go where a text of the analyst's leads: `#123`, `50%`, a symbol, an address. */
export async function jump(text: string): Promise<boolean> {
  const { scenario, transition } = focus.peek();
  try {
    const answer = await view(scenario, "jump", { text, transition });
    const to: Parameters<typeof go>[0] = {};
    if (answer.transition !== null) to.transition = answer.transition;
    if (answer.address !== null) {
      const address = BigInt(answer.address);
      to.selection =
        answer.transition === null
          ? { kind: "memory", address, size: 1 }
          : { kind: "symbol", name: answer.place?.text ?? answer.address, address };
    }
    go(to);
    return true;
  } catch (problem) {
    sayProblem(problem);
    return false;
  }
}

/** The next or previous of what is selected: change of a register, access to memory, run. */
function ofSelection(forward: boolean, what: { reads: boolean; writes: boolean }): void {
  const { selection } = focus.peek();
  if (selection?.kind === "register") registerChange(selection.name, forward);
  else if (selection?.kind === "memory") memoryAccess(selection, forward, what);
  else say("Select a register or bytes of memory first.");
}

function which(forward: boolean): string {
  return forward ? "next" : "previous";
}

const ANY = { reads: true, writes: true };
const WRITES = { reads: false, writes: true };

export function addMoveCommands(): void {
  addCommands(
    { id: "step.into", title: "Step forward", group: "Move", keys: ["F11"], run: () => step(true) },
    {
      id: "step.back",
      title: "Step backward",
      group: "Move",
      keys: ["Shift+F11"],
      run: () => step(false),
    },
    {
      id: "run.next",
      title: "Next run of this instruction",
      group: "Move",
      keys: ["j"],
      run: () => run(true),
    },
    {
      id: "run.previous",
      title: "Previous run of this instruction",
      group: "Move",
      keys: ["k"],
      run: () => run(false),
    },
    {
      id: "data.next",
      title: "Next change or access of the selection",
      group: "Move",
      keys: ["J"],
      run: () => ofSelection(true, ANY),
    },
    {
      id: "data.previous",
      title: "Previous change or access of the selection",
      group: "Move",
      keys: ["K"],
      run: () => ofSelection(false, ANY),
    },
    {
      id: "write.next",
      title: "Next write to the selection",
      group: "Move",
      keys: ["w"],
      run: () => ofSelection(true, WRITES),
    },
    {
      id: "write.previous",
      title: "Previous write to the selection",
      group: "Move",
      keys: ["W"],
      run: () => ofSelection(false, WRITES),
    },
    {
      id: "side",
      title: "Look before or after the transition",
      group: "Look",
      keys: ["s"],
      run: () => go({ side: focus.peek().side === "before" ? "after" : "before" }),
    },
    {
      id: "first",
      title: "Go to the beginning",
      group: "Move",
      keys: ["Ctrl+Home"],
      run: () => go({ transition: 0 }),
    },
    {
      id: "last",
      title: "Go to the end",
      group: "Move",
      keys: ["Ctrl+End"],
      run: () => go({ transition: total.peek() - 1 }),
    },
    {
      id: "history.back",
      title: "Back",
      group: "Move",
      keys: ["Alt+ArrowLeft"],
      run: () => history.back(),
    },
    {
      id: "history.forward",
      title: "Forward",
      group: "Move",
      keys: ["Alt+ArrowRight"],
      run: () => history.forward(),
    },
    {
      id: "deselect",
      title: "Select nothing",
      group: "Look",
      keys: ["Escape"],
      run: () => go({ selection: null }),
    },
  );
}
