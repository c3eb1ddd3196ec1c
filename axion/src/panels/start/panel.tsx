// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { ExplanationPart, Finding, StartAnswer, StartFrame } from "../../api/types";
import { useView } from "../../api/views";
import { focus, go, type Selection, total } from "../../focus";
import { baseName, numbered } from "../../ui/format";
import { visit } from "../findings/panel";
import { findings } from "../findings/store";
import { definePanel } from "../panel";
import "./start.css";

const SHOWN_FINDINGS = 6;

const TITLES: Record<StartAnswer["how"], string> = {
  right: "It ended well",
  wrong: "It ended badly",
  cut: "The recording ended",
  recording: "Still recording",
};

function Start() {
  const { scenario } = focus.value;
  const shown = useView(scenario, "start", total.value > 0 ? {} : null);
  useEffect(() => {
    void findings.look(scenario, total.peek());
  }, [scenario]);
  const { answer } = shown;
  if (shown.error) return <p class="problem">{shown.error}</p>;
  if (answer === null) return <p class="empty">Looking at how it ended …</p>;
  return (
    <div class="scroll start">
      <section aria-label="End">
        <h2 class={answer.how === "wrong" ? "written" : ""}>{TITLES[answer.how]}</h2>
        <p class="sentence">{answer.sentence}</p>
        {answer.message && <pre class="message">{answer.message}</pre>}
        <p class="links">
          {answer.decisive !== null && (
            <To at={answer.decisive} first>
              {answer.own ? ownWords(answer.own) : "Where it begins"}
            </To>
          )}
          {answer.how === "wrong" && <To at={answer.transitions - 1}>The end</To>}
          {answer.registers.map((register) => (
            <To
              key={register.name}
              at={answer.transitions - 1}
              selection={{ kind: "register", name: register.name }}
            >
              {register.name} = {register.value}
            </To>
          ))}
          {answer.address && (
            <To
              at={answer.transitions - 1}
              selection={{ kind: "memory", address: BigInt(answer.address), size: 8 }}
            >
              Memory at {answer.address}
            </To>
          )}
        </p>
        {answer.how === "wrong" && answer.frames.length > 0 && (
          <ol class="stack" aria-label="Stack at the end">
            {answer.frames.map((frame, depth) => (
              <Frame key={depth} frame={frame} />
            ))}
          </ol>
        )}
      </section>
      <Explanation />
      <FindingsPart />
      {answer.notices.length > 0 && (
        <section aria-label="Not exact">
          <h3>Not as it would be without the recorder</h3>
          <ul>
            {answer.notices.map((notice) => (
              <li key={notice}>{notice}</li>
            ))}
          </ul>
        </section>
      )}
      {answer.threads.length > 1 && (
        <section aria-label="Threads">
          <h3>{answer.threads.length} threads</h3>
          <p class="links">
            {answer.threads.map((thread) => (
              <To key={thread.id} at={thread.first}>
                {thread.id} {numbered(thread.first)} … {numbered(thread.last)}
              </To>
            ))}
          </p>
        </section>
      )}
      <p class="dim">
        Select a register or bytes anywhere and press <kbd>o</kbd>: where they come from.{" "}
        <kbd>?</kbd> shows all keys, <kbd>Ctrl+K</kbd> finds everything.
      </p>
    </div>
  );
}

/** Why it ended so: what was wrong first, and what shows it. */
function Explanation() {
  const { scenario } = focus.value;
  const { answer, error } = useView(scenario, "explanation", {});
  if (error) return null;
  if (answer === null) return <p class="dim">Looking for why …</p>;
  if (answer.parts.length === 0 && answer.first_wrong === null) return null;
  return (
    <section aria-label="Why">
      <h3>
        Why: <span class={answer.kind === "success" ? "" : "written"}>{answer.kind}</span>
      </h3>
      <p class="sentence">It {answer.headline}.</p>
      {answer.first_wrong && (
        <p>
          First wrong in your own code: <PartLink part={answer.first_wrong} />
        </p>
      )}
      <ol class="found">
        {answer.parts.map((part) => (
          <li key={`${part.role} ${part.transition} ${part.text}`}>
            <span class="dim">{part.role}</span> <PartLink part={part} />
          </li>
        ))}
      </ol>
      {answer.limits.map((limit) => (
        <p key={limit} class="dim">
          Not looked at: {limit}
        </p>
      ))}
    </section>
  );
}

function PartLink({ part }: { part: ExplanationPart }) {
  const { transition } = part;
  return (
    <button
      type="button"
      class="link"
      disabled={transition === null}
      onClick={() => transition !== null && go({ transition, side: "before" })}
    >
      {transition !== null && <span class="dim">{numbered(transition)} </span>}
      {part.where && <b>{part.where} </b>}
      {part.text}
    </button>
  );
}

function FindingsPart() {
  const all = findings.found.value;
  const looking = findings.looking.value;
  return (
    <section aria-label="What it did wrong with memory">
      <h3>
        {all.length === 0 ? "Nothing wrong with memory was found" : "What it did wrong with memory"}
        {looking && <span class="dim"> · looking for {looking} …</span>}
      </h3>
      <ul class="found">
        {all.slice(0, SHOWN_FINDINGS).map((finding) => (
          <li key={`${finding.kind} ${finding.transition} ${finding.address}`}>
            <FindingLink finding={finding} />
          </li>
        ))}
      </ul>
      {all.length > SHOWN_FINDINGS && (
        <p class="dim">and {all.length - SHOWN_FINDINGS} more, in Findings.</p>
      )}
      {findings.problem.value && <p class="problem">{findings.problem.value}</p>}
    </section>
  );
}

function FindingLink({ finding }: { finding: Finding }) {
  return (
    <button type="button" class="link" onClick={() => visit(finding)}>
      <b>{finding.kind}</b> at {numbered(finding.transition)}: {finding.text}
    </button>
  );
}

function Frame({ frame }: { frame: StartFrame }) {
  const { place, transition } = frame;
  return (
    <li class={frame.is_own ? "own" : "dim"}>
      <button
        type="button"
        class="link"
        disabled={transition === null}
        onClick={() => transition !== null && go({ transition, side: "before" })}
      >
        {frame.name}
        {place?.file ? `  ${baseName(place.file)}:${place.line}` : ""}
      </button>
    </li>
  );
}

function To(props: {
  at: number;
  selection?: Selection;
  first?: boolean;
  children: ComponentChildren;
}) {
  const { at, selection, first, children } = props;
  return (
    <button
      type="button"
      class="tool to"
      data-keyboard={first ? "" : undefined}
      title={`Go to ${numbered(at)}`}
      onClick={() =>
        go({ transition: at, side: "before", ...(selection === undefined ? {} : { selection }) })
      }
    >
      {children} <span class="dim">{numbered(at)}</span>
    </button>
  );
}

function ownWords({ name, place }: StartFrame): string {
  return place?.file ? `${name}, ${baseName(place.file)}:${place.line}` : name;
}

export const panel = definePanel({
  id: "start",
  title: "Start",
  place: "main",
  order: -1,
  open: () => ({ content: () => <Start /> }),
});
