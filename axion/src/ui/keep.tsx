// SPDX-License-Identifier: Apache-2.0

/** The switch of a panel that keeps what it shows, whatever is selected elsewhere. */
export function Keep(props: { on: boolean; what: string; onTurn: (on: boolean) => void }) {
  const { on, what, onTurn } = props;
  return (
    <button
      type="button"
      class="tool"
      aria-pressed={on}
      title={on ? "Follow the selection again" : `Keep ${what}, whatever is selected elsewhere`}
      onClick={() => onTurn(!on)}
    >
      keep
    </button>
  );
}
