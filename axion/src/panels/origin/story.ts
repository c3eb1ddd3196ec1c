// SPDX-License-Identifier: Apache-2.0
// The way back from a value to where it came into the program.

import { signal } from "@preact/signals";
import { requestView } from "../../api/client";
import type { StoryAnswer } from "../../api/types";
import { type Asked, formatAsked } from "./asked";

export const FOLLOWS = ["values", "meant", "pointers"] as const;
export type Follow = (typeof FOLLOWS)[number];

export class Story {
  readonly answer = signal<StoryAnswer | null>(null);
  readonly isLoading = signal(false);
  readonly problem = signal("");
  #asked = "";
  #aborting = new AbortController();

  /** Ask for the origin of something else; of the same, nothing is asked again. */
  async ask(scenario: string, asked: Asked | null, follow: Follow): Promise<void> {
    const key = asked ? `${scenario} ${formatAsked(asked)} ${follow}` : "";
    if (key === this.#asked) return;
    this.stop();
    this.#asked = key;
    this.answer.value = null;
    this.problem.value = "";
    if (!asked) return;
    this.#aborting = new AbortController();
    const { signal: aborted } = this.#aborting;
    this.isLoading.value = true;
    try {
      const answer = await requestView(scenario, "story", { ...asked, follow }, aborted);
      if (!aborted.aborted) this.answer.value = answer;
    } catch (problem) {
      if (!aborted.aborted) this.problem.value = (problem as Error).message;
    } finally {
      if (!aborted.aborted) this.isLoading.value = false;
    }
  }

  stop(): void {
    this.#aborting.abort();
    this.isLoading.value = false;
    this.#asked = "";
  }
}
