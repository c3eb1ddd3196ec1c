// SPDX-License-Identifier: Apache-2.0
// Whose origin is asked for, as the text that a panel keeps: `1234~rax`, `1234~0x4046f30~8`.

import type { StoryRequest } from "../../api/types";
import { contextOf, type Focus } from "../../focus";
import { hexadecimal } from "../../ui/format";

/** An origin is that of a value; the server refuses more. */
const MOST_BYTES = 64;

export type Asked = Required<Pick<StoryRequest, "context" | "register" | "address" | "size">>;

export function formatAsked(asked: Asked): string {
  const data = asked.register ? [asked.register] : [asked.address, asked.size];
  return [asked.context, ...data].join("~");
}

export function parseAsked(text: string): Asked | null {
  const [context = "", data = "", size = "1", ...rest] = text.split("~");
  if (!/^\d{1,15}$/.test(context) || !/^\d{1,2}$/.test(size) || rest.length > 0) return null;
  const asked = { context: Number(context), register: "", address: "", size: 0 };
  if (/^0x[0-9a-f]{1,16}$/.test(data)) return { ...asked, address: data, size: Number(size) };
  return /^[a-z][a-z0-9]{1,9}$/.test(data) ? { ...asked, register: data } : null;
}

/** The origin of what is selected; null where that is nothing that has one. */
export function askedAt(at: Focus): Asked | null {
  const asked = { context: contextOf(at), register: "", address: "", size: 0 };
  const { selection } = at;
  if (selection?.kind === "register") return { ...asked, register: selection.name };
  if (selection === null) return null;
  const size = selection.kind === "memory" ? Math.min(selection.size, MOST_BYTES) : 8;
  return { ...asked, address: hexadecimal(selection.address), size };
}
