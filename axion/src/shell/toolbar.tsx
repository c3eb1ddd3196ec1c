// SPDX-License-Identifier: Apache-2.0
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { server } from "../api/client";
import { addCommands, commands } from "../commands";
import { focus, go, total } from "../focus";
import { jump } from "../moves";
import { open } from "../scenario";
import { openPalette } from "./palette";
import { openShortcuts } from "./shortcuts";

// The sessions' part of the toolbar: session/slot.tsx, with a `Slot`.
const slots = Object.values(
  import.meta.glob<{ Slot: ComponentType }>("../session/slot.tsx", { eager: true }),
).map((module) => module.Slot);

function press(id: string): void {
  commands
    .peek()
    .find((command) => command.id === id)
    ?.run();
}

function Button(props: { command: string; label: string; text: string }) {
  const command = commands.value.find((known) => known.id === props.command);
  const keys = command?.keys?.[0];
  return (
    <button
      type="button"
      class="tool"
      aria-label={props.label}
      title={keys ? `${props.label} (${keys})` : props.label}
      disabled={!command}
      onClick={() => press(props.command)}
    >
      {props.text}
    </button>
  );
}

export function Toolbar() {
  const input = useRef<HTMLInputElement>(null);
  useEffect(
    () =>
      addCommands({
        id: "jump",
        title: "Jump to #, %, symbol or address",
        group: "Move",
        keys: ["g", "Ctrl+G"],
        run: () => input.current?.select(),
      }),
    [],
  );
  const names = server.value?.scenarios ?? [];
  const { transition, side } = focus.value;
  const share = total.value > 1 ? (100 * transition) / (total.value - 1) : 0;
  return (
    <header class="toolbar">
      <span class="brand" aria-hidden="true">
        axion
      </span>
      <select
        aria-label="Scenario"
        value={focus.value.scenario}
        onChange={(event) =>
          void open({ focus: { scenario: event.currentTarget.value }, expression: null }, "user")
        }
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <div class="group">
        <Button command="history.back" label="Back" text="←" />
        <Button command="history.forward" label="Forward" text="→" />
      </div>
      <form
        class="jump"
        onSubmit={(event) => {
          event.preventDefault();
          const field = input.current;
          if (!field?.value.trim()) return;
          void jump(field.value).then((isDone) => {
            if (!isDone) return;
            field.value = "";
            field.blur();
          });
        }}
      >
        <input
          ref={input}
          aria-label="Jump to a transition, a share of the trace, a symbol or an address"
          placeholder="Jump: #n  n%  symbol  address"
          spellcheck={false}
          autocomplete="off"
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </form>
      <div class="group">
        <Button command="out.back" label="Step out backward, to the call" text="⇤" />
        <Button command="over.back" label="Step over backward" text="↶" />
        <Button command="step.back" label="Step backward" text="◂" />
        <Button command="step.into" label="Step forward" text="▸" />
        <Button command="over" label="Step over" text="↷" />
        <Button command="out" label="Step out" text="⇥" />
      </div>
      <div class="group">
        <Button command="run.previous" label="Previous run of this instruction" text="⟨⟲" />
        <Button command="run.next" label="Next run of this instruction" text="⟳⟩" />
      </div>
      <div class="group" role="radiogroup" aria-label="Moment">
        {(["before", "after"] as const).map((each) => (
          <button
            key={each}
            type="button"
            class="tool"
            role="radio"
            aria-checked={side === each}
            title={`State ${each} the transition (s)`}
            onClick={() => go({ side: each })}
          >
            {each}
          </button>
        ))}
      </div>
      <div
        class="position"
        role="group"
        aria-label="Position"
        title={`of ${total.value.toLocaleString("en")}`}
      >
        <b>#{transition.toLocaleString("en")}</b>
        <span>{share.toFixed(share > 0 && share < 0.1 ? 3 : 1)} %</span>
      </div>
      <span class="spring" />
      {slots.map((Slot, index) => (
        <Slot key={index} />
      ))}
      <div class="group">
        <button
          type="button"
          class="tool"
          title="Commands (Ctrl+K)"
          aria-label="Commands"
          onClick={openPalette}
        >
          ⌘
        </button>
        <button
          type="button"
          class="tool"
          title="Shortcuts (?)"
          aria-label="Shortcuts"
          onClick={openShortcuts}
        >
          ?
        </button>
        <Button command="theme" label="Dark or light" text="◐" />
      </div>
    </header>
  );
}
