// SPDX-License-Identifier: Apache-2.0
import type { BacktraceFrame, VariableRow } from "../../api/types";
import { useView } from "../../api/views";
import { go } from "../../focus";
import { isLitAddress } from "../../ui/tokens";
import { useStack } from "../calls/current";
import { definePanel, keptAlways, type Self } from "../panel";
import "./variables.css";

/** The innermost frame of code that was compiled with debug information of its own. */
function frameWithSource(frames: BacktraceFrame[]): number {
  const index = frames.findIndex((frame) => frame.place?.file?.startsWith("/"));
  return Math.max(index, 0);
}

function Variables({ self }: { self: Self<"scope"> }) {
  const { scenario } = self.focus.value;
  const isGlobal = self.kept.scope.value === "global";
  const stack = useStack(self);
  const frame = frameWithSource(stack.answer?.frames ?? []);
  const asked = { context: self.context.value, frame, is_global: isGlobal };
  const shown = useView(scenario, "variables", stack.current ? asked : null);
  const rows = shown.answer?.variables ?? [];
  const where = stack.answer?.frames[frame];
  return (
    <>
      <div class="bar">
        {[false, true].map((each) => (
          <button
            key={String(each)}
            type="button"
            class="tool"
            aria-pressed={isGlobal === each}
            onClick={() => {
              self.kept.scope.value = each ? "global" : "local";
            }}
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

export const panel = definePanel({
  id: "variables",
  title: "Variables",
  place: "low-left",
  order: 1,
  many: true,
  holds: true,
  keeps: { scope: keptAlways("local") },
  open: (self) => ({ content: () => <Variables self={self} /> }),
});
