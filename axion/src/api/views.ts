// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { pending } from "../timing";
import { requestView } from "./client";
import type { Views } from "./types";

const ANSWERS_KEPT = 600;

// A trace does not change, so an answer stays right; the least recently used go first.
const answers = new Map<string, unknown>();

function keyOf(scenario: string, name: string, view_arguments: unknown): string {
  return `${scenario}/${name}/${JSON.stringify(view_arguments)}`;
}

/** Forget all answers: the trace has grown, or is another one. */
export function forgetAnswers(): void {
  answers.clear();
}

/** The answer, if it is here already. */
export function kept<Name extends keyof Views>(
  scenario: string,
  name: Name,
  view_arguments: Views[Name]["arguments"],
): Views[Name]["answer"] | undefined {
  const key = keyOf(scenario, name, view_arguments);
  const answer = answers.get(key) as Views[Name]["answer"] | undefined;
  if (answer !== undefined) {
    answers.delete(key);
    answers.set(key, answer);
  }
  return answer;
}

/**
 * What a view shows: an answer that is kept, or asked for. `ahead`: nobody waits for it yet, so
 * it does not count for how long a selection takes to be painted.
 */
export async function view<Name extends keyof Views>(
  scenario: string,
  name: Name,
  view_arguments: Views[Name]["arguments"],
  options: { abort?: AbortSignal; ahead?: boolean } = {},
): Promise<Views[Name]["answer"]> {
  const known = kept(scenario, name, view_arguments);
  if (known !== undefined) return known;
  const done = options.ahead ? null : pending();
  try {
    const answer = await requestView(scenario, name, view_arguments, options.abort);
    answers.set(keyOf(scenario, name, view_arguments), answer);
    for (const key of answers.keys()) {
      if (answers.size <= ANSWERS_KEPT) break;
      answers.delete(key);
    }
    return answer;
  } finally {
    done?.();
  }
}

/** `answer` is the former one until the new one comes, so that nothing flickers: `current` tells. */
export interface Shown<Answer> {
  answer: Answer | null;
  current: boolean;
  error: string;
}

/** What a view shows, asked for anew when the arguments change; null asks for nothing. */
export function useView<Name extends keyof Views>(
  scenario: string,
  name: Name,
  view_arguments: Views[Name]["arguments"] | null,
): Shown<Views[Name]["answer"]> {
  type Answer = Views[Name]["answer"];
  const key = view_arguments === null ? null : keyOf(scenario, name, view_arguments);
  const [came, setCame] = useState<{ key: string; answer: Answer | null; error: string } | null>(
    null,
  );
  const last = useRef<Answer | null>(null);
  const known = view_arguments === null ? undefined : kept(scenario, name, view_arguments);
  useEffect(() => {
    if (key === null || view_arguments === null || known !== undefined) return;
    const aborting = new AbortController();
    view(scenario, name, view_arguments, { abort: aborting.signal }).then(
      (answer) => setCame({ key, answer, error: "" }),
      (problem: Error) => {
        if (!aborting.signal.aborted) setCame({ key, answer: null, error: problem.message });
      },
    );
    return () => aborting.abort();
  }, [key]);
  if (known !== undefined) {
    last.current = known;
    return { answer: known, current: true, error: "" };
  }
  if (came !== null && came.key === key) {
    if (came.answer !== null) last.current = came.answer;
    return { answer: came.answer, current: true, error: came.error };
  }
  return { answer: key === null ? null : last.current, current: false, error: "" };
}
