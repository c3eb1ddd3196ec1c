// SPDX-License-Identifier: Apache-2.0
// The steps back from a value to where it came into the program, as far as they are asked for.

import { signal } from "@preact/signals";
import { requestView } from "../../api/client";
import type { OriginAnswer, OriginPart, OriginRequest, OriginStep } from "../../api/types";
import { formatAsked } from "./asked";

export class Story {
  readonly of = signal<OriginPart[]>([]);
  readonly steps = signal<OriginStep[]>([]);
  /** What to go on from; null at the end. */
  readonly next = signal<OriginRequest | null>(null);
  readonly isLoading = signal(false);
  readonly problem = signal("");
  #asked = "";
  #aborting = new AbortController();

  /** Ask for the origin of something else; of the same, nothing is asked again. */
  async ask(scenario: string, asked: OriginRequest | null): Promise<void> {
    const key = asked ? `${scenario} ${formatAsked(asked)}` : "";
    if (key === this.#asked) return;
    this.stop();
    this.#asked = key;
    this.of.value = [];
    this.steps.value = [];
    this.next.value = null;
    this.problem.value = "";
    if (asked) await this.#load(scenario, asked, true);
  }

  /** Ask for more steps. */
  async goOn(scenario: string): Promise<void> {
    const next = this.next.peek();
    if (next && !this.isLoading.peek()) await this.#load(scenario, next, false);
  }

  stop(): void {
    this.#aborting.abort();
    this.isLoading.value = false;
    this.#asked = "";
  }

  async #load(scenario: string, asked: OriginRequest, isFirst: boolean): Promise<void> {
    this.#aborting = new AbortController();
    const { signal: aborted } = this.#aborting;
    this.isLoading.value = true;
    try {
      const answer: OriginAnswer = await requestView(scenario, "origin", asked, aborted);
      if (aborted.aborted) return;
      if (isFirst) this.of.value = answer.of;
      this.steps.value = [...this.steps.peek(), ...answer.steps];
      this.next.value = answer.next;
    } catch (problem) {
      if (!aborted.aborted) this.problem.value = (problem as Error).message;
    } finally {
      if (!aborted.aborted) this.isLoading.value = false;
    }
  }
}
