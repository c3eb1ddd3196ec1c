// SPDX-License-Identifier: Apache-2.0
// Paints the strip.
import type { TimelineCalls, TimelineEvents } from "../../api/types";
import type { Mark } from "../../marks";
import { pixelOf, rulerStep, type Strip, short, type Tile } from "./strip";

export const RULER = 16;
export const MARKS = 10;
export const EVENTS = 12;
export const THREAD = 6;
export const CALL = 15;
const LABEL_ROOM = 90;
const SHORTEST_LABEL = 24;

export interface Loaded<Answer> {
  tile: Tile;
  answer: Answer;
}

export interface Call {
  id: number;
  thread: number;
  depth: number;
  start: number;
  stop: number;
  name: string;
}

/** A call as it is painted, to find what is pointed at. */
export interface Box {
  call: Call;
  left: number;
  right: number;
  top: number;
}

/** An event as it is painted. */
export interface Tick {
  x: number;
  transition: number;
  text: string;
}

export interface Scene {
  strip: Strip;
  width: number;
  height: number;
  /** How far the calls are scrolled down, in pixels. */
  down: number;
  total: number;
  focus: number;
  /** Ids of the calls that are active at the focus. */
  active: Set<number | null>;
  threads: number[];
  events: Loaded<TimelineEvents>[];
  calls: Loaded<TimelineCalls>[];
  bookmarks: Mark[];
  found: Mark[];
  others: Mark[];
}

export interface Painted {
  boxes: Box[];
  ticks: Tick[];
  /** Height of everything, were it all seen. */
  height: number;
}

type Paint = CanvasRenderingContext2D;

interface Colours {
  get(name: string): string;
}

/** Colours of the theme, read once per painting. */
export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  return {
    get(name) {
      let value = known.get(name);
      if (value === undefined) {
        value = style.getPropertyValue(name).trim();
        known.set(name, value);
      }
      return value;
    },
  };
}

export function draw(paint: Paint, scene: Scene, colours: Colours): Painted {
  const { width, height } = scene;
  paint.clearRect(0, 0, width, height);
  paint.font = "11px system-ui, sans-serif";
  paint.textBaseline = "middle";
  drawRuler(paint, scene, colours);
  const ticks = drawEvents(paint, scene, colours);
  const top = RULER + MARKS + EVENTS;
  paint.save();
  paint.beginPath();
  paint.rect(0, top, width, Math.max(0, height - top));
  paint.clip();
  const calls = unique(scene.calls);
  const boxes: Box[] = [];
  let below = top - scene.down;
  for (const thread of scene.threads) {
    if (scene.threads.length > 1) {
      drawThread(paint, scene, thread, below, colours);
      below += THREAD + 1;
    }
    let rows = 0;
    for (const call of calls) {
      if (call.thread !== thread) continue;
      rows = Math.max(rows, call.depth + 1);
      const box = drawCall(paint, scene, call, below + call.depth * CALL, colours);
      if (box) boxes.push(box);
    }
    below += rows * CALL + 2;
  }
  paint.restore();
  drawMarks(paint, scene, colours);
  drawFocus(paint, scene, colours);
  return { boxes, ticks, height: below + scene.down };
}

function unique(tiles: Loaded<TimelineCalls>[]): Call[] {
  const calls = new Map<number, Call>();
  for (const { answer } of tiles) for (const call of answer.calls) calls.set(call.id, call);
  return [...calls.values()];
}

function drawRuler(paint: Paint, scene: Scene, colours: Colours): void {
  const { strip, width, height } = scene;
  const step = rulerStep(strip.perPixel, LABEL_ROOM);
  paint.lineWidth = 1;
  for (let at = Math.ceil(strip.start / step) * step; at < scene.total; at += step) {
    const x = Math.round(pixelOf(strip, at)) + 0.5;
    if (x > width) break;
    paint.strokeStyle = colours.get("--line");
    paint.beginPath();
    paint.moveTo(x, 0);
    paint.lineTo(x, height);
    paint.stroke();
    paint.fillStyle = colours.get("--dim");
    paint.fillText(`#${short(at)}`, x + 4, RULER / 2);
  }
}

function drawEvents(paint: Paint, scene: Scene, colours: Colours): Tick[] {
  const { strip } = scene;
  const top = RULER + MARKS;
  const ticks: Tick[] = [];
  for (const { tile, answer } of scene.events) {
    paint.fillStyle = colours.get("--faint");
    for (const event of answer.syscalls) {
      const x = pixelOf(strip, tile.start + event.part * tile.width);
      paint.fillRect(x, top + 3, 1, EVENTS - 5);
      ticks.push({ x, transition: event.first, text: named(event.name, event.count) });
    }
    paint.fillStyle = colours.get("--written");
    for (const event of answer.signals) {
      const x = pixelOf(strip, tile.start + event.part * tile.width);
      paint.beginPath();
      paint.moveTo(x - 4, top);
      paint.lineTo(x + 4, top);
      paint.lineTo(x, top + 8);
      paint.fill();
      ticks.push({ x, transition: event.first, text: named(event.name, event.count) });
    }
  }
  return ticks;
}

