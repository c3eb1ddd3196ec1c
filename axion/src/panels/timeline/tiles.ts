// SPDX-License-Identifier: Apache-2.0
// The tiles that a strip needs: those that are here, and asking for the others.

import type { Views } from "../../api/types";
import { kept, view } from "../../api/views";
import { sayProblem } from "../../ui/toast";
import type { Loaded } from "./draw";
import { levelOf, type Strip, TILE_PARTS, type Tile, tilesOf } from "./strip";

/** So many are asked for at once: what they wait for may still be built, and others wait too. */
const AT_ONCE = 2;
/** So many levels up coarser tiles stand in for those that are still to come. */
const COARSER = 6;

export class Tiles<Name extends "timeline_events" | "timeline_calls"> {
  #asking = new Map<string, AbortController>();
  #refused = new Set<string>();

  constructor(
    private readonly name: Name,
    private readonly ask: (tile: Tile) => Views[Name]["arguments"],
    private readonly came: () => void,
  ) {}

  /** What is here to paint; the rest is asked for, what is not wanted any more is not. */
  wanted(
    scenario: string,
    strip: Strip,
    total: number,
    pixels: number,
  ): Loaded<Views[Name]["answer"]>[] {
    const level = levelOf(strip);
    const loaded: Loaded<Views[Name]["answer"]>[] = [];
    const needed = new Set<string>();
    for (const tile of tilesOf(strip, level, total, pixels)) {
      const answer = kept(scenario, this.name, this.ask(tile));
      if (answer !== undefined) {
        loaded.push({ tile, answer });
        continue;
      }
      const key = `${scenario}/${tile.start}/${tile.width}`;
      needed.add(key);
      this.#request(scenario, tile, key);
      const coarse = this.#coarser(scenario, tile, level);
      if (coarse && !loaded.some((one) => one.tile.start === coarse.tile.start))
        loaded.push(coarse);
    }
    for (const [key, aborting] of this.#asking)
      if (!needed.has(key)) {
        aborting.abort();
        this.#asking.delete(key);
      }
    return loaded;
  }

  stop(): void {
    for (const aborting of this.#asking.values()) aborting.abort();
    this.#asking.clear();
  }

  #coarser(scenario: string, tile: Tile, level: number): Loaded<Views[Name]["answer"]> | null {
    for (let above = level + 1; above <= level + COARSER; above += 1) {
      const width = 2 ** above;
      const size = width * TILE_PARTS;
      const parent = { start: Math.floor(tile.start / size) * size, width };
      const answer = kept(scenario, this.name, this.ask(parent));
      if (answer !== undefined) return { tile: parent, answer };
    }
    return null;
  }

  #request(scenario: string, tile: Tile, key: string): void {
    if (this.#asking.has(key) || this.#refused.has(key) || this.#asking.size >= AT_ONCE) return;
    const aborting = new AbortController();
    this.#asking.set(key, aborting);
    view(scenario, this.name, this.ask(tile), { abort: aborting.signal, ahead: true }).then(
      () => {
        this.#asking.delete(key);
        this.came();
      },
      (problem: unknown) => {
        if (aborting.signal.aborted) return;
        this.#asking.delete(key);
        this.#refused.add(key);
        sayProblem(problem);
      },
    );
  }
}
