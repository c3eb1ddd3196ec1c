# SPDX-License-Identifier: Apache-2.0
"""The sessions hub: who listens to what, and what each of them is to be sent.

Nothing here waits for a client. Everything runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Iterable
from typing import Protocol

from reven.server.limits import LIMITS
from reven.server.outbox import Outbox, Sink, frame_of
from reven.server.session_log import Draft, Peer, SessionLog
from reven.server.session_names import DEFAULT, SessionNames
from reven2._client.messages import (
    BookmarksChanged,
    ClientKind,
    Event,
    Hello,
    Origin,
    Presence,
    PresentClient,
    Publish,
    Selection,
    Sessions,
    SessionState,
    Welcome,
)

__all__ = ["Client", "Hub"]

STATE_INTERVAL = 0.05
"""Seconds between two states of the same kind to everybody, at least."""
STATE_INTERVAL_PER_CLIENT = 0.0005
"""And this more for each client, so that many that come at once do not cost their square."""


class Connection(Sink, Protocol):
    """What a client is connected by."""

    def cut(self) -> None:
        """End it at once, whether the client reads or not."""


class Client:
    """One connected client."""

    def __init__(self, id: str, hello: Hello, *, may_publish: bool, connection: Connection):
        self.id = id
        self.name = hello.name
        self.kind: ClientKind = hello.kind
        self.may_publish = may_publish
        self.close = connection.cut
        self.outbox = Outbox(connection)
        self.sessions: dict[str, float] = {}
        """Those that it listens to, and since when."""
        self.watching: set[str] = set()
        self.selection: Selection | None = None

    @property
    def origin(self) -> Origin:
        return Origin(self.id, self.name, self.kind)

    def as_peer(self) -> Peer:
        return Peer(self.origin, self.selection, dict(self.sessions))


class Hub:
    """All sessions of a server.

    Parameters:
        log: orders what is published, and tells of other server processes.
        names: the known sessions.
    """

    def __init__(self, log: SessionLog, names: SessionNames) -> None:
        self._log = log
        self._names = names
        self._clients: dict[str, Client] = {}
        self._listeners: dict[str, dict[str, Client]] = {}
        self._watchers: dict[str, dict[str, Client]] = {}
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._last_states = 0.0
        self._sent = b""

    @property
    def epoch(self) -> str:
        return self._log.epoch

    async def start(self) -> None:
        await self._log.start(
            on_event=self._deliver, on_peers=self._peers_changed, on_epoch=self._cut_all
        )

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._log.stop()

    # ------------------------------------------------------------------ clients

    def join(self, hello: Hello, *, may_publish: bool, connection: Connection) -> Client:
        """A client has connected, or is back. Its outbox then holds its welcome, the
        sessions, and what it missed or the latest of the sessions it listens to."""
        for session in hello.listen:
            self._names.add(session)
        former = self._clients.get(hello.client)
        if former is not None and former.may_publish == may_publish:
            # Its old connection is dead, only nobody has noticed yet.
            self.leave(former)
            former.close()
        is_id = re.fullmatch(r"[0-9a-f]{16}", hello.client) is not None
        known = is_id and hello.epoch == self.epoch and hello.client not in self._clients
        client = Client(
            hello.client if known else secrets.token_hex(8),
            hello,
            may_publish=may_publish,
            connection=connection,
        )
        self._clients[client.id] = client
        client.outbox.put_reply(Welcome(client.id, self.epoch, may_publish, LIMITS))
        seen = {one.session: one.sequence for one in hello.seen} if known else {}
        for session in dict.fromkeys(hello.listen):
            self._add_listener(client, session)
        self._send_states_to(client)
        for session in dict.fromkeys(hello.listen):
            self._catch_up(client, session, seen.get(session))
        return client

    def leave(self, client: Client) -> None:
        """The client has gone."""
        if self._clients.get(client.id) is not client:
            return
        del self._clients[client.id]
        for session in client.sessions:
            self._listeners[session].pop(client.id, None)
        for session in client.watching:
            self._watchers[session].pop(client.id, None)
        self._change(client.sessions)

    def listen(self, client: Client, session: str) -> None:
        self._names.add(session)
        if session not in client.sessions:
            self._add_listener(client, session)
            self._catch_up(client, session, None)
        self._send_states_to(client)

    def unlisten(self, client: Client, session: str) -> None:
        client.sessions.pop(session, None)
        self._listeners.get(session, {}).pop(client.id, None)
        self._change((session,))
        self._send_states_to(client)

    def watch(self, client: Client, session: str) -> None:
        """Send the client who listens to the session, now and whenever it changes."""
        self._names.add(session)
        client.watching.add(session)
        self._watchers.setdefault(session, {})[client.id] = client
        client.outbox.put_state(f"presence {session}", self._presence_frame(session))

    def set_where(self, client: Client, selection: Selection | None) -> None:
        client.selection = selection
        self._change(client.sessions)

    @property
    def has_clients(self) -> bool:
        return bool(self._clients)

    def tell_bookmarks(self, changed: BookmarksChanged) -> None:
        """Tell every client of this process that a scenario's bookmarks are others now."""
        frame = frame_of(changed)
        for client in self._clients.values():
            client.outbox.put_state(f"bookmarks {changed.scenario}", frame)

    def know(self, sessions: Iterable[str]) -> None:
        """Make sessions known: a client tracks them.

        Raises:
            InvalidArgumentError: one of them is no name of a session.
        """
        for session in sessions:
            self._names.add(session)

    # ------------------------------------------------------------------ publishing

    async def publish_from(self, client: Client, message: Publish) -> int:
        """What `publish` does, for a connected client."""
        self.set_where(client, message.selection)
        return await self.publish(
            message.sessions, message.selection, client.origin, f"{client.id} {message.number}"
        )

    async def publish(
        self, sessions: Iterable[str], selection: Selection, origin: Origin, key: str = ""
    ) -> int:
        """Publish to sessions, which come to exist. Returns how many clients other than
        the origin listen to one of them."""
        wanted = list(dict.fromkeys(sessions))
        for session in wanted:
            self._names.add(session)
        await self._log.publish(Draft(wanted, selection, origin, key))
        return len(self._listening(wanted) - {origin.client})

    def _deliver(self, event: Event) -> None:
        frame = frame_of(event)
        for client in self._listeners.get(event.session, {}).values():
            if client.id != event.origin.client:
                client.outbox.put_event(event, frame)

    # ------------------------------------------------------------------ states

    def states(self) -> list[SessionState]:
        """All known sessions, `default` first, with their listeners of every process."""
        counts: dict[str, int] = {name: len(them) for name, them in self._listeners.items()}
        for peer in self._log.peers():
            for session in peer.sessions:
                counts[session] = counts.get(session, 0) + 1
        names = dict.fromkeys(itertools.chain((DEFAULT,), self._names, self._log.names(), counts))
        return [SessionState(name, counts.get(name, 0)) for name in names]

    def presence(self, session: str) -> list[PresentClient]:
        """Who listens to the session, the longest-standing first."""
        here = [client.as_peer() for client in self._listeners.get(session, {}).values()]
        there = [peer for peer in self._log.peers() if session in peer.sessions]
        present = [
            PresentClient(
                peer.origin.client,
                peer.origin.name,
                peer.origin.kind,
                peer.selection,
                peer.sessions[session],
            )
            for peer in here + there
        ]
        return sorted(present, key=lambda one: (one.since, one.client))

    def _listening(self, sessions: list[str]) -> set[str]:
        ids = {id for session in sessions for id in self._listeners.get(session, ())}
        wanted = set(sessions)
        ids |= {
            peer.origin.client for peer in self._log.peers() if wanted.intersection(peer.sessions)
        }
        return ids

    def _add_listener(self, client: Client, session: str) -> None:
        client.sessions[session] = time.time()
        self._listeners.setdefault(session, {})[client.id] = client
        self._change((session,))

    def _catch_up(self, client: Client, session: str, seen: int | None) -> None:
        history = self._log.history
        missed = None if seen is None else history.since(session, seen)
        if missed is None:
            last = history.last(session)
            missed = [] if last is None else [last]
            if seen is not None:
                client.outbox.put_gap(session)
        for event in missed:
            if event.origin.client != client.id:
                client.outbox.put_event(event, frame_of(event))

    def _peers_changed(self) -> None:
        self._change(self._watchers)

    def _cut_all(self) -> None:
        for client in list(self._clients.values()):
            client.close()

    def _change(self, sessions: Iterable[str]) -> None:
        """States of these sessions have changed: send them soon, once for all changes."""
        self._changed.update(sessions)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            interval = STATE_INTERVAL + STATE_INTERVAL_PER_CLIENT * len(self._clients)
            delay = self._last_states + interval - loop.time()
            self._timer = loop.call_later(max(0.0, delay), self._send_states)

    def _send_states(self) -> None:
        self._timer = None
        self._last_states = asyncio.get_running_loop().time()
        changed, self._changed = self._changed, set()
        frame = self._sessions_frame()
        if frame != self._sent:
            self._sent = frame
            for client in self._clients.values():
                client.outbox.put_state("sessions", frame)
        for session in changed:
            watchers = self._watchers.get(session)
            if watchers:
                frame = self._presence_frame(session)
                for client in watchers.values():
                    client.outbox.put_state(f"presence {session}", frame)
        self._log.announce(self._known_here)

    def _known_here(self) -> tuple[list[Peer], list[str]]:
        return [client.as_peer() for client in self._clients.values()], list(self._names)

    def _send_states_to(self, client: Client) -> None:
        client.outbox.put_state("sessions", self._sessions_frame())

    def _sessions_frame(self) -> bytes:
        return frame_of(Sessions(self.states()))

    def _presence_frame(self, session: str) -> bytes:
        return frame_of(Presence(session, self.presence(session)))