function named(name: string, count: number): string {
  return count > 1 ? `${name} and ${count - 1} more` : name;
}

function drawThread(
  paint: Paint,
  scene: Scene,
  thread: number,
  top: number,
  colours: Colours,
): void {
  paint.fillStyle = colours.get("--timeline-thread");
  for (const { tile, answer } of scene.events) {
    const share = answer.threads.find((one) => one.id === thread)?.share ?? [];
    const wide = tile.width / scene.strip.perPixel;
    share.forEach((part, index) => {
      if (part === 0) return;
      paint.globalAlpha = 0.25 + (0.75 * part) / 255;
      const x = pixelOf(scene.strip, tile.start + index * tile.width);
      paint.fillRect(x, top, Math.max(1, wide), THREAD - 1);
    });
  }
  paint.globalAlpha = 1;
  paint.fillStyle = colours.get("--dim");
}

function drawCall(
  paint: Paint,
  scene: Scene,
  call: Call,
  top: number,
  colours: Colours,
): Box | null {
  const left = Math.max(-1, pixelOf(scene.strip, call.start));
  const right = Math.min(scene.width + 1, pixelOf(scene.strip, call.stop));
  if (right <= 0 || left >= scene.width) return null;
  const wide = Math.max(1, right - left - 0.5);
  const box = { call, left, right: left + wide, top };
  if (top > scene.height || top < -CALL) return box;
  const isActive = scene.active.has(call.id);
  paint.fillStyle = colours.get(isActive ? "--timeline-call-here" : shadeOf(call.name));
  paint.fillRect(left, top, wide, CALL - 1);
  if (wide > SHORTEST_LABEL) {
    const begin = Math.max(0, left);
    paint.fillStyle = colours.get("--timeline-call-text");
    paint.fillText(fitted(paint, call.name, right - begin - 8), begin + 4, top + CALL / 2);
  }
  return box;
}

/** Neighbours look different, and a function always the same. */
function shadeOf(name: string): string {
  let hash = 0;
  for (let i = 0; i < name.length; i += 1) hash = (hash * 31 + name.charCodeAt(i)) >>> 0;
  return `--timeline-call-${hash % 4}`;
}

const widths = new Map<string, number>();

function fitted(paint: Paint, text: string, room: number): string {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size > 5000) widths.clear();
    width = paint.measureText(text).width;
    widths.set(text, width);
  }
  if (width <= room) return text;
  const letters = Math.floor((room / width) * text.length) - 1;
  return letters > 1 ? `${text.slice(0, letters)}…` : "";
}

function drawMarks(paint: Paint, scene: Scene, colours: Colours): void {
  paint.fillStyle = colours.get("--accent");
  for (const mark of scene.found) {
    const x = pixelOf(scene.strip, mark.transition);
    if (x >= -1 && x <= scene.width) paint.fillRect(x - 0.5, RULER, 1.5, MARKS - 2);
  }
  for (const mark of scene.bookmarks) {
    const x = pixelOf(scene.strip, mark.transition);
    if (x < -8 || x > scene.width) continue;
    paint.fillStyle = colours.get("--strong");
    paint.beginPath();
    paint.moveTo(x, RULER);
    paint.lineTo(x + 7, RULER + 3.5);
    paint.lineTo(x, RULER + 7);
    paint.fill();
    paint.fillRect(x - 0.5, RULER, 1, MARKS + EVENTS - 2);
  }
  for (const mark of scene.others) {
    const x = pixelOf(scene.strip, mark.transition);
    if (x < -1 || x > scene.width) continue;
    const colour = colours.get((mark.color ?? "").replace(/^var\((.*)\)$/, "$1"));
    paint.fillStyle = colour || colours.get("--other");
    paint.fillRect(x - 0.75, 0, 1.5, scene.height);
    const text = fitted(paint, mark.label, LABEL_ROOM);
    const wide = paint.measureText(text).width + 8;
    const begin = Math.min(x, scene.width - wide);
    paint.fillRect(begin, 0, wide, RULER - 2);
    paint.fillStyle = colours.get("--on-other");
    paint.fillText(text, begin + 4, RULER / 2 - 1);
  }
}

function drawFocus(paint: Paint, scene: Scene, colours: Colours): void {
  const left = pixelOf(scene.strip, scene.focus);
  const wide = 1 / scene.strip.perPixel;
  if (left + wide < 0 || left > scene.width) return;
  paint.fillStyle = colours.get("--accent");
  if (wide > 3) {
    paint.globalAlpha = 0.2;
    paint.fillRect(left, RULER, wide, scene.height);
    paint.globalAlpha = 1;
  }
  paint.fillRect(left - 0.75, 0, 1.5, scene.height);
  paint.beginPath();
  paint.moveTo(left - 5, 0);
  paint.lineTo(left + 5, 0);
  paint.lineTo(left, 7);
  paint.fill();
}
