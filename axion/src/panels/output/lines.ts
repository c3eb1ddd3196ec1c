// SPDX-License-Identifier: Apache-2.0
// Written parts as lines, and words of them as bytes.

import type { OutputPart } from "../../api/types";

/** Parts of one line after the other, as a terminal shows them. */
export function linesOf(parts: readonly OutputPart[]): OutputPart[][] {
  const lines: OutputPart[][] = [];
  let line: OutputPart[] = [];
  for (const part of parts) {
    line.push(part);
    if (part.is_last) {
      lines.push(line);
      line = [];
    }
  }
  if (line.length > 0) lines.push(line);
  return lines;
}

/** The bytes of the word around a character of a part: where they begin, and how many. */
export function pieceAt(part: OutputPart, character: number): { at: number; size: number } {
  const ends = part.is_last ? 1 : 0;
  // What is not written as it is in memory, as a control character, has no bytes of its own here.
  if (part.text.length !== part.size - ends || !isAscii(part.text))
    return { at: 0, size: Math.max(part.size, 1) };
  const isWord = (at: number) => /[^\s]/.test(part.text[at] ?? " ");
  if (!isWord(character)) return { at: 0, size: Math.max(part.size, 1) };
  let at = character;
  while (at > 0 && isWord(at - 1)) at -= 1;
  let stop = character + 1;
  while (isWord(stop)) stop += 1;
  return { at, size: stop - at };
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7e) return false;
  return true;
}
