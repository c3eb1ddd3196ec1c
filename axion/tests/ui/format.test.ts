// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf } from "../../src/commands";
import { bytesOf, digits, hexadecimal, numbered } from "../../src/ui/format";
import * as any from "../arbitrary";

test("a number is its digits", () => {
  fc.assert(
    fc.property(any.address, (number) => {
      expect(BigInt(`0x${digits(hexadecimal(number))}`)).toBe(number);
      expect(BigInt(hexadecimal(number))).toBe(number);
    }),
  );
});

test("bytes come from two digits each, or are not known", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat({ max: 255 }))), (bytes) => {
      const text = bytes.map((byte) => byte?.toString(16).padStart(2, "0") ?? "??").join("");
      expect(bytesOf(text)).toEqual(bytes);
    }),
  );
});

test("a transition is written with its thousands", () => {
  expect(numbered(1234567)).toBe("#1,234,567");
});

test.each([
  [{ key: "j" }, "j"],
  [{ key: "J", shiftKey: true }, "J"],
  [{ key: "F10", shiftKey: true }, "Shift+F10"],
  [{ key: "k", ctrlKey: true }, "Ctrl+K"],
  [{ key: "k", metaKey: true }, "k"],
  [{ key: "ArrowLeft", altKey: true }, "Alt+ArrowLeft"],
])("%j is %s", (init, name) => {
  const expected = "metaKey" in init ? `Ctrl+${name}` : name;
  expect(keyOf(new KeyboardEvent("keydown", init))).toBe(expected);
});
