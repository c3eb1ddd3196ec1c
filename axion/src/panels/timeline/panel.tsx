// SPDX-License-Identifier: Apache-2.0
import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { addCommands } from "../../commands";
import { focus, go, total } from "../../focus";
import { bookmarks, found, presence } from "../../marks";
import { scenario } from "../../scenario";
import { theme } from "../../shell/theme";
import { activeCalls } from "../calls/current";
import type { Panel } from "../registry";
import { CALL, type Call, coloursOf, draw, EVENTS, MARKS, type Painted, RULER } from "./draw";
import { down, shown, size, strip } from "./state";
import { inside, revealing, short, transitionAt, zoomed } from "./strip";
import { Tiles } from "./tiles";
import "./timeline.css";

const DRAGGED = 4;
const NEAR = 4;
const WHEEL = 0.0015;
const ZOOM = 2;
const DEEPEST = 400;

const redraw = signal(0);
const tip = signal<{ x: number; y: number; text: string } | null>(null);

const again = () => {
  redraw.value += 1;
};
const events = new Tiles(
  "timeline_events",
  ({ start, width }) => ({ start, width, parts: 256 }),
  again,
);
const calls = new Tiles(
  "timeline_calls",
  ({ start, width }) => ({
    start,
    stop: start + 256 * width,
    shortest: width,
    shallowest: 0,
    deepest: DEEPEST,
  }),
  again,
);

function zoom(factor: number, x?: number): void {
  const { width } = size.peek();
  const now = shown();
  const at =
    x ?? Math.min(Math.max((focus.peek().transition - now.start) / now.perPixel, 0), width);
  strip.value = zoomed(now, factor, at, total.peek(), width);
}

function pan(pixels: number): void {
  const now = shown();
  strip.value = inside(
    { start: now.start + pixels * now.perPixel, perPixel: now.perPixel },
    total.peek(),
    size.peek().width,
  );
}

/** Show a call as wide as the strip. */
function zoomTo(call: Call): void {
  const { width } = size.peek();
  const perPixel = ((call.stop - call.start) * 1.1) / Math.max(1, width);
  strip.value = inside(
    { start: call.start - (call.stop - call.start) * 0.05, perPixel },
    total.peek(),
    width,
  );
}

let painted: Painted = { boxes: [], ticks: [], height: 0 };

function paint(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext("2d");
  const { width, height } = size.peek();
  if (!context || width === 0 || height === 0) return;
  const scale = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  const now = shown();
  const { scenario: name, transition } = focus.peek();
  const drawn = draw(
    context,
    {
      strip: now,
      width,
      height,
      down: down.peek(),
      total: total.peek(),
      focus: transition,
      active: activeCalls.peek(),
      threads: (scenario.peek()?.threads ?? []).map((thread) => thread.id),
      events: events.wanted(name, now, total.peek(), width),
      calls: calls.wanted(name, now, total.peek(), width),
      bookmarks: bookmarks.peek(),
      found: found.peek(),
      others: presence.peek(),
    },
    coloursOf(canvas),
  );
  painted = drawn;
  revealCalls();
  canvas.dataset.start = String(now.start);
  canvas.dataset.perPixel = String(now.perPixel);
  canvas.dataset.calls = String(painted.boxes.length);
}

/** The calls that were brought into view. */
let revealed: ReadonlySet<number | null> = new Set();

/** Of several threads, or of a deep stack, bring the calls at the focus into view, once. */
function revealCalls(): void {
  const active = activeCalls.peek();
  if (active === revealed) return;
  const boxes = painted.boxes.filter((box) => active.has(box.call.id));
  const [first] = boxes;
  if (!first) return;
  revealed = active;
  const lowest = boxes.reduce((one, other) => (one.top > other.top ? one : other), first);
  const above = RULER + MARKS + EVENTS - lowest.top;
  const below = lowest.top + CALL - size.peek().height;
  if (below > 0 || above > 0) scrollDown(below > 0 ? below : -above);
}

