// SPDX-License-Identifier: Apache-2.0
// Everything that can be done by key or by name.

import { signal } from "@preact/signals";

export interface Command {
  id: string;
  title: string;
  /** Heading in the shortcut sheet. */
  group: "Move" | "Look" | "Panels" | "Sessions" | "Bookmarks" | "Other";
  /** Such as "F10", "Shift+F10", "Ctrl+K", "j". A letter alone only counts outside of inputs. */
  keys?: string[];
  run: () => void;
}

export const commands = signal<Command[]>([]);

/** Add commands; one of the same id is replaced. Returns what takes them away again. */
export function addCommands(...added: Command[]): () => void {
  const ids = new Set(added.map((command) => command.id));
  commands.value = [...commands.peek().filter((command) => !ids.has(command.id)), ...added];
  return () => {
    commands.value = commands.peek().filter((command) => !added.includes(command));
  };
}

/** The key of an event, spelled as in `Command.keys`. */
export function keyOf(event: KeyboardEvent): string {
  const named = event.key.length > 1;
  const modifiers = [
    event.ctrlKey || event.metaKey ? "Ctrl+" : "",
    event.altKey ? "Alt+" : "",
    // With a character, Shift is in the character itself.
    event.shiftKey && (named || event.ctrlKey || event.altKey) ? "Shift+" : "",
  ];
  return modifiers.join("") + (named || !event.ctrlKey ? event.key : event.key.toUpperCase());
}

/** Run the command of a key. Returns whether there is one. */
export function runKey(event: KeyboardEvent): boolean {
  const key = keyOf(event);
  const target = event.target as HTMLElement | null;
  const isTyping = target?.closest("input, textarea, select, [contenteditable]") != null;
  if (isTyping && !/^(Ctrl\+|Alt\+|Shift\+)*F\d+$|^Ctrl\+/.test(key)) return false;
  if (isTyping && /^Ctrl\+[ACVXZ]$/.test(key)) return false;
  const command = commands.peek().find((known) => known.keys?.includes(key));
  if (!command) return false;
  event.preventDefault();
  event.stopPropagation();
  command.run();
  return true;
}
