// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copiesOf, quoted } from "../src/copies";
import type { Focus, Selection } from "../src/focus";

function at(selection: Selection | null): Focus {
  return { scenario: "ls", transition: 42, side: "before", thread: null, selection };
}

function texts(selection: Selection | null, held: string): Record<string, string> {
  const all = copiesOf(at(selection), held, "http://here");
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  return Object.fromEntries(all.map(({ id, text }) => [id, text]));
}

describe("what can be copied", () => {
  test("of a register: its value, and how it is asked for elsewhere", () => {
    expect(texts({ kind: "register", name: "rax" }, "0xffffffffffffffff")).toEqual({
      value: "0xffffffffffffffff",
      decimal: "18446744073709551615",
      signed: "-1",
      python: "trace.transition(42).context_before().read(reven2.arch.x64.rax)",
      command: "reven origin ls.reven 42 rax",
      link: "http://here",
      moment: "trace.transition(42).context_before()",
      show: "reven show ls.reven --at 42",
    });
  });

  test("of bytes: as C, Python, text and number", () => {
    const found = texts({ kind: "memory", address: 0x1000n, size: 4 }, "48690000");
    expect(found).toMatchObject({
      bytes: "48 69 00 00",
      c: "{0x48, 0x69, 0x00, 0x00}",
      "bytes-python": 'bytes.fromhex("48690000")',
      text: "Hi",
      value: "0x6948",
      address: "0x1000",
      command: "reven origin ls.reven 42 '[0x1000; 4]'",
    });
  });

  test("of bytes that are not known: where they are", () => {
    const found = texts({ kind: "memory", address: 0x1000n, size: 2 }, "48??");
    expect(found.bytes).toBeUndefined();
    expect(found.address).toBe("0x1000");
  });

  test("with nothing selected: the moment", () => {
    expect(Object.keys(texts(null, ""))).toEqual(["link", "moment", "show"]);
  });

  test("is one word of a shell", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const word = quoted(text);
        const bare = /^[\w./-]+$/.test(word) ? word : word.slice(1, -1).replaceAll("'\\''", "'");
        expect(bare).toBe(text);
      }),
    );
  });
});
