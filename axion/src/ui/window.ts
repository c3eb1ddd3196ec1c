// SPDX-License-Identifier: Apache-2.0
// Which rows of a long list are in the part that the browser scrolls, and where to scroll to.

/** So many rows are laid out at once: fewer pixels than any browser's longest element. */
export const LONGEST = 50_000;
/** So close to an end of that part, it is moved. */
const EDGE = LONGEST / 10;
/** Rows that stay seen before and after one that is brought into sight. */
const MARGIN = 3;

/** The part of a list that is laid out around its row `top`, given the first row of the former. */
export function baseFor(former: number, top: number, shown: number, count: number): number {
  const size = Math.min(count, LONGEST);
  const base = Math.min(former, count - size);
  const isNearStart = top < base + EDGE && base > 0;
  const isNearEnd = top + shown > base + size - EDGE && base + size < count;
  if (!isNearStart && !isNearEnd) return base;
  return Math.min(Math.max(Math.round(top - size / 2), 0), count - size);
}

/** The first row to show so that `row` is in sight, and as little else as possible changes. */
export function broughtIntoSight(top: number, row: number, shown: number, count: number): number {
  const margin = Math.min(MARGIN, Math.floor(shown / 3));
  const lowest = row - shown + 1 + margin;
  const highest = row - margin;
  let to = top;
  if (top < lowest - shown || top > highest + shown) to = row - Math.floor(shown * 0.4);
  else if (top < lowest) to = lowest;
  else if (top > highest) to = highest;
  return Math.min(Math.max(to, 0), Math.max(count - shown, 0));
}
