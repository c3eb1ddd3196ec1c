// SPDX-License-Identifier: Apache-2.0
import type { InspectAnswer } from "../../api/types";
import { useView } from "../../api/views";
import { focus, go } from "../../focus";
import { memoryAccess } from "../../moves";
import { bytesOf, hexadecimal } from "../../ui/format";
import { Pointees } from "../cpu/pointees";
import { readings } from "./values";

/**
 * What the bytes at an address may mean, and the ways to their other accesses. `known`: the
 * answer, if it came with another one.
 */
export function Inspect(props: {
  context: number;
  address: bigint;
  size: number;
  known: InspectAnswer | null;
}) {
  const { context, address, size, known } = props;
  const wanted = known ? null : { context, address: hexadecimal(address) };
  const shown = useView(focus.value.scenario, "inspect", wanted);
  const answer = known ?? shown.answer;
  if (shown.error && !known) return <p class="problem">{shown.error}</p>;
  if (!answer) return null;
  const range = { address, size };
  const writes = { reads: false, writes: true };
  const first = answer.pointees[0];
  return (
    <aside class="inspect" aria-label="Interpretation">
      <h3 class="mono">
        {hexadecimal(address)} {size > 1 && <small>{size} bytes</small>}
      </h3>
      {answer.place && <p class="mono dim">{answer.place.text}</p>}
      <p>
        <button
          type="button"
          class="tool"
          title="Previous write (W)"
          onClick={() => memoryAccess(range, false, writes)}
        >
          ◂ write
        </button>
        <button
          type="button"
          class="tool"
          title="Next write (w)"
          onClick={() => memoryAccess(range, true, writes)}
        >
          write ▸
        </button>
      </p>
      <dl class="mono">
        {readings(bytesOf(answer.bytes)).map(({ kind, text }) => (
          <div key={kind}>
            <dt>{kind}</dt>
            <dd class={kind === "string" ? "string" : ""}>{text}</dd>
          </div>
        ))}
        {first && (
          <div>
            <dt>pointer</dt>
            <dd>
              <button
                type="button"
                class="link"
                onClick={() =>
                  go({ selection: { kind: "memory", address: BigInt(first.address), size: 8 } })
                }
              >
                <Pointees pointees={answer.pointees} value="" />
              </button>
            </dd>
          </div>
        )}
      </dl>
    </aside>
  );
}
