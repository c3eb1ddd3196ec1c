// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { baseFor, broughtIntoSight, LONGEST } from "../../src/ui/window";

const list = fc
  .record({
    count: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 10 ** 10 })),
    shown: fc.integer({ min: 1, max: 200 }),
    top: fc.double({ min: 0, max: 1, noNaN: true }),
    row: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    former: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ count, shown, top, row, former }) => ({
    count,
    shown,
    top: top * Math.max(count - shown, 0),
    row: Math.floor(row * count),
    former: Math.floor(former * Math.max(count - LONGEST, 0)),
  }));

describe("the part of a list that is laid out", () => {
  test("holds what is in sight, and lies in the list", () => {
    fc.assert(
      fc.property(list, ({ count, shown, top, former }) => {
        const base = baseFor(former, top, shown, count);
        const size = Math.min(count, LONGEST);
        expect(Number.isInteger(base)).toBe(true);
        expect(base).toBeGreaterThanOrEqual(0);
        expect(base + size).toBeLessThanOrEqual(count);
        expect(top).toBeGreaterThanOrEqual(base);
        expect(Math.min(top + shown, count)).toBeLessThanOrEqual(base + size);
        // It does not move twice.
        expect(baseFor(base, top, shown, count)).toBe(base);
      }),
    );
  });

  test("stays while one scrolls in its middle", () => {
    expect(baseFor(1_000_000, 1_000_000 + LONGEST / 2, 50, 10 ** 9)).toBe(1_000_000);
    expect(baseFor(1_000_000, 1_000_000 + LONGEST - 60, 50, 10 ** 9)).not.toBe(1_000_000);
  });
});

describe("a row that is brought into sight", () => {
  test("is seen", () => {
    fc.assert(
      fc.property(list, ({ count, shown, top, row }) => {
        fc.pre(count > 0);
        const to = broughtIntoSight(top, row, shown, count);
        expect(to).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(Math.max(count - shown, 0));
        expect(row).toBeGreaterThanOrEqual(to);
        expect(row + 1).toBeLessThanOrEqual(to + shown + 1e-6);
      }),
    );
  });

  test("does not move the list when it is in its middle", () => {
    expect(broughtIntoSight(100.5, 110, 20, 1000)).toBe(100.5);
    expect(broughtIntoSight(100, 120, 20, 1000)).toBe(104);
    expect(broughtIntoSight(100, 800, 20, 1000)).toBe(792);
  });
});
