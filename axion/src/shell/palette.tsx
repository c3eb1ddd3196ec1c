// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { KnownName } from "../api/types";
import { view } from "../api/views";
import { commands } from "../commands";
import { focus } from "../focus";
import { jump } from "../moves";
import { Dialog } from "./dialog";

const isOpen = signal(false);

export function openPalette(): void {
  isOpen.value = true;
}

interface Choice {
  key: string;
  title: string;
  detail: string;
  run: () => void;
}

export function Palette() {
  return isOpen.value ? <OpenPalette /> : null;
}

function OpenPalette() {
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const names = useNames(typed);
  const choices = [...commandsFor(typed), ...placesFor(typed, names)].slice(0, 40);
  const list = useRef<HTMLDivElement>(null);
  const close = () => {
    isOpen.value = false;
  };
  const chosen = Math.min(active, choices.length - 1);
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    close();
    choice.run();
  };
  return (
    <Dialog label="Commands" class="palette" onClose={close}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={choices[chosen] ? `palette-${chosen}` : undefined}
        aria-label="Command, symbol or address"
        placeholder="Command, symbol, #n, n%, address"
        spellcheck={false}
        autocomplete="off"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setActive(Math.min(chosen + 1, choices.length - 1));
          else if (event.key === "ArrowUp") setActive(Math.max(chosen - 1, 0));
          else if (event.key === "Enter") choose(choices[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="palette-list" class="choices" role="listbox" aria-label="Choices" ref={list}>
        {choices.map((choice, index) => (
          <div
            key={choice.key}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onClick={() => choose(choice)}
          >
            <span>{choice.title}</span>
            <small>{choice.detail}</small>
          </div>
        ))}
      </div>
      {choices.length === 0 && (
        <p class="empty" role="status">
          No command, function or variable has this in its name.
        </p>
      )}
    </Dialog>
  );
}

function useNames(typed: string): KnownName[] {
  const [names, setNames] = useState<KnownName[]>([]);
  useEffect(() => {
    setNames([]);
    if (typed.trim().length < 2) return;
    const aborting = new AbortController();
    const timer = setTimeout(() => {
      const wanted = { text: typed.trim(), limit: 20, kind: "" as const };
      view(focus.peek().scenario, "names", wanted, { abort: aborting.signal, ahead: true }).then(
        (answer) => setNames(answer.names),
        () => {},
      );
    }, 60);
    return () => {
      clearTimeout(timer);
      aborting.abort();
    };
  }, [typed]);
  return names;
}

function commandsFor(typed: string): Choice[] {
  const words = typed.toLowerCase().split(/\s+/);
  const isExact = ({ title }: { title: string }) => title.toLowerCase() === words.join(" ");
  return commands.value
    .filter((command) => words.every((word) => command.title.toLowerCase().includes(word)))
    .sort((one, other) => Number(isExact(other)) - Number(isExact(one)))
    .map((command) => ({
      key: command.id,
      title: command.title,
      detail: command.keys?.join("  ") ?? "",
      run: command.run,
    }));
}

function placesFor(typed: string, names: KnownName[]): Choice[] {
  const places = names.map((name) => ({
    key: `${name.binary}!${name.name}`,
    title: name.name,
    detail: `${name.kind} · ${name.binary}`,
    run: () => void jump(`${name.binary}!${name.name}`),
  }));
  if (/^\s*#?\d|[%+[:]|^0x/.test(typed)) {
    places.unshift({
      key: "jump",
      title: `Jump to ${typed.trim()}`,
      detail: "",
      run: () => void jump(typed),
    });
  }
  return places;
}
