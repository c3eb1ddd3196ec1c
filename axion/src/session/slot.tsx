// SPDX-License-Identifier: Apache-2.0
// The sessions' part of the toolbar: which session, who is there, and who leads.
import { computed, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { addCommands } from "../commands";
import { problemOfName } from "./messages";
import {
  colourOf,
  DEFAULT_SESSION,
  elsewhere,
  follow,
  following,
  leading,
  listenTo,
  NOT_SYNCHRONIZED,
  ownName,
  rename,
  sessions,
  setLeading,
  startSessions,
  whereabouts,
} from "./sync";
import "./session.css";

const isOpen = signal(false);

interface Choice {
  name: string;
  title: string;
  listeners: number | null;
}

/** "Not synchronized", the default session, and all others that are known. */
const choices = computed<Choice[]>(() => {
  const known = new Map(sessions.sessions.value.map((one) => [one.name, one.listeners]));
  const listened = sessions.session.value;
  const names = new Set([DEFAULT_SESSION, ...known.keys(), ...(listened ? [listened] : [])]);
  return [
    { name: NOT_SYNCHRONIZED, title: "Not synchronized", listeners: null },
    ...[...names].map((name) => ({
      name,
      title: titleOf(name),
      listeners: known.get(name) ?? 0,
    })),
  ];
});

function titleOf(session: string): string {
  if (session === NOT_SYNCHRONIZED) return "Not synchronized";
  return session === DEFAULT_SESSION ? "Default session" : session;
}

function followNext(): void {
  const ids = (sessions.others.peek() ?? []).map((one) => one.client);
  const next = ids[ids.indexOf(following.peek()) + 1];
  if (next === undefined) following.value = "";
  else follow(next);
}

let started = false;

export function Slot() {
  useEffect(() => {
    if (!started) startSessions();
    started = true;
    return addCommands(
      { id: "session", title: "Choose a session", group: "Sessions", keys: ["y"], run: open },
      {
        id: "session.lead",
        title: "Lead: publish what you select",
        group: "Sessions",
        keys: ["Y"],
        run: () => setLeading(!leading.peek()),
      },
      {
        id: "session.follow",
        title: "Follow the next of who is here, then nobody",
        group: "Sessions",
        keys: ["f"],
        run: followNext,
      },
    );
  }, []);
  const session = sessions.session.value;
  return (
    <fieldset class="sessions" aria-label="Session">
      <Elsewhere />
      {session !== NOT_SYNCHRONIZED && <Others />}
      {session !== NOT_SYNCHRONIZED && sessions.mayPublish.value && (
        <button
          type="button"
          class="tool"
          aria-pressed={leading.value}
          title="Publish what you select to this session (Y)"
          onClick={() => setLeading(!leading.peek())}
        >
          Lead
        </button>
      )}
      <Menu />
    </fieldset>
  );
}

function open(): void {
  isOpen.value = true;
}

function Menu() {
  const [naming, setNaming] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const session = sessions.session.value;
  const isLost = sessions.state.value !== "open";

  function close(): void {
    isOpen.value = false;
    setNaming(false);
    button.current?.focus();
  }

  function choose(name: string): void {
    listenTo(name);
    close();
  }

  useEffect(() => {
    if (!isOpen.value) return;
    const list = root.current?.querySelector<HTMLElement>("[role=menu]");
    const checked = list?.querySelector<HTMLElement>('[aria-checked="true"]');
    checked?.focus({ preventScroll: true });
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) {
        isOpen.value = false;
        setNaming(false);
      }
    };
    window.addEventListener("pointerdown", outside);
    return () => window.removeEventListener("pointerdown", outside);
  }, [isOpen.value]);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const items = [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
      const at = items.indexOf(document.activeElement as HTMLElement);
      items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the menu inside of it
    <div class="menu-root" ref={root} onKeyDown={isOpen.value ? onKeyDown : undefined}>
      <button
        ref={button}
        type="button"
        class="tool session-button"
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        title={isLost ? "The server does not answer" : "Session (y)"}
        onClick={() => {
          if (isOpen.value) close();
          else open();
        }}
      >
        <span class={`dot ${session === NOT_SYNCHRONIZED ? "" : isLost ? "lost" : "on"}`} />
        {titleOf(session)}
        <span class="dim"> ▾</span>
      </button>
      {isOpen.value && (
        <div class="menu" role="menu" aria-label="Session" style={below(button.current)}>
          {choices.value.map((choice) => (
            <button
              key={choice.name}
              type="button"
              role="menuitemradio"
              aria-checked={choice.name === session}
              onClick={() => choose(choice.name)}
            >
              <span class="check">{choice.name === session ? "✓" : ""}</span>
              <span class="title">{choice.title}</span>
              {choice.listeners !== null && (
                <span
                  class="dim"
                  role="note"
                  aria-label={`${choice.listeners} listen`}
                  title={`${choice.listeners} listen`}
                >
                  {choice.listeners}
                </span>
              )}
            </button>
          ))}
          <hr />
          {naming ? (
            <NewSession onDone={choose} />
          ) : (
            <button type="button" role="menuitem" onClick={() => setNaming(true)}>
              <span class="check" />
              <span class="title">New session…</span>
            </button>
          )}
          <hr />
          <OwnName />
        </div>
      )}
    </div>
  );
}

