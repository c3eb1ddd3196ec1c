// SPDX-License-Identifier: Apache-2.0

/** Bytes of memory. */
export interface Range {
  address: bigint;
  size: number;
}

/** As it is kept: `0x1ffeffff98+8`. */
export function formatRange({ address, size }: Range): string {
  return `0x${address.toString(16)}+${size}`;
}

/** Reads that; null for anything else. */
export function parseRange(text: string): Range | null {
  const found = /^(0x[0-9a-f]{1,16})\+([1-9]\d{0,14})$/.exec(text);
  return found?.[1] ? { address: BigInt(found[1]), size: Number(found[2]) } : null;
}
