// SPDX-License-Identifier: Apache-2.0
import type { BacktraceAnswer, BacktraceFrame } from "../../api/types";
import type { Shown } from "../../api/views";
import { go } from "../../focus";
import { baseName, digits } from "../../ui/format";

const KINDS: Record<BacktraceFrame["type"], string> = {
  Call: "",
  Interrupt: "signal",
  Manual: "",
  Damaged: "overwritten since",
  Unknown: "from before the trace",
};

/** The frames at a transition, the innermost first. */
export function Stack({ shown, at }: { shown: Shown<BacktraceAnswer>; at: number }) {
  const frames = shown.answer?.frames ?? [];
  if (shown.error) return <p class="problem">{shown.error}</p>;
  return (
    <ol
      class={`scroll frames ${shown.current ? "" : "stale"}`}
      aria-label="Stack"
      onKeyDown={moveAmongButtons}
    >
      {frames.map((frame, number) => (
        <Frame
          key={`${frame.stack_pointer} ${frame.first_context}`}
          frame={frame}
          // What a frame stands at is the call that made the one above it.
          stands={number === 0 ? at : (frames[number - 1]?.call_site ?? null)}
          number={number}
        />
      ))}
    </ol>
  );
}

function Frame(props: { frame: BacktraceFrame; stands: number | null; number: number }) {
  const { frame, stands, number } = props;
  const { place } = frame;
  const name = frame.name || place?.text || digits(frame.pc);
  const source = place?.file ? `${baseName(place.file)}:${place.line}` : "";
  const kind = KINDS[frame.type];
  return (
    <li class="frame" aria-current={number === 0 ? "location" : undefined}>
      <button
        type="button"
        class="place"
        data-keyboard={number === 0 ? "" : undefined}
        disabled={stands === null}
        title={`${name}${place?.file ? `\n${place.file}:${place.line}` : ""}\n${
          stands === null ? "It was called before the trace began." : `Stands at #${stands}`
        }`}
        onClick={() => {
          if (stands !== null) go({ transition: stands, side: "before" });
        }}
      >
        <span class="dim number">{number}</span>
        <span class="name">{name}</span>
        {kind && <span class="dim">{kind}</span>}
        <span class="dim source">{source}</span>
      </button>
      <button
        type="button"
        class="tool"
        aria-label={`Beginning of ${name}`}
        title={`Where ${name} begins: #${frame.first_context}`}
        onClick={() => go({ transition: frame.first_context, side: "before" })}
      >
        ⤒
      </button>
    </li>
  );
}

function moveAmongButtons(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const list = event.currentTarget as HTMLElement;
  const places = [...list.querySelectorAll<HTMLElement>(".place:not(:disabled)")];
  const at = places.indexOf(document.activeElement as HTMLElement);
  places[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  event.preventDefault();
  event.stopPropagation();
}
