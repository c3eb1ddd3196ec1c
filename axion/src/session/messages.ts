// SPDX-License-Identifier: Apache-2.0
// Messages of the sessions WebSocket. Addresses are text, `0x7ffc0010`, as everywhere in JSON:
// they do not fit a JavaScript number.
import type { AddressSelection, TransitionSelection } from "../api/types";

export type {
  ClientMessage,
  Event as SessionEvent,
  Limits,
  PresentClient,
  Publish,
  ServerMessage,
  SessionState,
} from "../api/types";

export type Selection = TransitionSelection | AddressSelection;

/** What is wrong with the name of a session of at most `longest` letters; "" if nothing is. */
export function problemOfName(name: string, longest: number): string {
  const letters = [...name];
  if (letters.length === 0) return "A session needs a name.";
  if (letters.length > longest) return `A session's name has at most ${longest} characters.`;
  if (name.includes("/")) return "A session's name has no “/”.";
  // What Python's str.isprintable refuses.
  if (/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(name))
    return "A session's name has printable characters only.";
  return "";
}
