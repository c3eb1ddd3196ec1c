// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { context, type Focus, focus, go, isSame, type Move, onMove, total } from "../src/focus";
import { step } from "../src/moves";
import * as any from "./arbitrary";

const START: Focus = {
  scenario: "demo",
  transition: 5,
  side: "before",
  thread: null,
  selection: null,
};

beforeEach(() => {
  total.value = 100;
  go(START);
});

describe("the focus", () => {
  test("stays inside of the trace", () => {
    fc.assert(
      fc.property(fc.integer(), (transition) => {
        go({ transition });
        expect(focus.value.transition).toBe(Math.min(Math.max(transition, 0), 99));
      }),
    );
  });

  test("is looked at before and after", () => {
    expect(context.value).toBe(5);
    go({ side: "after" });
    expect(context.value).toBe(6);
  });

  test("moves step by step, and not beyond the ends", () => {
    step(true);
    expect(focus.value.transition).toBe(6);
    go({ transition: 99 });
    step(true);
    expect(focus.value.transition).toBe(99);
    go({ transition: 0 });
    step(false);
    expect(focus.value.transition).toBe(0);
  });

  test("tells who moved it", () => {
    const moves: Move[] = [];
    const stop = onMove((_, move) => moves.push(move));
    go({ transition: 6 });
    go({ transition: 7 }, { by: "session", isStep: true });
    stop();
    go({ transition: 8 });
    expect(moves).toEqual([
      { by: "user", isStep: false },
      { by: "session", isStep: true },
    ]);
  });

  test("is the same as itself alone", () => {
    fc.assert(
      fc.property(any.focus, any.focus, (one, other) => {
        expect(isSame(one, structuredClone(one))).toBe(true);
        const text = (at: Focus) =>
          JSON.stringify(at, (_, value) => (typeof value === "bigint" ? String(value) : value));
        const isEqual = one.selection?.kind === other.selection?.kind && text(one) === text(other);
        expect(isSame(one, other)).toBe(isEqual);
      }),
    );
  });
});
