// SPDX-License-Identifier: Apache-2.0
import { useRef, useState } from "preact/hooks";
import type { MemoryAnswer } from "../../api/types";
import { focus, go } from "../../focus";
import { bytesOf } from "../../ui/format";

const LINE = 16;

interface Range {
  from: bigint;
  to: bigint;
}

/** Bytes in lines of 16. Those that are dragged over are selected. */
export function Hexdump({ answer }: { answer: MemoryAnswer }) {
  const [dragged, setDragged] = useState<Range | null>(null);
  const anchor = useRef<bigint | null>(null);
  const start = BigInt(answer.address);
  const bytes = bytesOf(answer.bytes);
  const marks = markedBytes(answer, start);
  const mapped = mappedBytes(answer, start, bytes.length);
  const selected = dragged ?? selectedRange();
  const lines = [];
  for (let at = 0; at < bytes.length; at += LINE) {
    lines.push(
      <Line
        key={at}
        at={at}
        address={start + BigInt(at)}
        bytes={bytes.slice(at, at + LINE)}
        marks={marks.slice(at, at + LINE)}
        mapped={mapped.slice(at, at + LINE)}
        selected={selected}
      />,
    );
  }
  const byteUnder = (event: PointerEvent): bigint | null => {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const at = under?.closest<HTMLElement>("[data-at]")?.dataset.at;
    return at === undefined ? null : start + BigInt(at);
  };
  return (
    <div
      class="bytes"
      onPointerDown={(event) => {
        const byte = byteUnder(event);
        if (byte === null || event.button !== 0) return;
        const { selection } = focus.peek();
        const isExtending = event.shiftKey && selection?.kind === "memory";
        anchor.current = isExtending ? selection.address : byte;
        setDragged(between(anchor.current, byte));
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const byte = byteUnder(event);
        if (anchor.current !== null && byte !== null) setDragged(between(anchor.current, byte));
      }}
      onPointerUp={() => {
        if (dragged !== null) {
          const size = Number(dragged.to - dragged.from);
          go({ selection: { kind: "memory", address: dragged.from, size } });
        }
        anchor.current = null;
        setDragged(null);
      }}
    >
      {lines}
    </div>
  );
}

function Line(props: {
  /** Number of its first byte on the page, by which the pointer finds it. */
  at: number;
  address: bigint;
  bytes: (number | null)[];
  marks: string[];
  mapped: boolean[];
  selected: Range | null;
}) {
  const { at: first, address, bytes, marks, mapped, selected } = props;
  const classOf = (index: number): string => {
    const at = address + BigInt(index);
    const names = ["byte"];
    if (marks[index]) names.push(marks[index] ?? "");
    if (bytes[index] == null) names.push("unknown");
    else if (bytes[index] === 0) names.push("zero");
    if (selected !== null && at >= selected.from && at < selected.to) names.push("chosen");
    return names.join(" ");
  };
  return (
    <div class="hexline">
      <span class="where">{address.toString(16).padStart(10, "0")}</span>
      <span class="hex">
        {bytes.map((byte, index) => (
          <span
            key={index}
            class={classOf(index)}
            data-at={first + index}
            title={
              byte == null
                ? mapped[index]
                  ? "not known: never recorded"
                  : "not mapped"
                : undefined
            }
          >
            {byte == null ? (mapped[index] ? "??" : "··") : byte.toString(16).padStart(2, "0")}
          </span>
        ))}
      </span>
      <span class="ascii">
        {bytes.map((byte, index) => (
          <span key={index} class={classOf(index)} data-at={first + index}>
            {byte !== null && byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "."}
          </span>
        ))}
      </span>
    </div>
  );
}

function selectedRange(): Range | null {
  const { selection } = focus.value;
  if (selection === null || selection.kind === "register") return null;
  const size = selection.kind === "memory" ? selection.size : 1;
  return { from: selection.address, to: selection.address + BigInt(size) };
}

function between(one: bigint, other: bigint): Range {
  return one <= other ? { from: one, to: other + 1n } : { from: other, to: one + 1n };
}

function markedBytes(answer: MemoryAnswer, start: bigint): string[] {
  const marks: string[] = new Array<string>(answer.bytes.length / 2).fill("");
  for (const mark of answer.marks) {
    const from = Number(BigInt(mark.address) - start);
    for (let at = Math.max(from, 0); at < Math.min(from + mark.size, marks.length); at += 1) {
      marks[at] = mark.is_write ? "written" : marks[at] || "read";
    }
  }
  return marks;
}

function mappedBytes(answer: MemoryAnswer, start: bigint, count: number): boolean[] {
  const mapped = new Array<boolean>(count).fill(false);
  for (const part of answer.mapped) {
    mapped.fill(true, Number(BigInt(part.start) - start), Number(BigInt(part.stop) - start));
  }
  return mapped;
}
