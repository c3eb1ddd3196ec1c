// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import { type Command, commands } from "../commands";
import { Dialog } from "./dialog";

const isOpen = signal(false);

export function openShortcuts(): void {
  isOpen.value = true;
}

const GROUPS: Command["group"][] = ["Move", "Look", "Bookmarks", "Sessions", "Panels", "Other"];

/** Keys that panels take themselves, while they have the keyboard. */
const IN_LISTS = [
  ["↑ ↓ PgUp PgDn", "Move in a list or hexdump"],
  ["Home End", "First and last"],
  ["Enter", "Go there"],
] as const;

export function Shortcuts() {
  if (!isOpen.value) return null;
  const close = () => {
    isOpen.value = false;
  };
  return (
    <Dialog label="Shortcuts" class="shortcuts" onClose={close}>
      <h2>Shortcuts</h2>
      <div class="columns">
        {GROUPS.map((group) => {
          const some = commands.value.filter((each) => each.group === group && each.keys?.length);
          return some.length === 0 ? null : (
            <section key={group}>
              <h3>{group}</h3>
              <dl>
                {some.map((command) => (
                  <div key={command.id}>
                    <dt>
                      {command.keys?.map((key) => (
                        <kbd key={key}>{key}</kbd>
                      ))}
                    </dt>
                    <dd>{command.title}</dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
        <section>
          <h3>In a panel</h3>
          <dl>
            {IN_LISTS.map(([keys, title]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{title}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      <button type="button" class="tool" onClick={close}>
        Close
      </button>
    </Dialog>
  );
}
