// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { readStored, type Stored, storedIn, writeStored } from "../../src/shell/stored";
import * as any from "../arbitrary";

const LAYOUT = { grid: {}, panels: {} } as unknown as Stored["layout"];

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

describe("what is stored of the panels", () => {
  test("comes back", () => {
    fc.assert(
      fc.property(any.panels, fc.option(fc.uuid()), (panels, trace) => {
        const stored = { layout: LAYOUT, known: ["memory"], panels, trace };
        writeStored(stored);
        expect(readStored()).toEqual(stored);
      }),
    );
  });

  test("may be anything", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(storedIn(text)?.panels ?? []).toBeInstanceOf(Array);
      }),
    );
    expect(storedIn('{"layout": {}, "known": 5, "panels": [{"id": 3}], "trace": []}')).toEqual({
      layout: {},
      known: [],
      panels: [],
      trace: null,
    });
  });

  test("is that of version 0.1 where there is no other", () => {
    localStorage.setItem("axion.layout.1", JSON.stringify({ layout: LAYOUT, known: ["cpu"] }));
    expect(readStored()).toEqual({ layout: LAYOUT, known: ["cpu"], panels: [], trace: null });
  });

  test("is this tab's own before that of another", () => {
    writeStored({ layout: LAYOUT, known: ["mine"], panels: [], trace: null });
    localStorage.setItem("axion.layout.2", JSON.stringify({ layout: LAYOUT, known: ["other"] }));
    expect(readStored()?.known).toEqual(["mine"]);
    sessionStorage.clear();
    expect(readStored()?.known).toEqual(["other"]);
  });
});
