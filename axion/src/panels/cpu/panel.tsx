// SPDX-License-Identifier: Apache-2.0
import type { RegisterChange } from "../../api/types";
import { useView } from "../../api/views";
import { go } from "../../focus";
import { registerChange } from "../../moves";
import { scenario } from "../../scenario";
import { digits } from "../../ui/format";
import { isLitAddress, isLitRegister, selectWord } from "../../ui/tokens";
import { definePanel, keptAlways, type Self } from "../panel";
import { LANES, type Lanes, lanesOf } from "./lanes";
import { Pointees } from "./pointees";
import "./cpu.css";

const FLAG_TITLES: Record<string, string> = {
  cf: "Carry",
  pf: "Parity",
  af: "Auxiliary carry",
  zf: "Zero",
  sf: "Sign",
  df: "Direction",
  of: "Overflow",
};

/** `lanes`: how vector registers are read; empty while they are folded. */
type CpuSelf = Self<"lanes">;

const USUAL_LANES: Lanes = "u64";

function CpuPanel({ self }: { self: CpuSelf }) {
  const { scenario: name, transition, side, thread, selection } = self.focus.value;
  const shown = useView(name, "registers", { transition, side, thread });
  const kept = self.kept.lanes;
  const isOpen = kept.value !== "";
  const lanes = LANES.find((kind) => kind === kept.value) ?? USUAL_LANES;
  const { answer } = shown;
  if (shown.error) {
    return (
      <>
        <Threads self={self} running={null} />
        <p class="problem">{shown.error}</p>
      </>
    );
  }
  if (!answer) return null;
  const rows = [...answer.general, ...answer.others];
  const selected = selection?.kind === "register" ? selection.name : "";
  return (
    <div
      class="scroll cpu"
      role="listbox"
      aria-label="Registers"
      aria-activedescendant={selected ? self.element(selected) : undefined}
      tabIndex={0}
      data-keyboard
      onKeyDown={(event) => {
        const { key } = event;
        if (event.ctrlKey || event.altKey || (event.target as HTMLElement).tagName === "SELECT")
          return;
        const order = [...answer.flags, ...rows, ...(isOpen ? answer.vectors : [])];
        const at = order.findIndex((row) => row.name === selected);
        if (key === "ArrowDown" || key === "ArrowUp") {
          const next =
            order[Math.min(Math.max(at + (key === "ArrowDown" ? 1 : -1), 0), order.length - 1)];
          if (next) go({ selection: { kind: "register", name: next.name } });
        } else if (key === "Enter" && selected) {
          const row = order[at];
          if (row && row.pointees.length > 0) {
            const address = BigInt(side === "before" ? row.before : row.after);
            go({ selection: { kind: "memory", address, size: 8 } });
          }
        } else if ((key === "ArrowLeft" || key === "ArrowRight") && selected) {
          registerChange(selected, key === "ArrowRight", transition);
        } else return;
        event.preventDefault();
      }}
      onClick={(event) => {
        if ((event.target as HTMLElement).closest("button, select")) return;
        selectWord(event);
      }}
    >
      <Threads self={self} running={answer.thread_before} />
      <div class="flags">
        {answer.flags.map((flag) => (
          <Flag key={flag.name} self={self} flag={flag} isAfter={side === "after"} />
        ))}
        {answer.thread_before !== answer.thread_after && (
          <span class="changed">
            thread {answer.thread_before} → {answer.thread_after}
          </span>
        )}
      </div>
      {rows.map((row) => (
        <Register key={row.name} self={self} row={row} isAfter={side === "after"} />
      ))}
      <div class="more">
        <button
          type="button"
          class="link"
          aria-expanded={isOpen}
          onClick={() => {
            kept.value = isOpen ? "" : USUAL_LANES;
          }}
        >
          {isOpen ? "▾" : "▸"} Vector registers
        </button>
        {isOpen && (
          <select
            aria-label="Lanes"
            value={lanes}
            onChange={(event) => {
              kept.value = event.currentTarget.value;
            }}
          >
            {LANES.map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        )}
      </div>
      {isOpen &&
        answer.vectors.map((row) => (
          <Vector key={row.name} self={self} row={row} isAfter={side === "after"} lanes={lanes} />
        ))}
    </div>
  );
}

/** Whose registers are shown, where there is a choice. */
function Threads({ self, running }: { self: CpuSelf; running: number | null }) {
  const threads = scenario.value?.threads ?? [];
  if (threads.length < 2) return null;
  return (
    <div class="more">
      <select
        aria-label="Thread"
        value={self.focus.value.thread ?? ""}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          self.lookAt(chosen ? Number(chosen) : null);
        }}
      >
        <option value="">thread {running ?? ""} (that runs)</option>
        {threads.map(({ id }) => (
          <option key={id} value={id}>
            thread {id}
          </option>
        ))}
      </select>
    </div>
  );
}

