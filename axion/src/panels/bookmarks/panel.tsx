// SPDX-License-Identifier: Apache-2.0
import { type Signal, signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { BookmarkData } from "../../api/types";
import { addCommands } from "../../commands";
import { focus, go } from "../../focus";
import { numbered } from "../../ui/format";
import { Rows } from "../../ui/rows";
import { focusElement, focusPanel } from "../keyboard";
import { definePanel, type Self } from "../panel";
import { add, bookmarks, edit, goNext, remove } from "./store";
import "./bookmarks.css";

const ROW = 24;

/** Whose note is being written: the id of a bookmark, or "new" for one at the focus. */
type Editing = Signal<number | "new" | null>;

interface Props {
  self: Self;
  editing: Editing;
}

function Bookmarks({ self, editing }: Props) {
  const { transition } = focus.value;
  const all = bookmarks.value;
  // The row that the keyboard went to.
  const [active, setActive] = useState<number | null>(null);
  const isNew = editing.value === "new";
  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const { index } = (event.target as HTMLElement).dataset;
    if (index === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const to = Number(index) + (event.key === "ArrowDown" ? 1 : -1);
    if (to < 0 || to >= all.length) return;
    setActive(to);
    focusElement(self.element(to));
  };
  return (
    <>
      <div class="bar">
        <button
          type="button"
          class="tool"
          title="Bookmark this transition (b)"
          onClick={() => {
            editing.value = "new";
          }}
        >
          + Bookmark {numbered(transition)}
        </button>
        <span class="spring" />
        <span class="dim">{all.length || ""}</span>
      </div>
      {all.length === 0 && !isNew && (
        <p class="empty">
          No bookmarks yet. <kbd>b</kbd> bookmarks the selected transition; everybody who has this
          trace open sees it.
        </p>
      )}
      {isNew && (
        <Note
          self={self}
          editing={editing}
          transition={transition}
          text=""
          onDone={(text) => {
            if (text !== null) void add(transition, text);
          }}
        />
      )}
      <Rows
        count={all.length}
        row={ROW}
        at={active}
        when={[active]}
        class="bookmarks"
        role="list"
        aria-label="Bookmarks"
        onKeyDown={move}
      >
        {(first, stop) =>
          all
            .slice(first, stop)
            .map((bookmark, index) => (
              <Bookmark
                key={bookmark.id}
                self={self}
                editing={editing}
                bookmark={bookmark}
                index={first + index}
                isHere={bookmark.transition === transition}
              />
            ))
        }
      </Rows>
    </>
  );
}

function Bookmark(
  props: Props & {
    bookmark: BookmarkData;
    index: number;
    isHere: boolean;
  },
) {
  const { self, editing, bookmark, index, isHere } = props;
  if (editing.value === bookmark.id)
    return (
      <Note
        self={self}
        editing={editing}
        transition={bookmark.transition}
        text={bookmark.description}
        onDone={(text) => {
          if (text !== null) void edit(bookmark, text);
        }}
      />
    );
  return (
    <div class="bookmark" role="listitem" aria-current={isHere ? "location" : undefined}>
      <button
        type="button"
        class="place"
        id={self.element(index)}
        data-index={index}
        data-keyboard={index === 0 ? "" : undefined}
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
    </div>
  );
}

function Note(
  props: Props & { transition: number; text: string; onDone: (text: string | null) => void },
) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.select(), []);
  const end = (isKept: boolean) => {
    props.editing.value = null;
    props.onDone(isKept ? (input.current?.value ?? "").trim() : null);
    focusPanel(props.self.id);
  };
  return (
    <div class="bookmark" role="listitem">
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
    </div>
  );
}

addCommands(
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

export const panel = definePanel({
  id: "bookmarks",
  title: "Bookmarks",
  place: "far",
  order: 1,
  open: (self) => {
    const editing: Editing = signal(null);
    return { content: () => <Bookmarks self={self} editing={editing} />, editing };
  },
  commands: [
    {
      id: "bookmark.add",
      title: "Bookmark this transition",
      group: "Bookmarks",
      keys: ["b"],
      shows: true,
      run: ({ editing }) => {
        editing.value = "new";
      },
    },
  ],
});