/** Where a menu hangs below its button: the toolbar would cut it off. */
function below(element: HTMLElement | null): Record<string, string> {
  if (!element) return {};
  const { bottom, right } = element.getBoundingClientRect();
  return { top: `${bottom + 4}px`, right: `${window.innerWidth - right}px` };
}

function NewSession(props: { onDone: (name: string) => void }) {
  const [problem, setProblem] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const name = (input.current?.value ?? "").normalize("NFC").trim();
        const wrong = problemOfName(name, sessions.limits.peek()?.session_name ?? Infinity);
        setProblem(wrong);
        if (!wrong) props.onDone(name);
      }}
    >
      <input
        ref={input}
        aria-label="Name of the new session"
        aria-invalid={problem !== ""}
        placeholder="Name of the session"
        autocomplete="off"
        onInput={() => setProblem("")}
      />
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

function OwnName() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <form
      class="own-name"
      onSubmit={(event) => {
        event.preventDefault();
        rename(input.current?.value ?? "");
      }}
    >
      <label>
        <span>Your name</span>
        <input ref={input} autocomplete="off" maxLength={100} defaultValue={ownName.value} />
      </label>
    </form>
  );
}

const KINDS: Record<string, string> = {
  python: "Python",
  cli: "terminal",
  axion: "Axion",
  notebook: "notebook",
  bridge: "tool",
};
const SHOWN = 6;

function Others() {
  const others = sessions.others.value ?? [];
  if (others.length === 0) return null;
  return (
    <fieldset class="others" aria-label="Who is here">
      {others.slice(0, SHOWN).map((one) => {
        const name = one.name || KINDS[one.kind] || one.kind;
        const where = whereabouts(one.selection);
        const isFollowed = following.value === one.client;
        return (
          <button
            key={one.client}
            type="button"
            class="person"
            style={{ "--person": colourOf(one.client) }}
            aria-pressed={isFollowed}
            aria-label={`${isFollowed ? "Stop following" : "Follow"} ${name}`}
            title={`${name} (${KINDS[one.kind]})${where ? ` at ${where}` : ""}\n${
              isFollowed ? "Followed, until you move" : "Click to follow"
            }`}
            onClick={() => {
              if (isFollowed) following.value = "";
              else follow(one.client);
            }}
          >
            {initials(name)}
          </button>
        );
      })}
      {others.length > SHOWN && <span class="dim">+{others.length - SHOWN}</span>}
    </fieldset>
  );
}

function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? words.map((word) => [...word][0]) : [...name];
  return letters.slice(0, 2).join("").toUpperCase();
}

function Elsewhere() {
  const there = elsewhere.value;
  if (!there) return null;
  const dismiss = () => {
    elsewhere.value = null;
  };
  return (
    <div class="elsewhere" role="status">
      <span>{there.text}</span>
      <button
        type="button"
        class="tool"
        onClick={() => {
          dismiss();
          there.go();
        }}
      >
        Go there
      </button>
      <button type="button" class="tool" aria-label="Dismiss" onClick={dismiss}>
        ✕
      </button>
    </div>
  );
}