function Flag(props: { self: CpuSelf; flag: RegisterChange; isAfter: boolean }) {
  const { self, flag, isAfter } = props;
  const value = Number(isAfter ? flag.after : flag.before);
  const isChanged = flag.before !== flag.after;
  const title = FLAG_TITLES[flag.name] ?? flag.name;
  return (
    <span
      id={self.element(flag.name)}
      role="option"
      aria-selected={isLitRegister(flag.name)}
      aria-label={`${title} flag ${value}`}
      class={`flag ${value ? "set" : ""} ${isChanged ? "changed" : ""} ${isLitRegister(flag.name) ? "lit" : ""}`}
      data-register={flag.name}
      title={
        isChanged
          ? `${title}: ${Number(flag.before)} → ${Number(flag.after)}`
          : `${title}: ${value}`
      }
    >
      {flag.name}
      <b>{value}</b>
    </span>
  );
}

function Register(props: { self: CpuSelf; row: RegisterChange; isAfter: boolean }) {
  const { self, row, isAfter } = props;
  const isChanged = row.before !== row.after;
  const value = isAfter ? row.after : row.before;
  return (
    <div
      class="row register"
      id={self.element(row.name)}
      role="option"
      aria-selected={isLitRegister(row.name)}
      data-register={row.name}
    >
      <span class="name">{row.name}</span>
      <Values row={row} isChanged={isChanged} isAfter={isAfter} />
      <Pointees pointees={row.pointees} value={value} />
      <Arrows self={self} name={row.name} />
    </div>
  );
}

function Values({
  row,
  isChanged,
  isAfter,
}: {
  row: RegisterChange;
  isChanged: boolean;
  isAfter: boolean;
}) {
  const value = (text: string, kind: string) => (
    <span class={`${kind} ${isLitAddress(text) ? "lit" : ""}`} data-address={text} data-size="8">
      {digits(text)}
    </span>
  );
  if (!isChanged) return <span class="value">{value(row.before, "")}</span>;
  return (
    <span class="value">
      {value(row.before, isAfter ? "dim" : "")}
      <span class="dim"> → </span>
      {value(row.after, "changed")}
    </span>
  );
}

function Arrows({ self, name }: { self: CpuSelf; name: string }) {
  const { transition } = self.focus.value;
  return (
    <span class="arrows">
      <button
        type="button"
        class="link"
        tabIndex={-1}
        aria-label={`Previous change of ${name}`}
        title={`Previous change of ${name} (←)`}
        onClick={() => registerChange(name, false, transition)}
      >
        ◂
      </button>
      <button
        type="button"
        class="link"
        tabIndex={-1}
        aria-label={`Next change of ${name}`}
        title={`Next change of ${name} (→)`}
        onClick={() => registerChange(name, true, transition)}
      >
        ▸
      </button>
    </span>
  );
}

function Vector(props: { self: CpuSelf; row: RegisterChange; isAfter: boolean; lanes: Lanes }) {
  const { self, row, isAfter, lanes } = props;
  const before = lanesOf(row.before, lanes);
  const after = lanesOf(row.after, lanes);
  return (
    <div
      class="row register vector"
      id={self.element(row.name)}
      role="option"
      aria-selected={isLitRegister(row.name)}
      data-register={row.name}
    >
      <span class="name">{row.name}</span>
      <span class="lanes">
        {(isAfter ? after : before).map((lane, index) => (
          <span
            key={index}
            class={before[index] === after[index] ? (/^0*$/.test(lane) ? "dim" : "") : "changed"}
            title={
              before[index] === after[index]
                ? `lane ${index}`
                : `lane ${index}: ${before[index]} → ${after[index]}`
            }
          >
            {lane}
          </span>
        ))}
      </span>
      <Arrows self={self} name={row.name} />
    </div>
  );
}

export const panel = definePanel({
  id: "cpu",
  title: "CPU",
  place: "side",
  many: true,
  holds: true,
  keeps: { lanes: keptAlways("") },
  open: (self) => ({ content: () => <CpuPanel self={self} /> }),
});
