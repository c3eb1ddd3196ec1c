// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAsked, parseAsked } from "../../src/panels/origin/asked";

describe("whose origin is asked for", () => {
  test("is kept as text and read again", () => {
    fc.assert(
      fc.property(
        fc.nat(1e12),
        fc.bigInt(0n, (1n << 64n) - 1n),
        fc.integer({ min: 1, max: 64 }),
        (context, address, size) => {
          const asked = {
            context,
            register: "",
            address: `0x${address.toString(16)}`,
            size,
          };
          expect(parseAsked(formatAsked(asked))).toEqual(asked);
        },
      ),
    );
    expect(parseAsked("12~rax")).toMatchObject({ context: 12, register: "rax", address: "" });
  });

  test("is nothing where a link says something else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const asked = parseAsked(text);
        expect(asked === null || asked.register !== "" || asked.address !== "").toBe(true);
      }),
    );
    for (const text of ["", "~", "1", "x~rax", "1~RAX!", "1~0x1~8~9", "1~0x1~1000"])
      expect(parseAsked(text)).toBeNull();
  });
});
