# SPDX-License-Identifier: Apache-2.0
"""The sessions hub: who listens to what, and what each of them is to be sent.

Nothing here waits for a client. Everything runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterable
from typing import Protocol

from reven.server.limits import LIMITS
from reven.server.outbox import Outbox, Sink, frame_of
from reven.server.rights import MESSAGES, NEW_SESSION, Role
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
    Problem,
    Publish,
    Selection,
    Sessions,
    SessionState,
    Welcome,
    client_of,
    session_name,
    shown_name,
)
from reven2.errors import InvalidArgumentError

__all__ = ["Client", "Hub"]

KEY_CHARACTERS = 32
VIEWERS = 256
"""So many viewers may be connected at once: others keep room, whoever passes a link on."""
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

    def __init__(self, key: str, hello: Hello, role: Role, connection: Connection):
        self.key = key
        self.id = client_of(key)
        self.name = shown_name(hello.name)
        self.kind: ClientKind = hello.kind
        self.role = role
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
            on_event=self._deliver, on_peers=self._peers_changed, on_epoch=self._begin_anew
        )

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._log.stop()

    # ------------------------------------------------------------------ clients

    def join(self, hello: Hello, role: Role, connection: Connection) -> Client:
        """A client has connected, or is back. Its outbox then holds its welcome, the
        sessions, and what it missed or the latest of the sessions it listens to."""
        sessions, problems = self._wanted(hello.listen, role)
        if role is Role.VIEWER:
            viewers = sum(client.role is Role.VIEWER for client in self._clients.values())
            if viewers >= VIEWERS:
                raise InvalidArgumentError(
                    f"{viewers} viewers are here already, and that is as many as may be."
                )
        former = self._clients.get(client_of(hello.client))
        if former is not None:
            # Its old connection is dead, only nobody has noticed yet.
            self.leave(former)
            former.close()
        known = len(hello.client) >= KEY_CHARACTERS and hello.epoch == self.epoch
        key = hello.client if known else secrets.token_hex(KEY_CHARACTERS // 2)
        client = Client(key, hello, role, connection)
        self._clients[client.id] = client
        client.outbox.put_reply(self._welcome(client))
        for problem in problems:
            client.outbox.put_reply(Problem(problem))
        seen = {session_name(one.session): one.sequence for one in hello.seen} if known else {}
        for session in sessions:
            self._add_listener(client, session)
        self._send_states_to(client)
        for session in sessions:
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
        session = self._named(session, client.role)
        if session not in client.sessions:
            self._add_listener(client, session)
            self._catch_up(client, session, None)
        self._send_states_to(client)

    def unlisten(self, client: Client, session: str) -> None:
        session = session_name(session)
        client.sessions.pop(session, None)
        self._listeners.get(session, {}).pop(client.id, None)
        self._change((session,))
        self._send_states_to(client)

    def watch(self, client: Client, session: str) -> None:
        """Send the client who listens to the session, now and whenever it changes."""
        session = self._named(session, client.role)
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

    def know(self, sessions: Iterable[str]) -> list[str]:
        """Make sessions known: a client tracks them. Returns their names as all know them.

        Raises:
            InvalidArgumentError: one of them is no name of a session.
        """
        return list(dict.fromkeys(self._names.add(session) for session in sessions))

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
        wanted = self.know(sessions)
        elsewhere = await self._log.publish(Draft(wanted, selection, origin, key))
        here = {id for session in wanted for id in self._listeners.get(session, ())}
        return len(here - {origin.client}) + elsewhere

    def _deliver(self, event: Event) -> list[str]:
        frame = frame_of(event)
        got = []
        for client in self._listeners.get(event.session, {}).values():
            if client.id != event.origin.client:
                client.outbox.put_event(event, frame)
                got.append(client.id)
        return got

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

    def _wanted(self, sessions: Iterable[str], role: Role) -> tuple[list[str], list[str]]:
        """Those of the sessions that the client may listen to, and why not to the others.

        Raises:
            InvalidArgumentError: one is no name of a session.
        """
        wanted, problems = [], []
        for name in dict.fromkeys(map(session_name, sessions)):
            try:
                wanted.append(self._named(name, role))
            except InvalidArgumentError as error:
                problems.append(str(error))
        return wanted, problems

    def _named(self, session: str, role: Role) -> str:
        """The name as all know it, and known from now on, if the client may make it so.

        Raises:
            InvalidArgumentError: it is no name, or one that is not known, and the client may
                make none.
        """
        name = session_name(session)
        if role < NEW_SESSION and all(state.name != name for state in self.states()):
            raise InvalidArgumentError(
                f"There is no session {name!r}, and a {role.name.lower()} makes none."
            )
        return name if role < NEW_SESSION else self._names.add(name)

    def _welcome(self, client: Client) -> Welcome:
        may_publish = client.role >= MESSAGES[Publish]
        return Welcome(client.id, client.key, self.epoch, may_publish, LIMITS)

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

    def _begin_anew(self) -> None:
        """Numbers have begun anew: every client is told, before the first of them comes."""
        for client in self._clients.values():
            client.outbox.begin_anew(self._welcome(client))
        self._change(())

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
