// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  inside,
  levelOf,
  pixelOf,
  revealing,
  rulerStep,
  short,
  TILE_PARTS,
  tilesOf,
  transitionAt,
  whole,
  zoomed,
} from "../../src/panels/timeline/strip";

const total = fc.integer({ min: 1, max: 10 ** 12 });
const pixels = fc.integer({ min: 1, max: 4000 });
const anyStrip = fc.record({
  start: fc.double({ min: -1e13, max: 1e13, noNaN: true }),
  perPixel: fc.double({ min: 1e-3, max: 1e10, noNaN: true }),
});

describe("the strip", () => {
  test("is moved inside of the trace", () => {
    fc.assert(
      fc.property(anyStrip, total, pixels, (strip, all, wide) => {
        const moved = inside(strip, all, wide);
        expect(moved.start).toBeGreaterThanOrEqual(0);
        expect(moved.start + moved.perPixel * wide).toBeLessThanOrEqual(all * (1 + 1e-9) + 1e-6);
        expect(moved.perPixel).toBeLessThanOrEqual(whole(all, wide).perPixel);
      }),
    );
  });

  test("is zoomed at a point, which stays unless an end is in the way", () => {
    const strip = { start: 1000, perPixel: 10 };
    const near = zoomed(strip, 0.5, 300, 1_000_000, 1000);
    expect(pixelOf(near, 1000 + 300 * 10)).toBeCloseTo(300);
    expect(zoomed(strip, 1e9, 300, 1_000_000, 1000)).toEqual(whole(1_000_000, 1000));
  });

  test("shows what it is moved for", () => {
    fc.assert(
      fc.property(anyStrip, total, pixels, fc.nat(), (strip, all, wide, number) => {
        const transition = number % all;
        const shown = revealing(inside(strip, all, wide), transition, all, wide);
        expect(pixelOf(shown, transition)).toBeGreaterThanOrEqual(-1e-3);
        expect(pixelOf(shown, transition)).toBeLessThanOrEqual(wide + 1e-3);
      }),
    );
  });

  test("is covered by tiles, of which few are needed", () => {
    fc.assert(
      fc.property(anyStrip, total, pixels, (strip, all, wide) => {
        const shown = inside(strip, all, wide);
        const level = levelOf(shown);
        const tiles = tilesOf(shown, level, all, wide);
        expect(tiles[0]?.start).toBeLessThanOrEqual(shown.start);
        expect(tiles.length).toBeLessThanOrEqual((2 * wide) / TILE_PARTS + 2);
        for (const [index, tile] of tiles.entries())
          expect(tile.start).toBe((tiles[0]?.start ?? 0) + index * tile.width * TILE_PARTS);
      }),
    );
  });

  test("has a transition under each pixel", () => {
    expect(transitionAt({ start: 0, perPixel: 10 }, 5, 1000)).toBe(50);
    expect(transitionAt({ start: 0, perPixel: 10 }, 500, 1000)).toBe(999);
    expect(transitionAt({ start: 0, perPixel: 10 }, -5, 1000)).toBe(0);
    expect(transitionAt({ start: 0, perPixel: 1 }, 5, 0)).toBe(0);
  });

  test("is ruled in round steps", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), pixels, (perPixel, wide) => {
        const step = rulerStep(perPixel, wide);
        expect(step).toBeGreaterThanOrEqual(Math.max(1, perPixel * wide) * (1 - 1e-9));
        expect(String(step / 10 ** Math.floor(Math.log10(step) + 1e-9))).toMatch(/^[125]/);
      }),
    );
  });

  test.each([
    [999, "999"],
    [1000, "1 k"],
    [1_250_000, "1.25 M"],
    [7_000_000_000, "7 G"],
  ])("%d is %s for short", (number, text) => expect(short(number)).toBe(text));
});
