// SPDX-License-Identifier: Apache-2.0
// The connection to the sessions of a server. It is made again whenever it breaks, and then
// gets what was missed and sends again what was not confirmed.
import { batch, signal } from "@preact/signals";
import { protocols } from "../api/client";
import type {
  ClientMessage,
  Limits,
  PresentClient,
  Publish,
  Selection,
  ServerMessage,
  SessionEvent,
  SessionState,
} from "./messages";

const VERSION = 3;
const FIRST_DELAY = 50;
const LONGEST_DELAY = 4000;
/** So long a greeting may take to be answered. */
const WELCOME_SECONDS = 10;
const CONFIRMATIONS_KEPT = 32;

export type ConnectionState = "connecting" | "open" | "lost";

export interface Handlers {
  event(event: SessionEvent): void;
  problem(message: string): void;
  bookmarks(scenario: string, revision: number): void;
  /** The connection was refused or broke. Resolves once the server answers. */
  lost(): Promise<void>;
}

export class SessionConnection {
  readonly state = signal<ConnectionState>("connecting");
  readonly sessions = signal<SessionState[]>([]);
  /** The session that is listened to; "" for none. */
  readonly session = signal("");
  /** Who else listens to it; null while that is not known. */
  readonly others = signal<PresentClient[] | null>(null);
  readonly mayPublish = signal(false);
  /** How many heard the last publish. */
  readonly heard = signal<number | null>(null);
  /** What the server asks of its clients; null before its first welcome. */
  readonly limits = signal<Limits | null>(null);
  client = "";

  #socket: WebSocket | null = null;
  #key = "";
  #epoch = "";
  #seen = new Map<string, number>();
  #number = 0;
  #unconfirmed = new Map<number, Publish>();
  #where: Selection | null = null;
  #delay = FIRST_DELAY;
  #timer = 0;
  #silence = 0;
  #closed = false;
  /** The session that the greeting named. */
  #greeted = "";

  constructor(
    private readonly url: string,
    private name: string,
    private readonly handlers: Handlers,
  ) {}

  open(): void {
    this.#closed = false;
    window.clearTimeout(this.#timer);
    this.state.value = this.state.value === "lost" ? "lost" : "connecting";
    const socket = new WebSocket(this.url, protocols());
    this.#socket = socket;
    socket.onopen = () => this.#hello();
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.#receive(JSON.parse(String(message.data)) as ServerMessage);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#lose();
    };
    this.#listenForSilence();
  }

  close(): void {
    this.#closed = true;
    window.clearTimeout(this.#timer);
    window.clearTimeout(this.#silence);
    this.#socket?.close();
    this.#socket = null;
  }

  /** Listen to a session instead of the one before; "" for none. */
  listen(session: string): void {
    const before = this.session.value;
    if (session === before) return;
    batch(() => {
      this.session.value = session;
      this.others.value = null;
    });
    if (before) {
      this.#seen.delete(before);
      this.#send({ type: "unlisten", session: before });
    }
    if (session) {
      this.#send({ type: "listen", session });
      this.#send({ type: "watch", session });
      if (this.#where) this.#send({ type: "where", selection: this.#where });
    }
  }

  rename(name: string): void {
    this.name = name;
    // The name is part of the greeting.
    this.#drop();
    this.open();
  }

  /** Tell who watches where this client looks. */
  setWhere(selection: Selection | null): void {
    this.#where = selection;
    if (this.session.value) this.#send({ type: "where", selection });
  }

  /** Publish to the session that is listened to. */
  publish(selection: Selection): void {
    if (!this.session.value) return;
    const message: Publish = {
      type: "publish",
      number: this.#next(),
      sessions: [this.session.value],
      selection,
    };
    this.#unconfirmed.set(message.number, message);
    for (const number of this.#unconfirmed.keys()) {
      if (this.#unconfirmed.size <= CONFIRMATIONS_KEPT) break;
      this.#unconfirmed.delete(number);
    }
    this.#send(message);
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }

  #hello(): void {
    const session = this.session.value;
    this.#greeted = session;
    const seen = this.#seen.get(session);
    this.#transmit({
      type: "hello",
      version: VERSION,
      kind: "axion",
      name: this.name,
      listen: session ? [session] : [],
      client: this.#key,
      epoch: this.#epoch,
      seen: seen === undefined ? [] : [{ session, sequence: seen }],
    });
  }

  #receive(message: ServerMessage): void {
    this.#listenForSilence();
    switch (message.type) {
      case "welcome":
        this.limits.value = message.limits;
        this.#key = message.key;
        this.#begin(message.client, message.epoch, message.may_publish);
        break;
      case "event":
        if (message.session !== this.session.value) break;
        this.#seen.set(message.session, message.sequence);
        this.handlers.event(message);
        break;
      case "published":
        this.#unconfirmed.delete(message.number);
        this.heard.value = message.listeners;
        break;
      case "sessions":
        this.sessions.value = message.sessions;
        break;
      case "presence":
        if (message.session === this.session.value)
          this.others.value = message.clients.filter((one) => one.client !== this.client);
        break;
      case "bookmarks":
        this.handlers.bookmarks(message.scenario, message.revision);
        break;
      case "ping":
        this.#send({ type: "pong" });
        break;
      case "problem":
        // What was refused once is refused again.
        if (message.number) this.#unconfirmed.delete(message.number);
        this.handlers.problem(message.message);
        break;
    }
  }

  #begin(client: string, epoch: string, mayPublish: boolean): void {
    if (epoch !== this.#epoch) {
      // Numbers of another life of the server mean nothing; what was not confirmed then
      // may be published now.
      this.#seen.clear();
    }
    this.client = client;
    this.#epoch = epoch;
    this.#delay = FIRST_DELAY;
    batch(() => {
      this.state.value = "open";
      this.mayPublish.value = mayPublish;
    });
    // Another one may have been chosen before the greeting was answered.
    if (this.#greeted && this.#greeted !== this.session.value)
      this.#send({ type: "unlisten", session: this.#greeted });
    if (this.session.value && this.#greeted !== this.session.value)
      this.#send({ type: "listen", session: this.session.value });
    if (this.session.value) this.#send({ type: "watch", session: this.session.value });
    if (this.session.value && this.#where) this.#send({ type: "where", selection: this.#where });
    for (const message of this.#unconfirmed.values()) this.#send(message);
  }

  #lose(): void {
    this.#socket = null;
    window.clearTimeout(this.#silence);
    if (this.#closed) return;
    batch(() => {
      this.state.value = "lost";
      this.others.value = null;
    });
    void this.handlers.lost().then(() => {
      if (this.#closed || this.#socket !== null) return;
      window.clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.open(), this.#delay * (0.75 + Math.random() / 2));
      this.#delay = Math.min(LONGEST_DELAY, this.#delay * 2);
    });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    window.clearTimeout(this.#timer);
    socket?.close();
  }

  #listenForSilence(): void {
    const seconds = this.limits.peek()?.silent_seconds ?? WELCOME_SECONDS;
    window.clearTimeout(this.#silence);
    this.#silence = window.setTimeout(() => {
      this.#drop();
      this.#lose();
    }, seconds * 1000);
  }

  /** What cannot be sent now follows from the greeting of the next connection. */
  #send(message: ClientMessage): void {
    if (this.state.value === "open") this.#transmit(message);
  }

  #transmit(message: ClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }
}
