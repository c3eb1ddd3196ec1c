// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HistoryRow } from "../../src/api/types";
import { type Accesses, appended, prepended } from "../../src/panels/history/pages";
import { formatRange, parseRange } from "../../src/panels/history/range";
import * as any from "../arbitrary";

function row(transition: number): HistoryRow {
  return {
    transition,
    address: "0x10",
    size: 8,
    is_write: true,
    value: "0x1",
    pc: "0x1000",
    place: "",
    tokens: [],
    thread: 1,
    cause: "",
  };
}

/** Accesses of a few transitions, some of which access several times. */
const transitions = fc
  .array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 60 })
  .map((all) => all.sort((one, other) => one - other));

const wanted = { scenario: "demo", address: "0x10", size: 8, reads: true, writes: true };

function known(all: number[]): Accesses {
  return { wanted, rows: all.map(row), before: null, after: null, problem: "" };
}

/** The rows that lie in [from, stop). */
function between(all: number[], from: number, stop: number): number[] {
  return all.filter((transition) => transition >= from && transition < stop);
}

describe("the pages of a history", () => {
  test("are whole transitions, and the rest can be asked for", () => {
    fc.assert(
      fc.property(
        transitions,
        fc.nat({ max: 41 }),
        fc.integer({ min: 1, max: 60 }),
        (all, at, most) => {
          const [former, latter] = [between(all, 0, at), between(all, at, 99)];
          const later = appended(known(former), { rows: latter.map(row), next: null }, most);
          expect(later.rows.map((each) => each.transition)).toEqual(
            between(all, later.before ?? 0, 99),
          );
          // One transition alone may have more.
          const isOne = later.rows.every((each) => each.transition === all.at(-1));
          if (!isOne) expect(later.rows.length).toBeLessThanOrEqual(most);
          const earlier = prepended(known(latter), { rows: former.map(row), next: null }, most);
          expect(earlier.rows.map((each) => each.transition)).toEqual(
            between(all, 0, earlier.after ?? 99),
          );
        },
      ),
    );
  });
});

describe("a range", () => {
  test("comes back", () => {
    fc.assert(
      fc.property(any.address, fc.integer({ min: 1, max: 10 ** 12 }), (address, size) => {
        expect(parseRange(formatRange({ address, size }))).toEqual({ address, size });
      }),
    );
  });

  test.each(["", "0x10", "0x10+0", "16+8", "0x10+8 ", "0x10+-8"])("is not %j", (text) =>
    expect(parseRange(text)).toBeNull(),
  );
});
