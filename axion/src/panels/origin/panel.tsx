// SPDX-License-Identifier: Apache-2.0
import { useEffect } from "preact/hooks";
import type { StoryPart, StoryStep } from "../../api/types";
import { focus, go, type Selection } from "../../focus";
import { baseName, digits, numbered } from "../../ui/format";
import { Rows } from "../../ui/rows";
import { say } from "../../ui/toast";
import { Tokens } from "../../ui/tokens";
import { focusElement } from "../keyboard";
import { definePanel, keptAlways, keptOfTrace, type Self } from "../panel";
import { askedAt, formatAsked, parseAsked } from "./asked";
import { FOLLOWS, type Follow, Story } from "./story";
import "./origin.css";

const ROW = 40;

const FOLLOW_WORDS: Record<Follow, string> = {
  values: "values only",
  meant: "as meant",
  pointers: "addresses, too",
};

const ROLE_WORDS: Record<string, string> = { address: "its address: ", other: "and: " };

type Own = Self<"asked" | "follow">;

interface Props {
  self: Own;
  story: Story;
}

function OriginPanel({ self, story }: Props) {
  const { scenario, transition } = focus.value;
  const asked = self.kept.asked.value;
  const follow = FOLLOWS.find((each) => each === self.kept.follow.value) ?? "meant";
  useEffect(() => {
    void story.ask(scenario, parseAsked(asked), follow);
  }, [scenario, asked, follow]);
  const answer = story.answer.value;
  const steps = answer?.steps ?? [];
  const here = steps.findIndex((step) => step.transition === transition);
  const context = parseAsked(asked)?.context ?? 0;
  if (!asked)
    return (
      <p class="empty">
        Select a register or bytes of memory, and press <kbd>o</kbd>: here stands, step by step,
        where the value came from. Then click a step to be there.
      </p>
    );
  return (
    <>
      <div class="bar">
        <span class="mono">
          {(answer?.of ?? [])
            .map((part) => (part.value ? `${part.text} = ${part.value}` : part.text))
            .join(", ")}
        </span>
        <button
          type="button"
          class="tool"
          title="Where this was asked"
          onClick={() =>
            go({ transition: context, side: "before", ...selectionOf(answer?.of ?? []) })
          }
        >
          at {numbered(context)}
        </button>
        <span class="spring" />
        {story.isLoading.value ? (
          <button type="button" class="tool" onClick={() => story.stop()}>
            Looking back … cancel
          </button>
        ) : (
          <span class="dim">
            {steps.length > 0 ? `${steps.length}${answer?.is_cut ? "+" : ""} steps` : ""}
          </span>
        )}
        <select
          aria-label="Whether what decides an address counts"
          title="Whether what decides an address counts as an origin of what is loaded from there"
          value={follow}
          onChange={(event) => {
            self.kept.follow.value = event.currentTarget.value;
          }}
        >
          {FOLLOWS.map((each) => (
            <option key={each} value={each}>
              {FOLLOW_WORDS[each]}
            </option>
          ))}
        </select>
      </div>
      {story.problem.value && (
        <p class="problem" role="alert">
          {story.problem.value}
        </p>
      )}
      {answer && answer.sources.length > 0 && (
        <p class="sources">
          It comes from{" "}
          {answer.sources.map((source) => (
            <button
              key={source.text}
              type="button"
              class="tool"
              disabled={source.transition === null}
              title={source.kind}
              onClick={() => source.transition !== null && go({ transition: source.transition })}
            >
              {source.text}
            </button>
          ))}
        </p>
      )}
      <Rows
        count={steps.length}
        row={ROW}
        at={here === -1 ? null : here}
        when={[transition, steps.length === 0]}
        class="origin"
        role="list"
        aria-label="Where the value came from"
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          const { index } = (event.target as HTMLElement).dataset;
          if (index === undefined) return;
          event.preventDefault();
          event.stopPropagation();
          const to = Number(index) + (event.key === "ArrowDown" ? 1 : -1);
          const step = steps[to];
          if (!step) return;
          visit(step);
          focusElement(self.element(to));
        }}
      >
        {(first, stop) =>
          steps
            .slice(first, stop)
            .map((step, index) => (
              <Step
                key={first + index}
                self={self}
                step={step}
                index={first + index}
                isHere={first + index === here}
              />
            ))
        }
      </Rows>
    </>
  );
}

