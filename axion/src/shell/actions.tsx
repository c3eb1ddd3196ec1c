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
          <Icon path="M4.5 3v10M11.5 3v10" />
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
          <Icon path="M2.5 5.5h8v8h-8zM5.5 5.5v-3h8v8h-3" />
        </button>
      )}
    </div>
  );
}

function Icon({ path }: { path: string }) {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={path} fill="none" stroke="currentColor" stroke-width="1.4" />
    </svg>
  );
}
