// SPDX-License-Identifier: Apache-2.0
// What the program did wrong, looked for kind by kind: the first shown while others are looked for.

import { signal } from "@preact/signals";
import { requestView } from "../../api/client";
import type { Finding } from "../../api/types";

export const KINDS = ["overflow", "use-after-free", "double-free", "uninitialized"] as const;
export type Kind = (typeof KINDS)[number];
const MOST = 200;

export class Findings {
  readonly found = signal<Finding[]>([]);
  /** What is looked for now; null: nothing, or all has been. */
  readonly looking = signal<Kind | null>(null);
  readonly done = signal<Kind[]>([]);
  /** There are more of these than are shown. */
  readonly cut = signal<Kind[]>([]);
  readonly problem = signal("");
  #of = "";
  #aborting = new AbortController();

  /** Look, unless that has been done for the same trace. */
  async look(scenario: string, transitions: number): Promise<void> {
    const of = `${scenario} ${transitions}`;
    if (of === this.#of) return;
    this.stop();
    this.#of = of;
    this.found.value = [];
    this.done.value = [];
    this.cut.value = [];
    this.problem.value = "";
    this.#aborting = new AbortController();
    const { signal: aborted } = this.#aborting;
    try {
      for (const kind of KINDS) {
        this.looking.value = kind;
        const answer = await requestView(scenario, "findings", { kind, limit: MOST }, aborted);
        if (aborted.aborted) return;
        const all = [...this.found.peek(), ...answer.findings];
        this.found.value = all.sort((one, other) => one.transition - other.transition);
        this.done.value = [...this.done.peek(), kind];
        if (!answer.is_whole) this.cut.value = [...this.cut.peek(), kind];
      }
      this.looking.value = null;
    } catch (problem) {
      if (aborted.aborted) return;
      this.looking.value = null;
      this.problem.value = (problem as Error).message;
    }
  }

  stop(): void {
    this.#aborting.abort();
    this.looking.value = null;
    this.#of = "";
  }
}

/** Of the trace that is shown: the panels that show findings share them. */
export const findings = new Findings();
