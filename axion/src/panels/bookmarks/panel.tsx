// SPDX-License-Identifier: Apache-2.0
import { useLayoutEffect, useRef } from "preact/hooks";
import type { BookmarkData } from "../../api/types";
import { addCommands } from "../../commands";
import { focus, go } from "../../focus";
import { focusPanel, showPanel } from "../../shell/dock";
import { numbered } from "../../ui/format";
import type { Panel } from "../registry";
import { add, bookmarks, edit, editing, goNext, remove } from "./store";
import "./bookmarks.css";

function Bookmarks() {
  const { transition } = focus.value;
  const all = bookmarks.value;
  const list = useRef<HTMLUListElement>(null);
  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const places = [...(list.current?.querySelectorAll<HTMLElement>(".place") ?? [])];
    const at = places.indexOf(document.activeElement as HTMLElement);
    if (at === -1) return;
    places[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <div class="bar">
        <button type="button" class="tool" title="Bookmark this transition (b)" onClick={addHere}>
          + Bookmark {numbered(transition)}
        </button>
        <span class="spring" />
        <span class="dim">{all.length || ""}</span>
      </div>
      {all.length === 0 && editing.value === null && (
        <p class="empty">
          No bookmarks yet. <kbd>b</kbd> bookmarks the selected transition; everybody who has this
          trace open sees it.
        </p>
      )}
      <ul class="scroll bookmarks" aria-label="Bookmarks" ref={list} onKeyDown={move}>
        {editing.value === "new" && (
          <Note
            transition={transition}
            text=""
            onDone={(text) => {
              if (text !== null) void add(transition, text);
            }}
          />
        )}
        {all.map((bookmark, index) => (
          <Bookmark
            key={bookmark.id}
            bookmark={bookmark}
            isHere={bookmark.transition === transition}
            isFirst={index === 0}
          />
        ))}
      </ul>
    </>
  );
}

function Bookmark(props: { bookmark: BookmarkData; isHere: boolean; isFirst: boolean }) {
  const { bookmark, isHere } = props;
  if (editing.value === bookmark.id)
    return (
      <Note
        transition={bookmark.transition}
        text={bookmark.description}
        onDone={(text) => {
          if (text !== null) void edit(bookmark, text);
        }}
      />
    );
  return (
    <li class="bookmark" aria-current={isHere ? "location" : undefined}>
      <button
        type="button"
        class="place"
        data-keyboard={props.isFirst ? "" : undefined}
        title={bookmark.description}
        onClick={() => go({ transition: bookmark.transition, side: "before" })}
        onKeyDown={(event) => {
          if (event.key === "Delete") void remove(bookmark);
          else if (event.key === "F2") editing.value = bookmark.id;
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        <span class="dim id">{numbered(bookmark.transition)}</span>
        <span class="note">{bookmark.description}</span>
      </button>
      <button
        type="button"
        class="tool"
        aria-label={`Edit the note of ${numbered(bookmark.transition)}`}
        title="Edit the note (F2)"
        onClick={() => {
          editing.value = bookmark.id;
        }}
      >
        ✎
      </button>
      <button
        type="button"
        class="tool"
        aria-label={`Remove the bookmark of ${numbered(bookmark.transition)}`}
        title="Remove (Delete)"
        onClick={() => void remove(bookmark)}
      >
        ✕
      </button>
    </li>
  );
}

function Note(props: { transition: number; text: string; onDone: (text: string | null) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.select(), []);
  const end = (isKept: boolean) => {
    editing.value = null;
    props.onDone(isKept ? (input.current?.value ?? "").trim() : null);
    focusPanel("bookmarks");
  };
  return (
    <li class="bookmark">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          end(true);
        }}
      >
        <span class="dim id">{numbered(props.transition)}</span>
        <input
          ref={input}
          data-keyboard
          aria-label={`Note of ${numbered(props.transition)}`}
          placeholder="Note, then Enter"
          autocomplete="off"
          defaultValue={props.text}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            end(false);
          }}
        />
        <button type="submit" class="tool primary">
          Save
        </button>
      </form>
    </li>
  );
}

function addHere(): void {
  editing.value = "new";
  showPanel("bookmarks");
}

addCommands(
  {
    id: "bookmark.add",
    title: "Bookmark this transition",
    group: "Bookmarks",
    keys: ["b"],
    run: addHere,
  },
  {
    id: "bookmark.next",
    title: "Next bookmark",
    group: "Bookmarks",
    keys: ["n"],
    run: () => goNext(true),
  },
  {
    id: "bookmark.previous",
    title: "Previous bookmark",
    group: "Bookmarks",
    keys: ["N"],
    run: () => goNext(false),
  },
);

export const panel: Panel = {
  id: "bookmarks",
  title: "Bookmarks",
  component: Bookmarks,
  place: "far",
  order: 1,
};
