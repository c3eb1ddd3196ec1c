// SPDX-License-Identifier: Apache-2.0
import { useEffect } from "preact/hooks";
import type { Finding, FindingMoment } from "../../api/types";
import { focus, go, total } from "../../focus";
import { baseName, numbered } from "../../ui/format";
import { Rows } from "../../ui/rows";
import { focusElement } from "../keyboard";
import { definePanel, type Self } from "../panel";
import { findings, KINDS } from "./store";
import "./findings.css";

const ROW = 58;

function FindingsPanel({ self }: { self: Self }) {
  const { scenario, transition } = focus.value;
  const store = findings;
  useEffect(() => {
    void store.look(scenario, total.peek());
  }, [scenario]);
  const all = store.found.value;
  const looking = store.looking.value;
  const here = all.findIndex((finding) => finding.transition === transition);
  const left = KINDS.filter((kind) => !store.done.value.includes(kind));
  return (
    <>
      <div class="bar">
        <span>{all.length === 1 ? "1 finding" : `${all.length} findings`}</span>
        <span class="spring" />
        {looking ? (
          <button type="button" class="tool" onClick={() => store.stop()}>
            Looking for {looking} … cancel
          </button>
        ) : left.length > 0 ? (
          <button
            type="button"
            class="tool"
            onClick={() => void store.look(scenario, total.peek())}
          >
            Look for {left.join(", ")}
          </button>
        ) : (
          <span class="dim">{store.cut.value.length > 0 ? "the first of each kind" : ""}</span>
        )}
      </div>
      {store.problem.value && (
        <p class="problem" role="alert">
          {store.problem.value}
        </p>
      )}
      {all.length === 0 && !looking && left.length === 0 && (
        <p class="empty">
          No overflow, use after free, double free or decision by what was never written. What lies
          beside a variable on the stack is not looked for.
        </p>
      )}
      <Rows
        count={all.length}
        row={ROW}
        at={here === -1 ? null : here}
        when={[transition]}
        class="findings"
        role="list"
        aria-label="Findings"
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          const { index } = (event.target as HTMLElement).dataset;
          if (index === undefined) return;
          event.preventDefault();
          event.stopPropagation();
          focusElement(self.element(Number(index) + (event.key === "ArrowDown" ? 1 : -1)));
        }}
      >
        {(first, stop) =>
          all
            .slice(first, stop)
            .map((finding, index) => (
              <Row
                key={`${finding.kind} ${finding.transition} ${finding.address}`}
                self={self}
                finding={finding}
                index={first + index}
                isHere={finding.transition === transition}
              />
            ))
        }
      </Rows>
    </>
  );
}

function Row(props: { self: Self; finding: Finding; index: number; isHere: boolean }) {
  const { self, finding, index, isHere } = props;
  const { own, place, moments = [] } = finding;
  const where = own ?? place;
  return (
    <div class="finding" role="listitem" aria-current={isHere ? "location" : undefined}>
      <button
        type="button"
        class="place"
        id={self.element(index)}
        data-index={index}
        data-keyboard={index === 0 ? "" : undefined}
        title={finding.text}
        onClick={() => visit(finding)}
      >
        <span class="line">
          <b class="written">{finding.kind}</b>
          <span class="dim">{numbered(finding.transition)}</span>
          <span class="where">
            {where ? where.text : ""}
            {where?.file ? ` · ${baseName(where.file)}:${where.line}` : ""}
          </span>
          {finding.count > 1 && <span class="dim">{finding.count} times</span>}
        </span>
        <span class="line text">{finding.text}</span>
      </button>
      <span class="moments">
        {moments.map((moment) => (
          <Moment key={moment.transition} moment={moment} finding={finding} />
        ))}
      </span>
    </div>
  );
}

function Moment({ moment, finding }: { moment: FindingMoment; finding: Finding }) {
  const { place } = moment;
  return (
    <button
      type="button"
      class="tool"
      title={place ? `${place.text}${place.file ? ` · ${place.file}:${place.line}` : ""}` : ""}
      onClick={() => {
        const { block, block_size: size } = finding;
        const selection = block
          ? { kind: "memory" as const, address: BigInt(block), size: size || 1 }
          : focus.peek().selection;
        go({ transition: moment.transition, side: "before", selection });
      }}
    >
      {moment.text} at {numbered(moment.transition)}
    </button>
  );
}

/** Go to where it happens, with what was accessed selected. */
export function visit(finding: Finding): void {
  go({
    transition: finding.transition,
    side: "before",
    selection: {
      kind: "memory",
      address: BigInt(finding.address),
      size: Math.max(finding.size, 1),
    },
  });
}

export const panel = definePanel({
  id: "findings",
  title: "Findings",
  place: "low-right",
  order: 2,
  open: (self) => ({
    content: () => <FindingsPanel self={self} />,
    detail: () => (findings.found.value.length > 0 ? String(findings.found.value.length) : ""),
  }),
});
