// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import type { ErrorAnswer, Queries, ServerInfo, Views } from "./types";

/** `lost`: the server does not answer, and is asked until it does. `locked`: it wants a token. */
export type Connection = "connecting" | "connected" | "lost" | "locked";

export const connection = signal<Connection>("connecting");

/** The server, anew after each time that it was gone. */
export const server = signal<ServerInfo | null>(null);

/** A request that the server refused; `message` is its one sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly error: string,
    message: string,
  ) {
    super(message);
  }
}

const RETRY_MILLISECONDS = 500;
// Where only pages of this very port can read it; a cookie would go to every port of the host.
const SECRET_KEY = "reven.secret";
/** One page of a browser among those that show the same secret. */
const PAGE = crypto.getRandomValues(new Uint32Array(4)).join("-");

const secret = (): string => localStorage.getItem(SECRET_KEY) ?? "";

/** The headers that say who asks. */
function headers(): Record<string, string> {
  return { authorization: `Bearer ${secret()}`, "reven-client": PAGE };
}

/** The subprotocols that say it of a WebSocket, which cannot have headers. */
export function protocols(): string[] {
  return ["reven.sessions", ...(secret() ? [`reven.bearer.${secret()}`] : [])];
}

let reconnected: Promise<void> | null = null;
let wake: (() => void) | null = null;

/** Resolves once the server answers, with a token if it wants one. */
export function connect(): Promise<void> {
  reconnected ??= (async () => {
    for (;;) {
      const answer = await fetch("/api/v1/server", {
        cache: "no-store",
        headers: headers(),
      }).catch(() => null);
      if (answer?.ok) {
        server.value = (await answer.json()) as ServerInfo;
        connection.value = "connected";
        reconnected = null;
        return;
      }
      connection.value = answer?.status === 401 ? "locked" : "lost";
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (connection.value === "lost") setTimeout(resolve, RETRY_MILLISECONDS);
      });
    }
  })();
  return reconnected;
}

/** Give the server a token. Resolves to what is wrong with it, or null. */
export async function logIn(token: string): Promise<string | null> {
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  }).catch(() => null);
  if (answer?.ok) {
    localStorage.setItem(SECRET_KEY, ((await answer.json()) as { secret: string }).secret);
    wake?.();
    return null;
  }
  return answer ? ((await answer.json()) as ErrorAnswer).message : "The server does not answer.";
}

/**
 * A request to the API. One that meets no server, or a locked one, waits for it and is then
 * sent again. Throws ApiError, or the signal's AbortError.
 */
export async function request<Answer>(
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: unknown,
  abort?: AbortSignal,
): Promise<Answer> {
  for (;;) {
    if (connection.peek() !== "connected") await connect();
    abort?.throwIfAborted();
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(`/api/v1/${path}`, {
        method,
        signal: abort ?? null,
        cache: "no-store",
        ...(body === undefined
          ? { headers: headers() }
          : {
              headers: { ...headers(), "content-type": "application/json" },
              body: JSON.stringify(body),
            }),
      });
      text = await answer.text();
    } catch (problem) {
      if (abort?.aborted) throw problem;
      connection.value = "lost";
      continue;
    }
    if (answer.status === 503) {
      // It ends, and may be started again.
      connection.value = "lost";
      continue;
    }
    if (answer.status === 401) {
      connection.value = "locked";
      continue;
    }
    if (answer.ok) return JSON.parse(text) as Answer;
    let said: ErrorAnswer = {
      error: "ServerError",
      message: `The server answered ${answer.status}.`,
    };
    try {
      said = JSON.parse(text) as ErrorAnswer;
    } catch {
      // Not what this server sends, but what something between says.
    }
    throw new ApiError(answer.status, said.error, said.message);
  }
}

/** Ask a query of a scenario. Bytes of arguments and answers are base64. */
export function query<Name extends keyof Queries>(
  scenario: string,
  name: Name,
  query_arguments: Queries[Name]["arguments"],
  abort?: AbortSignal,
): Promise<Queries[Name]["answer"]> {
  const path = `scenarios/${encodeURIComponent(scenario)}/${name}`;
  return request("POST", path, query_arguments, abort);
}

/** Ask for what a view shows, without the cache of `views.ts`. */
export function requestView<Name extends keyof Views>(
  scenario: string,
  name: Name,
  view_arguments: Views[Name]["arguments"],
  abort?: AbortSignal,
): Promise<Views[Name]["answer"]> {
  const path = `scenarios/${encodeURIComponent(scenario)}/views/${name}`;
  return request("POST", path, view_arguments, abort);
}
