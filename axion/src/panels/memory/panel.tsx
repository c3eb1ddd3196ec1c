// SPDX-License-Identifier: Apache-2.0
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MemoryAnswer } from "../../api/types";
import { useView } from "../../api/views";
import { context, focus, go, type Selection } from "../../focus";
import { hexadecimal } from "../../ui/format";
import type { Panel } from "../registry";
import { Hexdump } from "./hexdump";
import { Inspect } from "./inspect";
import { expression, offset, showMemory } from "./state";
import "./memory.css";

const LINE = 16;
const ROW = 20;
const FAR = 1 << 20;
const REGISTERS = ["rsp", "rbp", "rdi", "rsi", "rax", "rip"];

function MemoryPanel() {
  const [height, setHeight] = useState(0);
  const area = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    const watching = new ResizeObserver(() => setHeight(element.clientHeight));
    watching.observe(element);
    setHeight(element.clientHeight);
    return () => watching.disconnect();
  }, []);
  const lines = Math.max(Math.floor(height / ROW), 1);
  const { scenario, transition, thread, selection } = focus.value;
  const { answer, error, current } = useView(
    scenario,
    "memory",
    height === 0
      ? null
      : {
          context: context.value,
          transition,
          expression: expression.value,
          offset: offset.value,
          size: lines * LINE,
          thread,
        },
  );
  useShownSelection(selection, current ? answer : null, lines);
  const memory = selection?.kind === "memory" ? selection : null;
  const inspected = memory?.address ?? (answer ? BigInt(answer.origin) : null);

  return (
    <>
      <form
        class="bar"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = new FormData(event.currentTarget).get("expression");
          showMemory(String(typed).trim() || "rsp");
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
          key={expression.value}
          defaultValue={expression.value}
        />
        {REGISTERS.map((name) => (
          <button
            key={name}
            type="button"
            class="tool mono"
            aria-pressed={expression.value === name}
            title={`Follow ${name}`}
            onClick={() => showMemory(name)}
          >
            {name}
          </button>
        ))}
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
            offset.value += step * LINE;
          }}
          onKeyDown={(event) => {
            const by = movedBy(event.key, lines);
            if (event.ctrlKey || event.altKey || by === null || !answer) return;
            event.preventDefault();
            go(
              { selection: moved(memory, BigInt(answer.origin), by, event.shiftKey) },
              { isStep: true },
            );
          }}
        >
          {answer && !error && <Hexdump answer={answer} />}
        </div>
        {inspected !== null && !error && (
          <Inspect
            address={inspected}
            size={memory?.size ?? 1}
            known={memory === null && answer ? answer.inspected : null}
          />
        )}
      </div>
    </>
  );
}

/** Scroll to a selection that is out of sight, or show it anew if it is far away. */
function useShownSelection(
  selection: Selection | null,
  answer: MemoryAnswer | null,
  lines: number,
) {
  const seen = useRef<Selection | null>(null);
  useEffect(() => {
    if (answer === null || selection === seen.current) return;
    seen.current = selection;
    if (selection?.kind !== "memory") return;
    const start = BigInt(answer.address);
    const size = BigInt(lines * LINE);
    const { address } = selection;
    if (address >= start && address < start + size) return;
    const line = address - (address % BigInt(LINE));
    const top = address < start ? line : line - size + BigInt(LINE);
    const by = Number(top - start);
    if (Math.abs(by) < FAR / 64) offset.value += by;
    else showMemory(hexadecimal(address));
  }, [selection, answer, lines]);
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
): Selection {
  if (from === null) return { kind: "memory", address: origin, size: 1 };
  if (isExtending)
    return { kind: "memory", address: from.address, size: Math.max(from.size + by, 1) };
  const address = BigInt.asUintN(64, from.address + BigInt(by));
  return { kind: "memory", address, size: 1 };
}

export const panel: Panel = { id: "memory", title: "Memory", component: MemoryPanel, place: "low" };
