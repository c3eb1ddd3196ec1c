// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { addCommands } from "../../commands";
import { stepTo } from "../../moves";
import type { Panel } from "../registry";
import { stack } from "./current";
import { Stack } from "./stack";
import { Tree } from "./tree";
import "./calls.css";

const SHOWN = "axion.calls";

function Calls() {
  const [shown, setShown] = useState(localStorage.getItem(SHOWN) === "tree" ? "tree" : "stack");
  const depth = stack.value.answer?.depth;
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
              localStorage.setItem(SHOWN, each);
              setShown(each);
            }}
          >
            {each === "stack" ? "Stack" : "Tree"}
          </button>
        ))}
        <span class="spring" />
        {depth !== undefined && <span class="dim">{depth} deep</span>}
      </div>
      {shown === "stack" ? <Stack shown={stack.value} /> : <Tree />}
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

export const panel: Panel = { id: "calls", title: "Calls", component: Calls, place: "far" };
