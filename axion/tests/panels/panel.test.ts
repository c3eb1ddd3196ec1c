// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, test } from "vitest";
import { focus, go, total } from "../../src/focus";
import { definePanel, keptAlways, keptOfTrace, ofAnyTrace, Self } from "../../src/panels/panel";

const dump = definePanel({
  id: "dump",
  title: "Dump",
  place: "low",
  many: true,
  holds: true,
  keeps: { expression: keptOfTrace("rsp"), lanes: keptAlways("") },
  open: () => ({ content: () => null }),
});

beforeEach(() => {
  total.value = 1000;
  go({ scenario: "demo", transition: 10, side: "before", thread: null, selection: null });
});

describe("a panel", () => {
  test("has state of its own", () => {
    const [one, other] = [new Self(dump, 1, {}), new Self(dump, 2, { expression: "rdi" })];
    expect([one.id, other.id]).toEqual(["dump", "dump-2"]);
    expect([one.element("row"), other.element("row")]).toEqual(["dump-row", "dump-2-row"]);
    if (one.kept.lanes) one.kept.lanes.value = "u8";
    expect(one.state()).toEqual({ id: "dump", kept: { lanes: "u8" } });
    expect(other.state()).toEqual({ id: "dump-2", kept: { expression: "rdi" } });
  });

  test("is held at a moment, while the focus goes on", () => {
    const [held, other] = [new Self(dump, 1, {}), new Self(dump, 2, {})];
    go({ side: "after" });
    held.hold(true);
    go({ transition: 500, side: "before", selection: { kind: "register", name: "rax" } });
    expect(held.focus.value).toMatchObject({ transition: 10, side: "after" });
    expect(held.context.value).toBe(11);
    // What is selected is the same everywhere.
    expect(held.focus.value.selection).toEqual(focus.value.selection);
    expect(other.context.value).toBe(500);
    expect(held.state().kept).toEqual({ at: "10+" });
    expect(held.copied()).toEqual({});
    held.hold(false);
    expect(held.context.value).toBe(500);
  });

  test("that is held looks at a thread of its own", () => {
    const self = new Self(dump, 1, {});
    self.lookAt(2);
    expect(focus.value.thread).toBe(2);
    self.hold(true);
    self.lookAt(3);
    expect([self.focus.value.thread, focus.value.thread]).toEqual([3, 2]);
    expect(self.state().kept).toEqual({ at: "10.3" });
  });

  test("may be restored with anything", () => {
    const self = new Self(dump, 1, { at: "4242", other: "x" });
    // Of a longer trace.
    expect(self.focus.value.transition).toBe(999);
    self.restore({ at: "nonsense", expression: "rdi" });
    expect(self.heldAt.value).toBe("");
    expect(self.context.value).toBe(10);
    self.restore({});
    expect(self.state().kept).toEqual({});
  });

  test("leaves with a trace what belongs to it", () => {
    expect(ofAnyTrace(dump, { expression: "rdi", lanes: "u8", at: "5", other: "x" })).toEqual({
      lanes: "u8",
    });
  });
});
