// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatMoment,
  formatPanels,
  parseMoment,
  parsePanels,
  partsOf,
  statesIn,
} from "../src/states";
import * as any from "./arbitrary";

describe("what panels keep", () => {
  test("comes back from a link", () => {
    fc.assert(
      fc.property(any.panels, (panels) => {
        const text = formatPanels(panels);
        fc.pre(text !== "");
        expect(parsePanels(text)).toEqual(panels);
        // Nothing in it means something to what is around it.
        expect(text).not.toMatch(/[&?#= ]/);
      }),
    );
  });

  test("comes back from the browser's memory", () => {
    fc.assert(
      fc.property(any.panels, (panels) => {
        expect(statesIn(JSON.parse(JSON.stringify(panels)))).toEqual(panels);
      }),
    );
  });

  test("may be any text or value", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const { id } of parsePanels(text) ?? []) expect(partsOf(id)).not.toBeNull();
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const { id, kept } of statesIn(value)) {
          expect(partsOf(id)).not.toBeNull();
          for (const each of Object.values(kept)) expect(each).toBeTypeOf("string");
        }
      }),
    );
  });

  test("half a character is no reason to fail", () => {
    const text = formatPanels([{ id: "search", kept: { text: "a\ud800b" } }]);
    expect(parsePanels(text)).toEqual([{ id: "search", kept: { text: "a\ufffdb" } }]);
  });

  test.each(["memory-1", "memory-0", "memory-10", "memory-2-2", "Memory", "", "a b", "__proto__"])(
    "%j is no panel",
    (id) => expect(partsOf(id)).toBeNull(),
  );

  test("a panel named twice is one", () => {
    expect(parsePanels("memory~expression~rdi,memory~expression~rsi")).toEqual([
      { id: "memory", kept: { expression: "rsi" } },
    ]);
  });
});

describe("a moment", () => {
  test("comes back", () => {
    fc.assert(
      fc.property(any.focus, ({ transition, side, thread }) => {
        const moment = { transition, side, thread };
        expect(parseMoment(formatMoment(moment))).toEqual(moment);
      }),
    );
  });

  test.each(["", "+", "1e3", "-1", "1.", "1++", "9999999999999999", "1 "])("is not %j", (text) =>
    expect(parseMoment(text)).toBeNull(),
  );
});
