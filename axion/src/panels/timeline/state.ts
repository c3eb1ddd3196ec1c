// SPDX-License-Identifier: Apache-2.0
// Where the strip is scrolled to. It stays when the panel is hidden.
import { computed, signal } from "@preact/signals";
import { total } from "../../focus";
import { inside, type Strip, whole } from "./strip";

/** null shows all of the trace. */
export const strip = signal<Strip | null>(null);
/** How far the calls are scrolled down, in pixels. */
export const down = signal(0);
/** Of the canvas, in CSS pixels. */
export const size = signal({ width: 0, height: 0 });

const current = computed(() => {
  const { width } = size.value;
  return strip.value ? inside(strip.value, total.value, width) : whole(total.value, width);
});

export function shown(): Strip {
  return current.peek();
}

/** The transitions that are seen, and how many of them are a pixel. */
export const seen = computed(() => {
  const { start, perPixel } = current.value;
  const pixels = size.value.width || 1000;
  const first = Math.floor(start);
  const width = Math.max(1, Math.floor(perPixel));
  return { start: first, stop: Math.min(total.value, Math.ceil(start + perPixel * pixels)), width };
});
