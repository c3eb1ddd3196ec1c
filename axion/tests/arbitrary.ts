// SPDX-License-Identifier: Apache-2.0
// What property tests are tried on.

import fc from "fast-check";
import type { Focus, Selection } from "../src/focus";
import { MOST_OF_A_KIND, type PanelState } from "../src/states";

export const address = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
export const whole = fc.nat({ max: 10 ** 15 - 1 });
/** Any text that is one: no halves of characters. */
export const text = fc.string({ unit: "binary" }).filter((word) => !/\p{Surrogate}/u.test(word));
const named = text.filter((word) => word !== "");

export const selection: fc.Arbitrary<Selection | null> = fc.oneof(
  fc.constant(null),
  fc.record({
    kind: fc.constant("register" as const),
    name: fc.stringMatching(/^[a-z][a-z0-9_]{0,31}$/),
  }),
  fc.record({
    kind: fc.constant("memory" as const),
    address,
    size: fc.integer({ min: 1, max: 10 ** 12 }),
  }),
  fc.record({ kind: fc.constant("symbol" as const), name: named, address }),
);

export const focus: fc.Arbitrary<Focus> = fc.record({
  scenario: named,
  transition: whole,
  side: fc.constantFrom("before" as const, "after" as const),
  thread: fc.option(whole),
  selection,
});

const id = fc
  .tuple(fc.stringMatching(/^[a-z]{1,12}$/), fc.integer({ min: 1, max: MOST_OF_A_KIND }))
  .map(([panel, number]) => (number === 1 ? panel : `${panel}-${number}`));

export const panels: fc.Arbitrary<PanelState[]> = fc.uniqueArray(
  fc.record({
    id,
    kept: fc.dictionary(fc.stringMatching(/^[a-z]{1,12}$/), text, { noNullPrototype: true }),
  }),
  { selector: (panel) => panel.id, maxLength: 8 },
);
