# SPDX-License-Identifier: Apache-2.0
"""What waits to be sent to one client, bounded however slowly the client reads."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

import msgspec

from reven.server.protocols import text_frame
from reven2._client.messages import Event, ServerMessage

__all__ = ["EVENTS_KEPT", "Outbox", "Sink", "frame_of"]

EVENTS_KEPT = 1024
"""Events that may wait for a client. One more, and only the latest of each session stay."""

REPLIES_KEPT = 64
"""Replies that may wait for a client; until it takes some, its messages are not read."""

_encode = msgspec.json.Encoder().encode


def frame_of(message: ServerMessage) -> bytes:
    """The WebSocket frame of a message."""
    return text_frame(_encode(message))


class Sink(Protocol):
    """Where frames go."""

    @property
    def can_write(self) -> bool: ...
    def write_frame(self, frame: bytes) -> None: ...


class Outbox:
    """Sends at once what the sink takes; keeps the rest: replies first, then states (of
    which only the latest of each kind counts), then events in their order.

    Frames are made once for all clients, so that a waiting event costs a reference.
    """

    def __init__(self, sink: Sink) -> None:
        self.dropped = 0
        """Events left out because the client was slow."""
        self._sink = sink
        self._replies: deque[bytes] = deque()
        self._states: dict[str, bytes] = {}
        self._events: deque[tuple[Event, bytes]] = deque()
        self._gaps: set[str] = set()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def put_reply(self, message: ServerMessage) -> None:
        self._replies.append(frame_of(message))
        self.pump()
        if len(self._replies) >= REPLIES_KEPT:
            self._has_room.clear()

    def put_state(self, kind: str, frame: bytes) -> None:
        """Replace the waiting state of this kind."""
        self._states[kind] = frame
        self.pump()

    def put_event(self, event: Event, frame: bytes) -> None:
        if self._sink.can_write and not self._events and not self._gaps:
            self._sink.write_frame(frame)
            return
        if len(self._events) >= EVENTS_KEPT:
            self._coalesce()
        self._events.append((event, frame))
        self.pump()

    def put_gap(self, session: str) -> None:
        """The next event of this session comes after some that were left out."""
        self._gaps.add(session)

    def begin_anew(self, welcome: ServerMessage) -> None:
        """The numbers of events begin anew: those that wait mean nothing any more."""
        self._events.clear()
        self._gaps.clear()
        self.put_reply(welcome)

    def pump(self) -> None:
        """Send what waits, as far as the sink takes it. To be called when it takes again."""
        while self._sink.can_write:
            frame = self._take()
            if frame is None:
                return
            self._sink.write_frame(frame)

    async def wait_for_room(self) -> None:
        """Wait until the client took enough of its replies."""
        await self._has_room.wait()

    def _take(self) -> bytes | None:
        if self._replies:
            frame = self._replies.popleft()
            if len(self._replies) < REPLIES_KEPT:
                self._has_room.set()
            return frame
        if self._states:
            return self._states.pop(next(iter(self._states)))
        if not self._events:
            return None
        event, frame = self._events.popleft()
        if event.session in self._gaps:
            self._gaps.discard(event.session)
            return frame_of(msgspec.structs.replace(event, gap=True))
        return frame

    def _coalesce(self) -> None:
        latest = {event.session: (event, frame) for event, frame in self._events}
        for event, _ in self._events:
            if latest[event.session][0] is not event:
                self._gaps.add(event.session)
        self.dropped += len(self._events) - len(latest)
        self._events = deque(sorted(latest.values(), key=lambda entry: entry[0].time))
