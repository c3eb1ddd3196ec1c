// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "preact/hooks";
import type { MemoryAnswer } from "../../api/types";
import { useView } from "../../api/views";
import { go, type Selection } from "../../focus";
import { hexadecimal } from "../../ui/format";
import { useHeight } from "../../ui/height";
import { Keep } from "../../ui/keep";
import { definePanel, keptAlways, keptOfTrace, type Self } from "../panel";
import { Hexdump } from "./hexdump";
import { Inspect } from "./inspect";
import "./memory.css";

const LINE = 16;
const ROW = 20;
const FAR = 1 << 20;
const USUAL = "rsp";
const REGISTERS = ["rsp", "rbp", "rdi", "rsi", "rax", "rip"];

/** `expression`: the address that is shown, evaluated at each moment anew. `offset`: how far it
 * is scrolled from there, in bytes. `keeps`: it does not go where something is selected. */
type MemorySelf = Self<"expression" | "offset" | "keeps">;

function offsetOf({ kept }: MemorySelf): number {
  return /^-?\d{1,15}$/.test(kept.offset.value) ? Number(kept.offset.value) : 0;
}

function scrollBy(self: MemorySelf, bytes: number): void {
  self.kept.offset.value = String(offsetOf(self) + bytes);
}

function showMemory({ kept }: MemorySelf, text: string): void {
  kept.offset.value = "0";
  kept.expression.value = text;
}

function MemoryPanel({ self }: { self: MemorySelf }) {
  const area = useRef<HTMLDivElement>(null);
  const height = useHeight(area);
  const lines = Math.max(Math.floor(height / ROW), 1);
  const { scenario, transition, thread, selection } = self.focus.value;
  const context = self.context.value;
  const expression = self.kept.expression.value;
  const keeps = self.kept.keeps.value === "yes";
  const { answer, error, current } = useView(
    scenario,
    "memory",
    height === 0
      ? null
      : {
          context,
          transition,
          expression,
          offset: offsetOf(self),
          size: lines * LINE,
          thread,
        },
  );
  useShownSelection(self, keeps ? null : selection, current ? answer : null, lines);
  const memory = selection?.kind === "memory" ? selection : null;
  const inspected = memory?.address ?? (answer ? BigInt(answer.origin) : null);

  return (
    <>
      <form
        class="bar"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = new FormData(event.currentTarget).get("expression");
          showMemory(self, String(typed).trim() || USUAL);
          area.current?.focus();
        }}
      >
        <input
          name="expression"
          class="mono"
          aria-label="Address, as rsp+0x20 or libc!environ; it is evaluated at each moment"
          title="rsp+0x20   libc!environ   [rbp-8]   fs:0x28"
          spellcheck={false}
          autocomplete="off"
          key={expression}
          defaultValue={expression}
        />
        {REGISTERS.map((name) => (
          <button
            key={name}
            type="button"
            class="tool mono"
            aria-pressed={expression === name}
            title={`Follow ${name}`}
            onClick={() => showMemory(self, name)}
          >
            {name}
          </button>
        ))}
        <Keep
          on={keeps}
          what="this place"
          onTurn={(on) => {
            self.kept.keeps.value = on ? "yes" : "";
          }}
        />
        <span class="dim mono place">{answer?.inspected.place?.text}</span>
      </form>
      {error && <p class="problem">{error}</p>}
      <div class="memory">
        <div
          ref={area}
          class="dump"
          role="grid"
          aria-label="Memory"
          tabIndex={0}
          data-keyboard
          onWheel={(event) => {
            event.preventDefault();
            const step =
              Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / 40));
            scrollBy(self, step * LINE);
          }}
          onKeyDown={(event) => {
            const by = movedBy(event.key, lines);
            if (event.ctrlKey || event.altKey || by === null || !answer) return;
            event.preventDefault();
            // From what is selected, if it is here.
            const from = memory && isIn(answer, memory.address, lines) ? memory : null;
            const to = moved(from, BigInt(answer.origin), by, event.shiftKey);
            go({ selection: to }, { isStep: true });
            if (keeps) reveal(self, answer, to.address, lines);
          }}
        >
          {answer && !error && <Hexdump answer={answer} />}
        </div>
        {inspected !== null && !error && (
          <Inspect
            context={context}
            address={inspected}
            size={memory?.size ?? 1}
            known={memory === null && answer ? answer.inspected : null}
          />
        )}
      </div>
    </>
  );
}

/** Go to a selection that is out of sight. */
function useShownSelection(
  self: MemorySelf,
  selection: Selection | null,
  answer: MemoryAnswer | null,
  lines: number,
) {
  const seen = useRef<Selection | null>(null);
  useEffect(() => {
    if (answer === null || selection === seen.current) return;
    seen.current = selection;
    if (selection?.kind === "memory") reveal(self, answer, selection.address, lines);
  }, [selection, answer, lines]);
}

function isIn(answer: MemoryAnswer, address: bigint, lines: number): boolean {
  const start = BigInt(answer.address);
  return address >= start && address < start + BigInt(lines * LINE);
}

/** Scroll to an address that is out of sight, or show it anew if it is far away. */
function reveal(self: MemorySelf, answer: MemoryAnswer, address: bigint, lines: number): void {
  if (isIn(answer, address, lines)) return;
  const start = BigInt(answer.address);
  const line = address - (address % BigInt(LINE));
  const top = address < start ? line : line - BigInt((lines - 1) * LINE);
  const by = Number(top - start);
  if (Math.abs(by) < FAR / 64) scrollBy(self, by);
  else showMemory(self, hexadecimal(address));
}

function movedBy(key: string, lines: number): number | null {
  const page = lines * LINE;
  const by: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -LINE,
    ArrowDown: LINE,
    PageUp: -page,
    PageDown: page,
  };
  return by[key] ?? null;
}

function moved(
  from: { address: bigint; size: number } | null,
  origin: bigint,
  by: number,
  isExtending: boolean,
): Extract<Selection, { kind: "memory" }> {
  if (from === null) return { kind: "memory", address: origin, size: 1 };
  if (isExtending)
    return { kind: "memory", address: from.address, size: Math.max(from.size + by, 1) };
  const address = BigInt.asUintN(64, from.address + BigInt(by));
  return { kind: "memory", address, size: 1 };
}

export const panel = definePanel({
  id: "memory",
  title: "Memory",
  place: "low",
  many: true,
  holds: true,
  keeps: { expression: keptOfTrace(USUAL), offset: keptOfTrace("0"), keeps: keptAlways("") },
  open: (self) => ({
    content: () => <MemoryPanel self={self} />,
    detail: () => (self.kept.expression.value === USUAL ? "" : self.kept.expression.value),
  }),
  // Two that go where something is selected would be the same: the new one stays.
  another: () => ({ keeps: "yes" }),
});
