// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashOf, parseHash } from "../src/route";
import { formatPanels } from "../src/states";
import * as any from "./arbitrary";

describe("the address of the page", () => {
  test("opens exactly what it was made of", () => {
    fc.assert(
      fc.property(any.focus, any.panels, (at, panels) => {
        const route = parseHash(hashOf(at, panels));
        expect(route.focus).toEqual(at);
        expect(route.expression).toBeNull();
        expect(route.panels).toEqual(formatPanels(panels) ? panels : null);
      }),
    );
  });

  test("may be any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (hash) => {
        const { focus, panels } = parseHash(hash);
        expect(focus.transition ?? 0).toBeGreaterThanOrEqual(0);
        expect(panels ?? [1]).not.toEqual([]);
      }),
    );
  });

  test.each([
    ["#/demo/4242", { scenario: "demo", transition: 4242 }],
    ["#/demo/transition/4242", { scenario: "demo", transition: 4242 }],
    ["#/a%2Fb/transition/1?side=after&thread=2", { scenario: "a/b", side: "after", thread: 2 }],
    ["#/demo/1?register=rax", { selection: { kind: "register", name: "rax" } }],
    ["#/demo/1?register=rax%3B%20curl%20evil%20%7C%20sh", { selection: null }],
    ["#/demo/1?address=0x10&size=0", { selection: { kind: "memory", address: 16n, size: 1 } }],
    ["#/demo/1?address=rsp", { selection: null }],
    ["#/demo/transition/-1", { scenario: "demo" }],
  ])("%s", (hash, focus) => {
    expect(parseHash(hash).focus).toMatchObject(focus);
  });

  test("of a notebook says an expression", () => {
    expect(parseHash("#/demo/address/fs:0x28")).toMatchObject({
      focus: { scenario: "demo" },
      expression: "fs:0x28",
      panels: null,
    });
  });

  test("does not speak of panels as they come", () => {
    const at = {
      scenario: "demo",
      transition: 7,
      side: "before",
      thread: null,
      selection: null,
    } as const;
    const usual = [
      { id: "cpu", kept: {} },
      { id: "memory", kept: {} },
    ];
    expect(hashOf(at, usual)).toBe("#/demo/transition/7");
    const second = { id: "memory-2", kept: { expression: "rdi+8" } };
    expect(hashOf(at, [...usual, second])).toBe(
      "#/demo/transition/7?panels=cpu,memory,memory-2~expression~rdi%2B8",
    );
  });
});
