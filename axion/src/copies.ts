// SPDX-License-Identifier: Apache-2.0
// What can be copied of the focus, in the forms in which it is pasted elsewhere.

import { contextOf, type Focus } from "./focus";
import { bytesOf, hexadecimal } from "./ui/format";

/** Something that can be copied: `text` is it, `title` says what it is. */
export interface Copy {
  id: string;
  title: string;
  text: string;
}

/** Of bytes of memory, more are not copied from here: Python and the commands give them. */
export const MOST_BYTES = 4096;

const NUMBER_SIZES = [1, 2, 4, 8];

/** What is selected holds: `0x…` of a register, two digits a byte of memory (`??` unknown), or
 * "" where that is not known. */
export function copiesOf(at: Focus, held: string, link: string): Copy[] {
  const { selection } = at;
  const moment = momentOf(at);
  const found: Copy[] = [];
  if (selection?.kind === "register") {
    const { name } = selection;
    found.push(
      ...numberCopies(held),
      {
        id: "python",
        title: "Python",
        text: `trace.${moment}.read(reven2.arch.x64.${name})`,
      },
      {
        id: "command",
        title: "Command: where it comes from",
        text: `reven origin ${quoted(`${at.scenario}.reven`)} ${contextOf(at)} ${name}`,
      },
    );
  } else if (selection) {
    const size = selection.kind === "memory" ? selection.size : 1;
    const address = hexadecimal(selection.address);
    const bytes = bytesOf(held).slice(0, size);
    const known = bytes.filter((byte): byte is number => byte !== null);
    if (selection.kind === "symbol")
      found.push({ id: "name", title: "Name", text: selection.name });
    if (known.length === bytes.length && known.length > 0) {
      found.push(...byteCopies(known));
      if (NUMBER_SIZES.includes(known.length)) found.push(...numberCopies(littleEndian(known)));
    }
    found.push(
      { id: "address", title: "Address", text: address },
      {
        id: "python",
        title: "Python",
        text: `trace.${moment}.read(reven2.address.LinearAddress(${address}), ${size}, raw=True)`,
      },
      {
        id: "command",
        title: "Command: where it comes from",
        text: `reven origin ${quoted(`${at.scenario}.reven`)} ${contextOf(at)} ${quoted(`[${address}; ${size}]`)}`,
      },
    );
  }
  found.push(
    { id: "link", title: "Link to here", text: link },
    { id: "moment", title: "Python: this moment", text: `trace.${moment}` },
    {
      id: "show",
      title: "Command: show this moment",
      text: `reven show ${quoted(`${at.scenario}.reven`)} --at ${at.transition}`,
    },
  );
  return found;
}

function momentOf(at: Focus): string {
  return `transition(${at.transition}).context_${at.side}()`;
}

function numberCopies(held: string): Copy[] {
  if (!/^0x[0-9a-f]+$/.test(held)) return held ? [{ id: "value", title: "Value", text: held }] : [];
  const value = BigInt(held);
  const copies = [
    { id: "value", title: "Hexadecimal", text: held },
    { id: "decimal", title: "Decimal", text: value.toString() },
  ];
  const signed = BigInt.asIntN(64, value);
  if (value < 1n << 64n && signed < 0n)
    copies.push({ id: "signed", title: "Signed", text: signed.toString() });
  return copies;
}

function byteCopies(bytes: number[]): Copy[] {
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  const copies = [
    { id: "bytes", title: "Bytes", text: digits.join(" ") },
    { id: "c", title: "C", text: `{${digits.map((two) => `0x${two}`).join(", ")}}` },
    { id: "bytes-python", title: "Python bytes", text: `bytes.fromhex("${digits.join("")}")` },
  ];
  const end = bytes.indexOf(0);
  const text = end === -1 ? bytes : bytes.slice(0, end);
  if (text.length > 1 && text.every((byte) => byte >= 0x20 && byte < 0x7f))
    copies.push({ id: "text", title: "Text", text: String.fromCharCode(...text) });
  return copies;
}

function littleEndian(bytes: number[]): string {
  return hexadecimal(bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n));
}

/** As one word of a shell. */
export function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
