// SPDX-License-Identifier: Apache-2.0
// What can be done with what is under the pointer, or selected: ask about it, or copy it.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { view } from "../api/views";
import { addCommands, commands } from "../commands";
import { type Copy, copiesOf, MOST_BYTES } from "../copies";
import { contextOf, type Focus, focus, go } from "../focus";
import { hashOf } from "../route";
import { openPanels } from "../states";
import { hexadecimal } from "../ui/format";
import { say } from "../ui/toast";
import { selectWord } from "../ui/tokens";
import { Dialog } from "./dialog";

const PREVIEW = 60;
/** Of the selection, these are asked about from here. */
const QUESTIONS = ["origin.ask", "write.previous", "write.next", "data.previous", "data.next"];

const opened = signal<{ left: number; top: number } | null>(null);

export function Menu() {
  return opened.value ? <OpenMenu at={opened.value} /> : null;
}

interface Choice {
  key: string;
  title: string;
  detail: string;
  run: () => void;
}

function OpenMenu({ at }: { at: { left: number; top: number } }) {
  const [active, setActive] = useState(0);
  const [held, setHeld] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const here = focus.value;
  useEffect(() => {
    let isWanted = true;
    void heldBy(here).then((value) => isWanted && setHeld(value));
    return () => {
      isWanted = false;
    };
  }, [here]);
  const copies = copiesOf(here, held, linkTo(here));
  const choices: Choice[] = [
    ...copies.map((copy) => ({
      key: copy.id,
      title: `Copy ${copy.title}`,
      detail: copy.text.length > PREVIEW ? `${copy.text.slice(0, PREVIEW)}…` : copy.text,
      run: () => void put(copy),
    })),
    ...(here.selection && here.selection.kind !== "symbol" ? questions() : []),
  ];
  const chosen = Math.min(active, choices.length - 1);
  const close = () => {
    opened.value = null;
  };
  const choose = (choice: Choice | undefined) => {
    close();
    choice?.run();
  };
  useLayoutEffect(() => {
    const box = list.current?.closest("dialog");
    if (!box) return;
    // Within the window, wherever the pointer is.
    box.style.left = `${Math.max(0, Math.min(at.left, window.innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${Math.max(0, Math.min(at.top, window.innerHeight - box.offsetHeight - 8))}px`;
    list.current?.focus();
  }, [choices.length]);
  return (
    <Dialog label="What to do with the selection" class="palette menu" onClose={close}>
      <div
        class="choices"
        role="listbox"
        aria-label="Choices"
        aria-activedescendant={`menu-${chosen}`}
        tabIndex={0}
        ref={list}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setActive(Math.min(chosen + 1, choices.length - 1));
          else if (event.key === "ArrowUp") setActive(Math.max(chosen - 1, 0));
          else if (event.key === "Enter") choose(choices[chosen]);
          else return;
          event.preventDefault();
        }}
      >
        {choices.map((choice, index) => (
          <div
            key={choice.key}
            id={`menu-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onMouseEnter={() => setActive(index)}
            onClick={() => choose(choice)}
          >
            <span>{choice.title}</span>
            <small>{choice.detail}</small>
          </div>
        ))}
      </div>
    </Dialog>
  );
}

function questions(): Choice[] {
  return QUESTIONS.flatMap((id) => commands.peek().filter((command) => command.id === id)).map(
    ({ id, title, keys, run }) => ({ key: id, title, detail: keys?.[0] ?? "", run }),
  );
}

function linkTo(at: Focus): string {
  return `${window.location.origin}/${hashOf(at, openPanels.peek())}`;
}

/** What the selection holds at the focus, as `copiesOf` takes it. */
async function heldBy(at: Focus): Promise<string> {
  const { selection, transition, side, thread } = at;
  try {
    if (selection?.kind === "register") {
      const all = await view(at.scenario, "registers", { transition, side, thread });
      const rows = [...all.general, ...all.flags, ...all.vectors, ...all.others];
      return rows.find((row) => row.name === selection.name)?.[side] ?? "";
    }
    if (selection) {
      const size = selection.kind === "memory" ? Math.min(selection.size, MOST_BYTES) : 1;
      // An answer begins with the line of the address.
      const offset = Number(selection.address % 16n);
      const answer = await view(at.scenario, "memory", {
        context: contextOf(at),
        transition,
        expression: hexadecimal(selection.address),
        offset: 0,
        size: offset + size,
        thread,
      });
      return answer.bytes.slice(2 * offset, 2 * (offset + size));
    }
  } catch {
    // Unknown here: what needs no value can be copied all the same.
  }
  return "";
}

async function put(copy: Copy): Promise<void> {
  try {
    await navigator.clipboard.writeText(copy.text);
    say(`Copied: ${copy.text.length > PREVIEW ? `${copy.text.slice(0, PREVIEW)}…` : copy.text}`);
  } catch {
    say("The browser does not let this page copy: it is no https or localhost address.");
  }
}

/** Copy what the selection holds, as it is pasted most. */
async function copySelection(): Promise<void> {
  const at = focus.peek();
  const [first] = copiesOf(at, await heldBy(at), linkTo(at));
  if (first) await put(first);
}

function openAt(left: number, top: number): void {
  opened.value = { left, top };
}

/** The menu and Ctrl+C, everywhere in the window. Text that was marked is copied by the browser. */
export function startMenu(): void {
  addCommands({
    id: "copy.menu",
    title: "Copy, or ask about, the selection",
    group: "Look",
    keys: ["c"],
    run: () => {
      const box = document.activeElement?.getBoundingClientRect();
      openAt(box ? box.left + 40 : 200, box ? box.top + 40 : 200);
    },
  });
  window.addEventListener("contextmenu", (event) => {
    const target = event.target as HTMLElement;
    if (isOfTheBrowser(target) || !target.closest(".panel")) return;
    event.preventDefault();
    // A part of what is selected means the whole.
    if (!target.closest(".chosen")) {
      const row = target.closest<HTMLElement>("[data-transition]");
      if (!selectWord(event) && row) go({ transition: Number(row.dataset.transition) });
    }
    openAt(event.clientX, event.clientY);
  });
  window.addEventListener("copy", (event) => {
    if (isOfTheBrowser(event.target as HTMLElement)) return;
    event.preventDefault();
    void copySelection();
  });
}

/** Whether the browser's own menu and copying are meant: in fields, and where text is marked. */
function isOfTheBrowser(target: HTMLElement): boolean {
  return (
    !target.closest ||
    target.closest("input, textarea, select, dialog") !== null ||
    !window.getSelection()?.isCollapsed
  );
}
