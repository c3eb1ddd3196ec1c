// SPDX-License-Identifier: Apache-2.0
// Messages of the sessions WebSocket as text. An address does not fit a JavaScript number,
// so here it is a bigint, and in the text a plain number of any length.
import type {
  AddressSelection as AddressMessage,
  ClientMessage as ClientText,
  Event as EventText,
  Presence as PresenceText,
  PresentClient as PresentText,
  ServerMessage as ServerText,
  TransitionSelection,
} from "../api/types";

export type { SessionState, TransitionSelection } from "../api/types";

export interface AddressSelection extends Omit<AddressMessage, "address"> {
  address: bigint;
}
export type Selection = TransitionSelection | AddressSelection;

export interface SessionEvent extends Omit<EventText, "selection"> {
  selection: Selection;
}
export interface PresentClient extends Omit<PresentText, "selection"> {
  selection: Selection | null;
}
export interface Presence extends Omit<PresenceText, "clients"> {
  clients: PresentClient[];
}
type Widened = { event: SessionEvent; presence: Presence };
export type ServerMessage = Exclude<ServerText, { type: keyof Widened }> | Widened[keyof Widened];

type WithSelection<Message> = Message extends { selection: unknown }
  ? Omit<Message, "selection"> & { selection: Selection | null }
  : Message;
export type ClientMessage = WithSelection<ClientText>;

/** A message as the server reads it. */
export function encode(message: ClientMessage): string {
  const text = JSON.stringify(message, (_, value) =>
    typeof value === "bigint" ? `\u0000${value}` : value,
  );
  return text.replace(/"\\u0000(\d+)"/g, "$1");
}

/** A message that the server sent. */
export function decode(text: string): ServerMessage {
  // A quote inside of a string stands behind a backslash, so that this finds keys only.
  const marked = text.replace(/"address":(\d+)/g, '"address":"$1"');
  return JSON.parse(marked, (key, value) =>
    key === "address" && typeof value === "string" ? BigInt(value) : value,
  ) as ServerMessage;
}

const LONGEST_NAME = 64;

/** What is wrong with the name of a session; "" if nothing is. */
export function problemOfName(name: string): string {
  const letters = [...name];
  if (letters.length === 0) return "A session needs a name.";
  if (letters.length > LONGEST_NAME)
    return `A session's name has at most ${LONGEST_NAME} characters.`;
  if (name.includes("/")) return "A session's name has no “/”.";
  // What Python's str.isprintable refuses.
  if (/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(name))
    return "A session's name has printable characters only.";
  return "";
}
