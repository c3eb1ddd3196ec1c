// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LANES, lanesOf, shortNumber } from "../../src/panels/cpu/lanes";
import { readings } from "../../src/panels/memory/values";
import { rootOf } from "../../src/ui/registers";

const vector = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });

describe("the lanes of a vector register", () => {
  test("are all of its bits, the lowest first", () => {
    fc.assert(
      fc.property(vector, fc.constantFrom("u8", "u16", "u32", "u64"), (value, kind) => {
        const digits = value.toString(16).padStart(64, "0");
        const lanes = lanesOf(`0x${digits}`, kind as (typeof LANES)[number]);
        expect(lanes).toHaveLength(256 / Number(kind.slice(1)));
        expect(lanes.reverse().join("")).toBe(digits);
      }),
    );
  });

  test("are doubles and floats", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const view = new DataView(new ArrayBuffer(8));
        view.setFloat64(0, value);
        const digits = view.getBigUint64(0).toString(16).padStart(16, "0");
        const [shown] = lanesOf(`0x${digits}`, "f64");
        const rounded = String(Number(value.toPrecision(15)));
        expect(shown).toBe(Object.is(value, -0) ? "-0" : rounded);
      }),
    );
    expect(lanesOf("0x3fc000003f800000", "f32")).toEqual(["1", "1.5"]);
    expect(shortNumber(Number.NaN, 7)).toBe("NaN");
  });
});

describe("what bytes may mean", () => {
  test("is read from those that are known", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.nat({ max: 255 }), { freq: 20 }), { maxLength: 12 }),
        (bytes) => {
          const gap = bytes.indexOf(null);
          const known = Math.min(gap === -1 ? bytes.length : gap, 8);
          const sizes = readings(bytes)
            .map(({ kind }) => /^int(\d+)$/.exec(kind)?.[1])
            .filter(Boolean);
          expect(sizes).toEqual(
            ["8", "16", "32", "64"].filter((bits) => Number(bits) <= 8 * known),
          );
        },
      ),
    );
  });

  test("is signed, and text", () => {
    const found = new Map(readings([0x68, 0x69, 0xff, 0xff]).map((one) => [one.kind, one.text]));
    expect(found.get("int32")).toBe("4294928744  (-38552)");
    expect(found.get("string")).toBe('"hi"');
  });
});

test.each([
  ["al", "rax"],
  ["ah", "rax"],
  ["sil", "rsi"],
  ["esp", "rsp"],
  ["r8d", "r8"],
  ["r15b", "r15"],
  ["xmm3", "ymm3"],
  ["zmm31", "ymm31"],
  ["eip", "rip"],
  ["zf", "zf"],
])("%s is a part of %s", (part, root) => expect(rootOf(part)).toBe(root));
