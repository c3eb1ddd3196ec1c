// SPDX-License-Identifier: Apache-2.0
import { addCommands } from "../../commands";
import { stepTo } from "../../moves";
import { definePanel, keptAlways, type Self } from "../panel";
import { useStack } from "./current";
import { Stack } from "./stack";
import { Opened, Tree } from "./tree";
import "./calls.css";

function Calls({ self, opened }: { self: Self<"shown">; opened: Opened }) {
  const shown = self.kept.shown.value === "tree" ? "tree" : "stack";
  const stack = useStack(self);
  const depth = stack.answer?.depth;
  return (
    <>
      <div class="bar">
        {(["stack", "tree"] as const).map((each) => (
          <button
            key={each}
            type="button"
            class="tool"
            aria-pressed={shown === each}
            onClick={() => {
              self.kept.shown.value = each;
            }}
          >
            {each === "stack" ? "Stack" : "Tree"}
          </button>
        ))}
        <span class="spring" />
        {depth !== undefined && <span class="dim">{depth} deep</span>}
      </div>
      {shown === "stack" ? (
        <Stack shown={stack} at={self.focus.value.transition} />
      ) : (
        <Tree self={self} opened={opened} />
      )}
    </>
  );
}

addCommands(
  {
    id: "over",
    title: "Step over",
    group: "Move",
    keys: ["F10"],
    run: () => stepTo("over", true),
  },
  {
    id: "over.back",
    title: "Step over backward",
    group: "Move",
    keys: ["Shift+F10"],
    run: () => stepTo("over", false),
  },
  {
    id: "out",
    title: "Step out, to where the caller goes on",
    group: "Move",
    keys: ["F12"],
    run: () => stepTo("out", true),
  },
  {
    id: "out.back",
    title: "Step out backward, to the call",
    group: "Move",
    keys: ["Shift+F12"],
    run: () => stepTo("out", false),
  },
);

export const panel = definePanel({
  id: "calls",
  title: "Calls",
  place: "far",
  many: true,
  holds: true,
  keeps: { shown: keptAlways("stack") },
  open: (self) => {
    const opened = new Opened();
    return { content: () => <Calls self={self} opened={opened} /> };
  },
});
