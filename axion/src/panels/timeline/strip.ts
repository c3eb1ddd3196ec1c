// SPDX-License-Identifier: Apache-2.0
// Which transitions the strip shows: where it is scrolled to, and how far it is zoomed.

export interface Strip {
  /** At the left border; may be a fraction. */
  start: number;
  /** Transitions of a pixel; less than one when single transitions are wide. */
  perPixel: number;
}

/** So many pixels one transition takes at most. */
const WIDEST = 16;
export const TILE_PARTS = 256;

/** All of the trace. */
export function whole(total: number, pixels: number): Strip {
  return { start: 0, perPixel: Math.max(total, 1) / Math.max(pixels, 1) };
}

/** The strip moved inside of the trace. */
export function inside(strip: Strip, total: number, pixels: number): Strip {
  const widest = Math.max(total, 1) / Math.max(pixels, 1);
  const perPixel = Math.min(Math.max(strip.perPixel, Math.min(1 / WIDEST, widest)), widest);
  const last = Math.max(0, total - perPixel * pixels);
  return { start: Math.min(Math.max(strip.start, 0), last), perPixel };
}

/** Zoomed by a factor, with what is at pixel `x` staying there. */
export function zoomed(
  strip: Strip,
  factor: number,
  x: number,
  total: number,
  pixels: number,
): Strip {
  const at = strip.start + x * strip.perPixel;
  const { perPixel } = inside({ start: 0, perPixel: strip.perPixel * factor }, total, pixels);
  return inside({ start: at - x * perPixel, perPixel }, total, pixels);
}

/** Scrolled so that a transition is seen, if it is not. */
export function revealing(strip: Strip, transition: number, total: number, pixels: number): Strip {
  const width = strip.perPixel * pixels;
  if (transition >= strip.start && transition < strip.start + width) return strip;
  return inside({ start: transition - width / 2, perPixel: strip.perPixel }, total, pixels);
}

export function pixelOf(strip: Strip, transition: number): number {
  return (transition - strip.start) / strip.perPixel;
}

export function transitionAt(strip: Strip, x: number, total: number): number {
  return Math.min(
    Math.max(0, Math.floor(strip.start + x * strip.perPixel)),
    Math.max(0, total - 1),
  );
}

/** A piece of the trace that is asked for at once: parts of `width` transitions each. */
export interface Tile {
  start: number;
  width: number;
}

/** The zoom level of tiles that have at most one part more than there are pixels. */
export function levelOf(strip: Strip): number {
  return Math.max(0, Math.floor(Math.log2(strip.perPixel)));
}

export function tilesOf(strip: Strip, level: number, total: number, pixels: number): Tile[] {
  const width = 2 ** level;
  const size = width * TILE_PARTS;
  const tiles: Tile[] = [];
  const end = Math.min(total, strip.start + pixels * strip.perPixel);
  for (let start = Math.floor(strip.start / size) * size; start < end; start += size)
    tiles.push({ start, width });
  return tiles;
}

/** The distance between two marks of the ruler: 1, 2 or 5 times a power of ten. */
export function rulerStep(perPixel: number, pixels: number): number {
  const wanted = Math.max(1, perPixel * pixels);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= wanted) ?? power;
}

/** A number short enough for a label: 1.25 M. */
export function short(number: number): string {
  for (const [size, name] of [
    [1e9, " G"],
    [1e6, " M"],
    [1e3, " k"],
  ] as const)
    if (number >= size) return `${Number((number / size).toPrecision(6))}${name}`;
  return String(number);
}
