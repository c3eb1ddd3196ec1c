// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { useView } from "../../api/views";
import { addCommands } from "../../commands";
import { context, focus } from "../../focus";
import { stepTo } from "../../moves";
import type { Panel } from "../registry";
import { Stack } from "./stack";
import { Tree } from "./tree";
import "./calls.css";

const SHOWN = "axion.calls";

function Calls() {
  const [shown, setShown] = useState(localStorage.getItem(SHOWN) === "tree" ? "tree" : "stack");
  const { scenario } = focus.value;
  const stack = useView(scenario, "backtrace", scenario ? { context: context.value } : null);
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
        {stack.answer && <span class="dim">{stack.answer.depth} deep</span>}
      </div>
      {shown === "stack" ? <Stack shown={stack} /> : <Tree />}
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
