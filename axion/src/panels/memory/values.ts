// SPDX-License-Identifier: Apache-2.0
// What bytes may mean.

import { shortNumber } from "../cpu/lanes";

export interface Reading {
  kind: string;
  text: string;
}

/** The bytes as integers, floats and text, little endian; only those that are all known. */
export function readings(bytes: (number | null)[]): Reading[] {
  const view = new DataView(new ArrayBuffer(8));
  let known = 0;
  while (known < 8 && bytes[known] != null) {
    view.setUint8(known, bytes[known] ?? 0);
    known += 1;
  }
  const found: Reading[] = [];
  const integers: [number, () => bigint | number, () => bigint | number][] = [
    [1, () => view.getUint8(0), () => view.getInt8(0)],
    [2, () => view.getUint16(0, true), () => view.getInt16(0, true)],
    [4, () => view.getUint32(0, true), () => view.getInt32(0, true)],
    [8, () => view.getBigUint64(0, true), () => view.getBigInt64(0, true)],
  ];
  for (const [size, unsigned, signed] of integers) {
    if (known < size) continue;
    const value = unsigned();
    const negative = signed();
    const text = negative < 0 ? `${value}  (${negative})` : String(value);
    found.push({ kind: `int${8 * size}`, text });
  }
  if (known >= 4) found.push({ kind: "float", text: shortNumber(view.getFloat32(0, true), 7) });
  if (known >= 8) found.push({ kind: "double", text: shortNumber(view.getFloat64(0, true), 15) });
  const string = stringAt(bytes);
  if (string) found.push({ kind: "string", text: JSON.stringify(string) });
  return found;
}

function stringAt(bytes: (number | null)[]): string {
  let text = "";
  for (const byte of bytes) {
    if (byte == null || byte < 9 || byte > 126 || (byte > 13 && byte < 32)) break;
    text += String.fromCharCode(byte);
  }
  return text;
}
