// SPDX-License-Identifier: Apache-2.0
// A timeline: where its strip is scrolled to, what is painted, and what is at a point of it.
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { focus, go, total } from "../../focus";
import { bookmarks, found, presence } from "../../marks";
import { scenario } from "../../scenario";
import { activeCalls } from "../calls/current";
import { CALL, type Call, coloursOf, draw, EVENTS, MARKS, type Painted, RULER } from "./draw";
import { inside, type Strip, short, transitionAt, whole, zoomed } from "./strip";
import { Tiles } from "./tiles";

const NEAR = 4;
const DEEPEST = 400;

/** It stays when the panel is hidden. */
export class TimelineState {
  /** null shows all of the trace. */
  readonly strip = signal<Strip | null>(null);
  /** How far the calls are scrolled down, in pixels. */
  readonly down = signal(0);
  /** Of the canvas, in CSS pixels. */
  readonly size = signal({ width: 0, height: 0 });
  readonly redraw = signal(0);
  readonly tip = signal<{ x: number; y: number; text: string } | null>(null);
  painted: Painted = { boxes: [], ticks: [], height: 0 };
  /** The calls that were brought into view. */
  private revealed: ReadonlySet<number | null> = new Set();

  readonly #again = () => {
    this.redraw.value += 1;
  };
  readonly events = new Tiles(
    "timeline_events",
    ({ start, width }) => ({ start, width, parts: 256 }),
    this.#again,
  );
  readonly calls = new Tiles(
    "timeline_calls",
    ({ start, width }) => ({
      start,
      stop: start + 256 * width,
      shortest: width,
      shallowest: 0,
      deepest: DEEPEST,
    }),
    this.#again,
  );

  readonly #current: ReadonlySignal<Strip> = computed(() => {
    const { width } = this.size.value;
    const strip = this.strip.value;
    return strip ? inside(strip, total.value, width) : whole(total.value, width);
  });

  shown(): Strip {
    return this.#current.peek();
  }

  /** The transitions that are seen, and how many of them are a pixel. */
  readonly seen = computed(() => {
    const { start, perPixel } = this.#current.value;
    const pixels = this.size.value.width || 1000;
    const first = Math.floor(start);
    const width = Math.max(1, Math.floor(perPixel));
    const stop = Math.min(total.value, Math.ceil(start + perPixel * pixels));
    return { start: first, stop, width };
  });

  zoom(factor: number, x?: number): void {
    const { width } = this.size.peek();
    const now = this.shown();
    const at =
      x ?? Math.min(Math.max((focus.peek().transition - now.start) / now.perPixel, 0), width);
    this.strip.value = zoomed(now, factor, at, total.peek(), width);
  }

  pan(pixels: number): void {
    const now = this.shown();
    this.strip.value = inside(
      { start: now.start + pixels * now.perPixel, perPixel: now.perPixel },
      total.peek(),
      this.size.peek().width,
    );
  }

  /** Show a call as wide as the this.strip. */
  zoomTo(call: Call): void {
    const { width } = this.size.peek();
    const perPixel = ((call.stop - call.start) * 1.1) / Math.max(1, width);
    this.strip.value = inside(
      { start: call.start - (call.stop - call.start) * 0.05, perPixel },
      total.peek(),
      width,
    );
  }

  paint(canvas: HTMLCanvasElement): void {
    const context = canvas.getContext("2d");
    const { width, height } = this.size.peek();
    if (!context || width === 0 || height === 0) return;
    const scale = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide;
      canvas.height = high;
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const now = this.shown();
    const { scenario: name, transition } = focus.peek();
    const drawn = draw(
      context,
      {
        strip: now,
        width,
        height,
        down: this.down.peek(),
        total: total.peek(),
        focus: transition,
        active: activeCalls.peek(),
        threads: (scenario.peek()?.threads ?? []).map((thread) => thread.id),
        events: this.events.wanted(name, now, total.peek(), width),
        calls: this.calls.wanted(name, now, total.peek(), width),
        bookmarks: bookmarks.peek(),
        found: found.peek(),
        others: presence.peek(),
      },
      coloursOf(canvas),
    );
    this.painted = drawn;
    this.revealCalls();
    canvas.dataset.start = String(now.start);
    canvas.dataset.perPixel = String(now.perPixel);
    canvas.dataset.calls = String(this.painted.boxes.length);
  }

  /** Of several threads, or of a deep stack, bring the calls at the focus into view, once. */
  revealCalls(): void {
    const active = activeCalls.peek();
    if (active === this.revealed) return;
    const boxes = this.painted.boxes.filter((box) => active.has(box.call.id));
    const [first] = boxes;
    if (!first) return;
    this.revealed = active;
    const lowest = boxes.reduce((one, other) => (one.top > other.top ? one : other), first);
    const above = RULER + MARKS + EVENTS - lowest.top;
    const below = lowest.top + CALL - this.size.peek().height;
    if (below > 0 || above > 0) this.scrollDown(below > 0 ? below : -above);
  }

  /** What is at a point of the canvas. */
  under(x: number, y: number): { text: string; transition: number; call?: Call } {
    const transition = transitionAt(this.shown(), x, total.peek());
    if (y < RULER + MARKS) {
      const near = [...bookmarks.peek(), ...presence.peek(), ...found.peek()]
        .map((mark) => ({
          mark,
          off: Math.abs((mark.transition - this.shown().start) / this.shown().perPixel - x),
        }))
        .filter(({ off }) => off <= NEAR)
        .sort((one, other) => one.off - other.off)[0];
      if (near) {
        const { mark } = near;
        return {
          text: `#${mark.transition.toLocaleString("en")} ${mark.label}`,
          transition: mark.transition,
        };
      }
    } else if (y < RULER + MARKS + EVENTS) {
      const tick = this.painted.ticks
        .filter((one) => Math.abs(one.x - x) <= NEAR)
        .sort((one, other) => Math.abs(one.x - x) - Math.abs(other.x - x))[0];
      if (tick)
        return {
          text: `#${tick.transition.toLocaleString("en")} ${tick.text}`,
          transition: tick.transition,
        };
    }
    const box = this.painted.boxes.find(
      (one) =>
        y >= RULER + MARKS + EVENTS &&
        x >= one.left &&
        x <= one.right &&
        y >= one.top &&
        y < one.top + CALL - 1,
    );
    const place = `#${transition.toLocaleString("en")}`;
    if (!box) return { text: place, transition };
    const { call } = box;
    return {
      text: `${call.name} · ${short(call.stop - call.start)} transitions from #${call.start.toLocaleString("en")}`,
      transition,
      call,
    };
  }

  /** Move the focus by a share of what is seen. */
  move(share: number): void {
    const by =
      Math.trunc(share * this.size.peek().width * this.shown().perPixel) || Math.sign(share);
    go({ transition: focus.peek().transition + by }, { isStep: true });
  }

  scrollDown(pixels: number): void {
    const most = Math.max(0, this.painted.height - this.size.peek().height);
    this.down.value = Math.min(Math.max(0, this.down.peek() + pixels), most);
  }
}
