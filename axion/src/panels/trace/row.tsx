// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";
import type { Place, TraceValue } from "../../api/types";
import type { Mark } from "../../marks";
import { digits } from "../../ui/format";
import { isLitAddress, isLitRegister, Tokens } from "../../ui/tokens";
import type { Line } from "./lines";

interface Props {
  line: Line;
  /** The id of its element. */
  element: string;
  isSelected: boolean;
  /** It runs the same instruction as the selected one. */
  isSame: boolean;
  beginsBlock: boolean;
  bookmark: string | undefined;
  present: Mark[] | undefined;
  isFound: boolean;
  showsThread: boolean;
  showsSource: boolean;
}

/** A row, drawn anew only when something about it is another: most stay while one steps. */
export function Row(props: Props) {
  const { line, isSelected, isSame, beginsBlock, bookmark, present, isFound } = props;
  const { showsThread, showsSource } = props;
  const looks = [isSelected, isSame, beginsBlock, bookmark, present, isFound];
  return useMemo(
    () => <Drawn {...props} />,
    [line.id, line.row, line.instruction, showsThread, showsSource, ...looks],
  );
}

function Drawn(props: Props) {
  const { line, isSelected } = props;
  const { row, instruction } = line;
  const names = ["row", "transition"];
  if (props.beginsBlock) names.push("begins-block");
  if (props.isSame) names.push("same");
  return (
    <div
      class={names.join(" ")}
      role="option"
      id={props.element}
      aria-selected={isSelected}
      data-transition={line.id}
    >
      <span class="gutter">
        <Gutter {...props} />
      </span>
      <span class="id">{line.id}</span>
      {row === null ? (
        <span class="waiting" aria-hidden="true" />
      ) : (
        <>
          {props.showsThread && <span class="thread">T{row.thread}</span>}
          <Where place={instruction?.place ?? null} />
          <span class="address" data-address={row.pc}>
            {digits(row.pc)}
          </span>
          <span class="bytes">{instruction?.bytes ?? ""}</span>
          <span class="instruction">
            {row.event && <span class="event">{row.event} </span>}
            {instruction && <Tokens tokens={instruction.tokens} />}
          </span>
          <span class="values">
            {row.values.map((value, index) => (
              <Value key={index} value={value} />
            ))}
          </span>
          {props.showsSource && instruction?.place?.line ? (
            <span class="source">
              {instruction.place.file?.replace(/^.*\//, "")}:{instruction.place.line}
            </span>
          ) : null}
        </>
      )}
    </div>
  );
}

function Where({ place }: { place: Place | null }) {
  // A long name is cut, never the offset.
  const offset = place?.offset ? `+0x${place.offset.toString(16)}` : "";
  const name = place ? place.text.slice(0, place.text.length - offset.length) : "";
  return (
    <span class="place" title={place?.text}>
      <span>{name}</span>
      {offset}
    </span>
  );
}

function Gutter({ bookmark, present, isFound, isSame, isSelected }: Props) {
  if (present?.[0]) {
    const { color, label } = present[0];
    return (
      <span
        style={{ color: color ?? "var(--other)" }}
        title={present.map((each) => each.label).join(", ") || label}
      >
        ●
      </span>
    );
  }
  if (bookmark !== undefined) {
    return (
      <span class="bookmark" title={bookmark || "Bookmark"}>
        ◆
      </span>
    );
  }
  if (isFound)
    return (
      <span class="dim" title="Found by the search">
        ◇
      </span>
    );
  if (isSelected) return <span class="here">▶</span>;
  if (isSame)
    return (
      <span class="dim" title="Another run of the selected instruction">
        ↻
      </span>
    );
  return null;
}

function Value({ value }: { value: TraceValue }) {
  const { kind } = value;
  if (kind === "note") return <span class="note">{value.text}</span>;
  const shown = value.value ? digits(value.value ?? "") : "?";
  if (kind === "register" || kind === "result") {
    const name = value.name ?? "";
    return (
      <span class={kind}>
        <span class={isLitRegister(name) ? "name lit" : "name"} data-register={name}>
          {name}
        </span>
        <span class="equals">{kind === "result" ? "=" : ":"}</span>
        <span
          class={isLitAddress(value.value || "0x0") ? "number lit" : "number"}
          data-address={value.value}
        >
          {shown}
        </span>
      </span>
    );
  }
  const address = value.address ?? "0x0";
  const lit = isLitAddress(address, value.size) ? "where lit" : "where";
  return (
    <span
      class={kind === "write" ? "written" : "read"}
      title={`${value.size} bytes ${value.text ?? ""}`}
    >
      <span class={lit} data-address={address} data-size={value.size}>
        [{digits(address)}]
      </span>
      {kind === "write" ? "←" : "→"}
      {shown}
    </span>
  );
}
