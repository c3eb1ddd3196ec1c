// SPDX-License-Identifier: Apache-2.0
// The buttons beside the tabs of a group: for the panel of it that is seen.

import type { Self } from "../panels/panel";

export interface Does {
  another: () => void;
  hold: () => void;
}

export function Actions({ self, does }: { self: Self; does: Does }) {
  const { many, holds, title } = self.panel;
  const isHeld = self.heldAt.value !== "";
  return (
    <div class="panel-actions">
      {holds && (
        <button
          type="button"
          class="tool"
          aria-pressed={isHeld}
          aria-label={`Hold ${title} at this moment`}
          title={
            isHeld
              ? `${title} is held at its moment. Click: follow the focus again (h)`
              : `Hold ${title} at this moment, while the focus goes on (h)`
          }
          onClick={does.hold}
        >
          ⏸
        </button>
      )}
      {many && (
        <button
          type="button"
          class="tool"
          aria-label={`Open another ${title}`}
          title={`Open another ${title} (a)`}
          onClick={does.another}
        >
          ⧉
        </button>
      )}
    </div>
  );
}