function Step(props: { self: Own; step: StoryStep; index: number; isHere: boolean }) {
  const { self, step, index, isHere } = props;
  const { place, before = [], others = [] } = step;
  const values = before.map((part) => part.value).filter(Boolean);
  const isSource = before.length === 0;
  return (
    <div
      class="step"
      role="listitem"
      aria-current={isHere ? "location" : undefined}
      style={{ "--depth": step.depth }}
    >
      <button
        type="button"
        class="place"
        id={self.element(index)}
        data-index={index}
        data-keyboard={index === 0 ? "" : undefined}
        disabled={step.transition === undefined || step.transition === null}
        title={step.text}
        onClick={() => visit(step)}
      >
        <span class="line">
          <span class="dim id">
            {typeof step.transition === "number" ? numbered(step.transition) : "start"}
          </span>
          <span class={isSource ? "text source" : "text"}>
            {ROLE_WORDS[step.role ?? ""] ?? ""}
            {step.text}
          </span>
          {values.length > 0 && <span class="value">{values.join(", ")}</span>}
        </span>
        <span class="line">
          <span class="dim id" />
          <span class="dim where">{place ? place.text : ""}</span>
          {place?.file && (
            <span class="dim where">
              {baseName(place.file)}:{place.line}
            </span>
          )}
          <Tokens tokens={step.tokens ?? []} />
        </span>
      </button>
      {others.map((parts, at) => (
        <button
          key={at}
          type="button"
          class="tool"
          title={`Where the other part came from: ${parts.map((part) => part.text).join(", ")}`}
          onClick={() => askFor(self, step, parts)}
        >
          ⑂ {parts.map((part) => digits(part.text)).join(", ")}
        </button>
      ))}
    </div>
  );
}

/** Go to a step, with what it gave its value selected. */
function visit(step: StoryStep): void {
  if (typeof step.transition !== "number") return;
  go({ transition: step.transition, side: "before", ...selectionOf(step.after ?? []) });
}

function selectionOf(parts: StoryPart[]): { selection: Selection } | Record<never, never> {
  const [part] = parts;
  if (part?.register) return { selection: { kind: "register", name: part.register } };
  if (part?.address)
    return {
      selection: { kind: "memory", address: BigInt(part.address), size: part.size || 1 },
    };
  return {};
}

/** Follow what else flowed in. */
function askFor(self: Own, step: StoryStep, parts: StoryPart[]): void {
  const [part] = parts;
  const context = step.context ?? step.transition;
  if (!part || typeof context !== "number") return;
  const { register = "", address = "", size = 0 } = part;
  self.kept.asked.value = formatAsked({ context, register, address, size });
}

export const panel = definePanel({
  id: "origin",
  title: "Where from",
  place: "low-right",
  order: 1,
  many: true,
  keeps: { asked: keptOfTrace(""), follow: keptAlways("meant") },
  open: (self) => {
    const story = new Story();
    return {
      content: () => <OriginPanel self={self} story={story} />,
      detail: () => {
        const asked = parseAsked(self.kept.asked.value);
        return asked?.register || asked?.address || "";
      },
      close: () => story.stop(),
      self,
    };
  },
  commands: [
    {
      id: "origin.ask",
      title: "Where does the selection come from?",
      group: "Look",
      keys: ["o"],
      shows: true,
      run: ({ self }) => {
        const asked = askedAt(focus.peek());
        if (asked) self.kept.asked.value = formatAsked(asked);
        else say("Select a register or bytes of memory first.");
      },
    },
  ],
});
