// SPDX-License-Identifier: Apache-2.0

/** `0x1f` as `1f`. */
export function digits(hexadecimal: string): string {
  return hexadecimal.startsWith("0x") ? hexadecimal.slice(2) : hexadecimal;
}

export function hexadecimal(number: bigint | number): string {
  return `0x${number.toString(16)}`;
}

/** A transition as it is written everywhere: `#1,234`. */
export function numbered(transition: number): string {
  return `#${transition.toLocaleString("en")}`;
}

/** Bytes of a string of two hexadecimal digits each; null where it says `??`. */
export function bytesOf(text: string): (number | null)[] {
  const bytes: (number | null)[] = [];
  for (let at = 0; at < text.length; at += 2) {
    const pair = text.slice(at, at + 2);
    bytes.push(pair === "??" ? null : Number.parseInt(pair, 16));
  }
  return bytes;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
