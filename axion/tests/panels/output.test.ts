// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OutputPart } from "../../src/api/types";
import { linesOf, pieceAt } from "../../src/panels/output/lines";

function part(text: string, is_last = false): OutputPart {
  return { text, transition: 1, address: "0x1000", size: text.length + (is_last ? 1 : 0), is_last };
}

describe("lines of output", () => {
  test("end where a part says so", () => {
    const parts = [part("a "), part("b", true), part("c")];
    expect(linesOf(parts)).toEqual([[parts[0], parts[1]], [parts[2]]]);
  });

  test("lose no part", () => {
    const arbitrary = fc.array(fc.tuple(fc.string(), fc.boolean()).map(([t, l]) => part(t, l)));
    fc.assert(
      fc.property(arbitrary, (parts) => {
        expect(linesOf(parts).flat()).toEqual(parts);
      }),
    );
  });
});

describe("the bytes of a word", () => {
  test("are those around the character", () => {
    expect(pieceAt(part("an error", true), 5)).toEqual({ at: 3, size: 5 });
    expect(pieceAt(part("an error"), 1)).toEqual({ at: 0, size: 2 });
  });

  test("are the whole part between words, and where a character is no byte", () => {
    expect(pieceAt(part("a  b"), 2)).toEqual({ at: 0, size: 4 });
    expect(pieceAt({ ...part("naïve"), size: 6 }, 1)).toEqual({ at: 0, size: 6 });
  });

  test("lie within the part", () => {
    const one = fc.tuple(fc.string({ minLength: 1 }), fc.nat(30));
    fc.assert(
      fc.property(one, ([text, at]) => {
        const piece = pieceAt(part(text), at);
        expect(piece.at).toBeGreaterThanOrEqual(0);
        expect(piece.at + piece.size).toBeLessThanOrEqual(Math.max(text.length, 1));
      }),
    );
  });
});
