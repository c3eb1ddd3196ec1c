// SPDX-License-Identifier: Apache-2.0
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { focus, go, total } from "../../focus";
import { bookmarks, found, marked, presence } from "../../marks";
import { scenario } from "../../scenario";
import { theme } from "../../ui/theme";
import { activeCalls } from "../calls/current";
import { definePanel } from "../panel";
import { CALL } from "./draw";
import { TimelineState } from "./state";
import { inside, revealing } from "./strip";
import "./timeline.css";

const DRAGGED = 4;
const WHEEL = 0.0015;
const ZOOM = 2;

const KEYS: Record<string, (state: TimelineState) => void> = {
  "+": (state) => state.zoom(1 / ZOOM),
  "=": (state) => state.zoom(1 / ZOOM),
  "-": (state) => state.zoom(ZOOM),
  "0": (state) => {
    state.strip.value = null;
  },
  ArrowLeft: (state) => state.move(-0.01),
  ArrowRight: (state) => state.move(0.01),
  PageUp: (state) => state.move(-0.1),
  PageDown: (state) => state.move(0.1),
  Home: () => go({ transition: 0 }),
  End: () => go({ transition: total.peek() - 1 }),
  ArrowDown: (state) => state.scrollDown(CALL),
  ArrowUp: (state) => state.scrollDown(-CALL),
  "Shift+ArrowLeft": (state) => state.pan(-state.size.peek().width / 10),
  "Shift+ArrowRight": (state) => state.pan(state.size.peek().width / 10),
};

function Timeline({ state }: { state: TimelineState }) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const element = canvas.current;
    if (!element || !frame.current) return;
    const watching = new ResizeObserver(([entry]) => {
      if (entry) state.size.value = entry.contentRect;
    });
    watching.observe(frame.current);
    let waiting = 0;
    const stop = effect(() => {
      // Everything that is state.painted.
      void [
        state.strip.value,
        state.down.value,
        state.size.value,
        state.redraw.value,
        theme.value,
        total.value,
      ];
      void [focus.value, bookmarks.value, found.value, presence.value, scenario.value];
      void activeCalls.value;
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => state.paint(element));
    });
    let last = focus.peek();
    const following = effect(() => {
      const to = focus.value;
      if (to.scenario !== last.scenario) state.strip.value = null;
      else if (to.transition !== last.transition && state.strip.peek())
        state.strip.value = revealing(
          state.shown(),
          to.transition,
          total.peek(),
          state.size.peek().width,
        );
      last = to;
    });
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const x = event.offsetX;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
        state.pan(event.deltaX || event.deltaY);
      else state.zoom(Math.exp(event.deltaY * WHEEL), x);
    };
    // Not passive: the page must not scroll.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      watching.disconnect();
      stop();
      following();
      state.events.stop();
      state.calls.stop();
      cancelAnimationFrame(waiting);
      element.removeEventListener("wheel", onWheel);
    };
  }, []);

  function onPointerDown(event: PointerEvent): void {
    const element = canvas.current;
    if (!element || event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    const from = {
      x: event.clientX,
      y: event.clientY,
      strip: state.shown(),
      down: state.down.peek(),
    };
    let dragging = false;
    const onMove = (moved: PointerEvent) => {
      const x = moved.clientX - from.x;
      const y = moved.clientY - from.y;
      if (!dragging && Math.hypot(x, y) < DRAGGED) return;
      dragging = true;
      state.tip.value = null;
      element.classList.add("dragged");
      const { start, perPixel } = from.strip;
      const moving = { start: start - x * perPixel, perPixel };
      state.strip.value = inside(moving, total.peek(), state.size.peek().width);
      state.down.value = from.down;
      state.scrollDown(-y);
    };
    const onUp = (up: PointerEvent) => {
      element.removeEventListener("pointermove", onMove);
      element.classList.remove("dragged");
      if (dragging || up.type !== "pointerup") return;
      const box = element.getBoundingClientRect();
      go({ transition: state.under(up.clientX - box.left, up.clientY - box.top).transition });
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
    run(state);
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
          state.tip.value = event.buttons ? null : { ...at, text: state.under(at.x, at.y).text };
        }}
        onPointerLeave={() => {
          state.tip.value = null;
        }}
        onDblClick={(event) => {
          const { call } = state.under(event.offsetX, event.offsetY);
          if (call) state.zoomTo(call);
        }}
        onKeyDown={onKeyDown}
      />
      <Tip state={state} />
    </div>
  );
}

function Tip({ state }: { state: TimelineState }) {
  const at = state.tip.value;
  if (!at) return null;
  const { width, height } = state.size.value;
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

export const panel = definePanel({
  id: "timeline",
  title: "Timeline",
  place: "top",
  open: () => {
    const state = new TimelineState();
    const stop = effect(() => {
      marked.value = state.seen.value;
    });
    return {
      content: () => <Timeline state={state} />,
      close: () => {
        stop();
        marked.value = null;
      },
      state,
    };
  },
  commands: [
    {
      id: "timeline.in",
      title: "Zoom the timeline in",
      group: "Look",
      keys: ["]"],
      run: ({ state }) => state.zoom(1 / ZOOM),
    },
    {
      id: "timeline.out",
      title: "Zoom the timeline out",
      group: "Look",
      keys: ["["],
      run: ({ state }) => state.zoom(ZOOM),
    },
    {
      id: "timeline.all",
      title: "Show the whole trace in the timeline",
      group: "Look",
      keys: ["\\"],
      run: ({ state }) => {
        state.strip.value = null;
      },
    },
  ],
});
