// SPDX-License-Identifier: Apache-2.0
// The types of the HTTP API and of the sessions WebSocket, by the names that the server gives
// them. `scripts/axion_types` makes schema.ts from what the server describes.

import type { paths } from "./schema";

export type * from "./schema";

type Json<Body> = Body extends { content: { "application/json": infer Type } } ? Type : never;

/** A request: what it is asked with, and what the server answers. */
type Call<Operation> = Operation extends {
  requestBody: infer Asked;
  responses: { 200: infer Answered };
}
  ? { arguments: Json<Asked>; answer: Json<Answered> }
  : never;

/** The name that a path ends on, below another. */
type NameBelow<Path, Above extends string> = Path extends `${Above}/${infer Name}`
  ? Name extends `${string}/${string}`
    ? never
    : Name
  : never;

type Calls<Above extends string> = {
  [Path in keyof paths as NameBelow<Path, Above>]: Call<paths[Path]["post"]>;
};

/** Requests below /api/v1/scenarios/{scenario}/, by name. */
export type Queries = Calls<"/api/v1/scenarios/{scenario}">;

/** Requests below /api/v1/scenarios/{scenario}/views/, by name. */
export type Views = Calls<"/api/v1/scenarios/{scenario}/views">;
