// SPDX-License-Identifier: Apache-2.0

export const LANES = ["u8", "u16", "u32", "u64", "f32", "f64"] as const;
export type Lanes = (typeof LANES)[number];

/** The lanes of a vector register, lane 0 (the lowest bits) first. */
export function lanesOf(hexadecimal: string, kind: Lanes): string[] {
  const text = hexadecimal.replace("0x", "");
  const width = Number(kind.slice(1)) / 4;
  const lanes: string[] = [];
  for (let end = text.length; end > 0; end -= width) {
    lanes.push(laneText(text.slice(Math.max(end - width, 0), end), kind));
  }
  return lanes;
}

function laneText(digits: string, kind: Lanes): string {
  if (kind.startsWith("u")) return digits;
  const view = new DataView(new ArrayBuffer(8));
  if (kind === "f32") {
    view.setUint32(0, Number.parseInt(digits, 16));
    return shortNumber(view.getFloat32(0), 7);
  }
  view.setBigUint64(0, BigInt(`0x${digits}`));
  return shortNumber(view.getFloat64(0), 15);
}

/** A float in at most so many digits. */
export function shortNumber(value: number, precision: number): string {
  if (!Number.isFinite(value) || value === 0) return Object.is(value, -0) ? "-0" : String(value);
  return String(Number(value.toPrecision(precision)));
}
