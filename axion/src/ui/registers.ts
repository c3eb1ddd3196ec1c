// SPDX-License-Identifier: Apache-2.0
// Which registers are parts of the same one, so that all of them light up together.

const LEGACY = ["ax", "bx", "cx", "dx", "si", "di", "bp", "sp"];
const ROOTS = new Map<string, string>([
  ["eip", "rip"],
  ["ip", "rip"],
]);
for (const name of LEGACY) {
  const root = `r${name}`;
  for (const part of [root, `e${name}`, name]) ROOTS.set(part, root);
  if (name.endsWith("x")) {
    ROOTS.set(`${name[0]}l`, root);
    ROOTS.set(`${name[0]}h`, root);
  } else ROOTS.set(`${name}l`, root);
}

/** The largest register that contains one: `rax` for `ah`, `ymm3` for `xmm3`. */
export function rootOf(register: string): string {
  const known = ROOTS.get(register);
  if (known) return known;
  const numbered = /^(r\d+)[dwb]$/.exec(register);
  if (numbered?.[1]) return numbered[1];
  const vector = /^[xyz]mm(\d+)$/.exec(register);
  return vector ? `ymm${vector[1]}` : register;
}
