// SPDX-License-Identifier: Apache-2.0
import type { Pointee } from "../../api/types";
import { digits } from "../../ui/format";

/** Where a value leads: `main+0x12`, `"text"`, `→ 7ffe… → …`. */
export function Pointees({ pointees, value }: { pointees: Pointee[]; value: string }) {
  return (
    <span class="pointees">
      {pointees.map((step) => (
        <span key={step.address}>
          {step.address !== value && <span class="dim">→ {digits(step.address)} </span>}
          {step.place && <span class="place">{step.place} </span>}
          {step.string && <span class="string">{JSON.stringify(step.string)} </span>}
        </span>
      ))}
    </span>
  );
}
