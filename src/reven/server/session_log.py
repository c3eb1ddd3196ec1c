# SPDX-License-Identifier: Apache-2.0
"""The order of what was published: numbered events of each session, the newest kept."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from reven2._client.messages import Event, Origin, Selection

__all__ = ["HISTORY_KEPT", "Draft", "History", "MemoryLog", "Peer", "SessionLog"]

HISTORY_KEPT = 1024
"""Events of each session that a client which comes back can still get."""

PUBLISHES_KEPT = 4096
"""Publishes remembered, so that one that a client repeats is not published again."""


class Draft(msgspec.Struct, frozen=True):
    """A publish before it has numbers. `key` names it: a repeated one is no new one;
    "" for a publish that cannot be repeated."""

    sessions: list[str]
    selection: Selection
    origin: Origin
    key: str = ""


class Peer(msgspec.Struct, frozen=True):
    """A client as other server processes that share the sessions know it. `sessions`: those
    that it listens to, and since when (seconds since 1970)."""

    origin: Origin
    selection: Selection | None
    sessions: dict[str, float]


class History:
    """The newest events of each session, in order."""

    def __init__(self) -> None:
        self._events: dict[str, deque[Event]] = {}

    def add(self, event: Event) -> bool:
        """Append the event. False, and nothing done, when it is not newer than the last."""
        events = self._events.setdefault(event.session, deque(maxlen=HISTORY_KEPT))
        if events and event.sequence <= events[-1].sequence:
            return False
        events.append(event)
        return True

    def __iter__(self) -> Iterator[str]:
        """The sessions of which there are events."""
        return iter(list(self._events))

    def last(self, session: str) -> Event | None:
        events = self._events.get(session)
        return events[-1] if events else None

    def since(self, session: str, sequence: int) -> list[Event] | None:
        """Events after number `sequence`; None if some of them are no longer kept, or the
        number was never given out."""
        events = self._events.get(session)
        if not events:
            return [] if sequence == 0 else None
        if not events[0].sequence - 1 <= sequence <= events[-1].sequence:
            return None
        return [event for event in events if event.sequence > sequence]


class SessionLog(Protocol):
    """Gives events their numbers, and tells every server process of them in that order."""

    epoch: str
    """Numbers of another epoch mean nothing."""
    history: History

    async def start(
        self,
        *,
        on_event: Callable[[Event], Iterable[str]],
        on_peers: Callable[[], None],
        on_epoch: Callable[[], None],
    ) -> None:
        """`on_event` is called with each event, in order, and says which clients of this
        process other than the sender got it; `on_peers` when `peers()` or
        `names()` changed; `on_epoch` when numbers began anew."""

    async def stop(self) -> None: ...

    async def publish(self, draft: Draft) -> int:
        """Returns, once the clients of this process have it, how many of other processes do."""

    def names(self) -> Iterable[str]:
        """Sessions that other processes know."""

    def peers(self) -> Iterable[Peer]:
        """Clients of other processes."""

    def announce(self, known: Callable[[], tuple[list[Peer], list[str]]]) -> None:
        """Tell the other processes of this one's clients and sessions, if they changed."""


class MemoryLog:
    """A `SessionLog` of one server process."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self.history = History()
        self._on_event: Callable[[Event], Iterable[str]] = lambda event: ()
        self._published: OrderedDict[str, None] = OrderedDict()

    async def start(
        self,
        *,
        on_event: Callable[[Event], Iterable[str]],
        on_peers: Callable[[], None],
        on_epoch: Callable[[], None],
    ) -> None:
        self._on_event = on_event

    async def stop(self) -> None:
        self._on_event = lambda event: ()

    async def publish(self, draft: Draft) -> int:
        if draft.key:
            if draft.key in self._published:
                return 0
            self._published[draft.key] = None
            if len(self._published) > PUBLISHES_KEPT:
                self._published.popitem(last=False)
        for session in draft.sessions:
            last = self.history.last(session)
            event = Event(
                session=session,
                sequence=last.sequence + 1 if last else 1,
                origin=draft.origin,
                time=time.time(),
                selection=draft.selection,
            )
            self.history.add(event)
            self._on_event(event)
        return 0

    def names(self) -> Iterable[str]:
        return ()

    def peers(self) -> Iterable[Peer]:
        return ()

    def announce(self, known: Callable[[], tuple[list[Peer], list[str]]]) -> None:
        pass
