// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import type { VariableRow } from "../../api/types";
import { useView } from "../../api/views";
import { context, focus, go } from "../../focus";
import { isLitAddress } from "../../ui/tokens";
import { stack } from "../calls/current";
import type { Panel } from "../registry";
import "./variables.css";

/** The innermost frame of code that was compiled with debug information of its own. */
function frameWithSource(): number {
  const frames = stack.value.answer?.frames ?? [];
  const index = frames.findIndex((frame) => frame.place?.file?.startsWith("/"));
  return Math.max(index, 0);
}

function Variables() {
  const { scenario } = focus.value;
  const [isGlobal, setGlobal] = useState(false);
  const frame = frameWithSource();
  const asked = { context: context.value, frame, is_global: isGlobal };
  const shown = useView(scenario, "variables", stack.value.current ? asked : null);
  const rows = shown.answer?.variables ?? [];
  const where = stack.value.answer?.frames[frame];
  return (
    <>
      <div class="bar">
        {[false, true].map((each) => (
          <button
            key={String(each)}
            type="button"
            class="tool"
            aria-pressed={isGlobal === each}
            onClick={() => setGlobal(each)}
          >
            {each ? "Global" : "Local"}
          </button>
        ))}
        <span class="dim">{where?.name ?? ""}</span>
      </div>
      {shown.error && <p class="problem">{shown.error}</p>}
      {shown.current && rows.length === 0 && !shown.error && (
        <p class="empty">No variable is known here.</p>
      )}
      <ul class="scroll variables" aria-label="Variables">
        {rows.map((row, index) => (
          <Variable key={index} row={row} />
        ))}
      </ul>
    </>
  );
}

function Variable({ row }: { row: VariableRow }) {
  const { address } = row;
  const isLit = address ? isLitAddress(address, row.size) : false;
  const select = () => {
    if (!address) return;
    go({ selection: { kind: "memory", address: BigInt(address), size: row.size || 1 } });
  };
  return (
    <li class="variable">
      <button
        type="button"
        class="row"
        disabled={!address}
        title={`${row.type} ${row.name}${row.place ? ` in ${row.place}` : ""}${
          address ? ` at ${address}\nClick: its bytes and their history` : ""
        }${row.function ? `\n${row.kind} of ${row.function}` : ""}`}
        onClick={select}
      >
        <span class={isLit ? "name lit" : "name"}>{row.name}</span>
        <span class="value">{row.text || <span class="dim">{row.place || "unknown"}</span>}</span>
        <span class="dim type">{row.type}</span>
      </button>
    </li>
  );
}

export const panel: Panel = {
  id: "variables",
  title: "Variables",
  component: Variables,
  place: "low-left",
  order: 1,
};