/** What is at a point of the canvas. */
function under(x: number, y: number): { text: string; transition: number; call?: Call } {
  const transition = transitionAt(shown(), x, total.peek());
  if (y < RULER + MARKS) {
    const near = [...bookmarks.peek(), ...presence.peek(), ...found.peek()]
      .map((mark) => ({
        mark,
        off: Math.abs((mark.transition - shown().start) / shown().perPixel - x),
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
    const tick = painted.ticks
      .filter((one) => Math.abs(one.x - x) <= NEAR)
      .sort((one, other) => Math.abs(one.x - x) - Math.abs(other.x - x))[0];
    if (tick)
      return {
        text: `#${tick.transition.toLocaleString("en")} ${tick.text}`,
        transition: tick.transition,
      };
  }
  const box = painted.boxes.find(
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

const KEYS: Record<string, () => void> = {
  "+": () => zoom(1 / ZOOM),
  "=": () => zoom(1 / ZOOM),
  "-": () => zoom(ZOOM),
  "0": () => {
    strip.value = null;
  },
  ArrowLeft: () => move(-0.01),
  ArrowRight: () => move(0.01),
  PageUp: () => move(-0.1),
  PageDown: () => move(0.1),
  Home: () => go({ transition: 0 }),
  End: () => go({ transition: total.peek() - 1 }),
  ArrowDown: () => scrollDown(CALL),
  ArrowUp: () => scrollDown(-CALL),
  "Shift+ArrowLeft": () => pan(-size.peek().width / 10),
  "Shift+ArrowRight": () => pan(size.peek().width / 10),
};

/** Move the focus by a share of what is seen. */
function move(share: number): void {
  const by = Math.trunc(share * size.peek().width * shown().perPixel) || Math.sign(share);
  go({ transition: focus.peek().transition + by }, { isStep: true });
}

function scrollDown(pixels: number): void {
  const most = Math.max(0, painted.height - size.peek().height);
  down.value = Math.min(Math.max(0, down.peek() + pixels), most);
}

function Timeline() {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const element = canvas.current;
    if (!element || !frame.current) return;
    const watching = new ResizeObserver(([entry]) => {
      if (entry) size.value = entry.contentRect;
    });
    watching.observe(frame.current);
    let waiting = 0;
    const stop = effect(() => {
      // Everything that is painted.
      void [strip.value, down.value, size.value, redraw.value, theme.value, total.value];
      void [focus.value, bookmarks.value, found.value, presence.value, scenario.value];
      void activeCalls.value;
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => paint(element));
    });
    let last = focus.peek();
    const following = effect(() => {
      const to = focus.value;
      if (to.scenario !== last.scenario) strip.value = null;
      else if (to.transition !== last.transition && strip.peek())
        strip.value = revealing(shown(), to.transition, total.peek(), size.peek().width);
      last = to;
    });
    const removeCommands = addCommands(
      {
        id: "timeline.in",
        title: "Zoom the timeline in",
        group: "Look",
        keys: ["]"],
        run: () => zoom(1 / ZOOM),
      },
      {
        id: "timeline.out",
        title: "Zoom the timeline out",
        group: "Look",
        keys: ["["],
        run: () => zoom(ZOOM),
      },
      {
        id: "timeline.all",
        title: "Show the whole trace in the timeline",
        group: "Look",
        keys: ["\\"],
        run: () => {
          strip.value = null;
        },
      },
    );
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const x = event.offsetX;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
        pan(event.deltaX || event.deltaY);
      else zoom(Math.exp(event.deltaY * WHEEL), x);
    };
    // Not passive: the page must not scroll.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      watching.disconnect();
      stop();
      following();
      removeCommands();
      events.stop();
      calls.stop();
      cancelAnimationFrame(waiting);
      element.removeEventListener("wheel", onWheel);
    };
  }, []);

  function onPointerDown(event: PointerEvent): void {
    const element = canvas.current;
    if (!element || event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    const from = { x: event.clientX, y: event.clientY, strip: shown(), down: down.peek() };
    let dragging = false;
    const onMove = (moved: PointerEvent) => {
      const x = moved.clientX - from.x;
      const y = moved.clientY - from.y;
      if (!dragging && Math.hypot(x, y) < DRAGGED) return;
      dragging = true;
      tip.value = null;
      element.classList.add("dragged");
      const { start, perPixel } = from.strip;
      const moving = { start: start - x * perPixel, perPixel };
      strip.value = inside(moving, total.peek(), size.peek().width);
      down.value = from.down;
      scrollDown(-y);
    };
    const onUp = (up: PointerEvent) => {
      element.removeEventListener("pointermove", onMove);
      element.classList.remove("dragged");
      if (dragging || up.type !== "pointerup") return;
      const box = element.getBoundingClientRect();
      go({ transition: under(up.clientX - box.left, up.clientY - box.top).transition });
    };
    element.addEventListener("pointermove", onMove);
    element.addEventListener("pointerup", onUp, { once: true });
    element.addEventListener("pointercancel", onUp, { once: true });
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const run = KEYS[event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key];
    if (!run) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }

  return (
    <div class="timeline" ref={frame}>
      <canvas
        ref={canvas}
        data-keyboard
        tabIndex={0}
        role="slider"
        aria-label="Timeline: position in the trace"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, total.value - 1)}
        aria-valuenow={focus.value.transition}
        aria-valuetext={`Transition ${focus.value.transition} of ${total.value}`}
        onPointerDown={onPointerDown}
        onPointerMove={(event) => {
          const at = { x: event.offsetX, y: event.offsetY };
          tip.value = event.buttons ? null : { ...at, text: under(at.x, at.y).text };
        }}
        onPointerLeave={() => {
          tip.value = null;
        }}
        onDblClick={(event) => {
          const { call } = under(event.offsetX, event.offsetY);
          if (call) zoomTo(call);
        }}
        onKeyDown={onKeyDown}
      />
      <Tip />
    </div>
  );
}

function Tip() {
  const at = tip.value;
  if (!at) return null;
  const { width, height } = size.value;
  const left = at.x < width / 2;
  const above = at.y > height / 2;
  return (
    <div
      class="tip"
      aria-hidden="true"
      style={{
        ...(left ? { left: `${at.x + 12}px` } : { right: `${width - at.x + 12}px` }),
        ...(above ? { bottom: `${height - at.y + 8}px` } : { top: `${at.y + 12}px` }),
      }}
    >
      {at.text}
    </div>
  );
}

export const panel: Panel = {
  id: "timeline",
  title: "Timeline",
  component: Timeline,
  place: "top",
};
