# SPDX-License-Identifier: Apache-2.0
"""Long queries in turns: a few run at a time, each for a slice, and every client gets as much
as every other, however many it has asked. What people wait for at the keyboard is not here."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from reven.server.wire import RequestError
from reven.trace.stopping import Stopped, step_back

__all__ = ["Long", "Shares", "Turns"]

RUNNING = max(2, os.cpu_count() or 1)
"""So many run at a time: more would only wait for processors, and hold them up for others."""
URGENT_SECONDS = 2.0
"""So long in all a view that turned out to be long comes before the scans, with all turns but
one of those that run at a time."""
SLICE_SECONDS = 0.1
STARTED = 32
"""So many may have begun, and hold memory for what they found; the others wait for that."""
STARTED_OF_ONE = 4
WAITING_OF_ONE = 64
"""A client that asks more at once is refused."""


class Long:
    """A long query of a client: what is listed of it, and how to stop it. `share`: of whose turns
    it takes; that of several clients may be one."""

    def __init__(
        self, client: str, what: str, scenario: str, share: str = "", *, is_view: bool = False
    ) -> None:
        self.id = secrets.token_hex(8)
        self.client, self.what, self.scenario = client, what, scenario
        self.share = share or client
        self.is_view = is_view
        self.used = 0.0
        """Seconds that its turns have lasted."""
        self.since = time.time()
        self.number = 0
        self.stop = threading.Event()
        self.cancelled = False
        """Stopped by its client, who still waits for an answer."""
        self.is_started = False
        self.has_ended = False
        self.turn_began: float | None = None
        self.had_urgent_turn = False
        self.changed: threading.Condition | None = None
        self.start: Callable[[], None] | None = None
        self.forget: Callable[[], None] | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for it at the keyboard."""
        return self.is_view and self.used < URGENT_SECONDS

    @property
    def has_turn(self) -> bool:
        return self.turn_began is not None


class Shares:
    """Which client is next: of those that wait, the one that has had least."""

    def __init__(self) -> None:
        self._had: dict[str, float] = {}

    def arrive(self, share: str) -> None:
        """Who comes has no credit for the time before."""
        self._had.setdefault(share, min(self._had.values(), default=0.0))

    def leave(self, share: str) -> None:
        self._had.pop(share, None)

    def charge(self, share: str, seconds: float) -> None:
        if share in self._had:
            self._had[share] += seconds

    def choose(self, waiting: Iterable[Long]) -> Long | None:
        """What is urgent first; of the chosen client, the one that waits longest."""
        return min(
            waiting,
            key=lambda one: (not one.is_urgent, self._had[one.share], one.number),
            default=None,
        )


class Turns:
    """Gives long queries their turns.

    Parameters:
        running: how many run at a time.
        clock: seconds, for slices.
    """

    def __init__(self, running: int = RUNNING, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = running, clock
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._shares = Shares()
        self._all: dict[str, Long] = {}
        self._waiting: dict[str, Long] = {}
        self._running = self._urgent = 0
        self._started: Counter[str] = Counter()
        self._closed = False

    # ------------------------------------------------------------------ for those who ask

    def submit(self, long: Long, work: Callable[[], Any]) -> Future[Any]:
        """Do work, in a thread of its own that begins with its first turn.

        Raises:
            RequestError: the client has asked too much already.
        """
        future: Future[Any] = Future()

        def run() -> None:
            step_back()
            try:
                found = work()
            except BaseException as error:
                self.done(long)
                future.set_exception(error)
            else:
                self.done(long)
                future.set_result(found)

        def start() -> None:
            future.set_running_or_notify_cancel()
            threading.Thread(target=run, name=f"scan {long.what}", daemon=True).start()

        def forget() -> None:
            future.set_running_or_notify_cancel()
            future.set_exception(Stopped())

        long.start, long.forget = start, forget
        with self._lock:
            mine = sum(one.share == long.share for one in self._waiting.values())
            if self._closed:
                raise RequestError(503, "The server ends.")
            if mine >= WAITING_OF_ONE:
                raise RequestError(
                    429,
                    f"{mine} long queries of yours wait already: cancel some, or wait for them.",
                )
            self._add(long)
            self._waiting[long.id] = long
            self._hand_out()
        return future

    def mine(self, client: str | None) -> list[Long]:
        """The long queries of a client, the oldest first; None: of all."""
        with self._lock:
            return [one for one in self._all.values() if client in (None, one.client)]

    def is_waiting(self, long: Long) -> bool:
        """Whether it waits for its turn; one that holds what others wait for runs without."""
        with self._lock:
            return long.id in self._waiting

    def cancel(self, long: Long, *, by_client: bool = False) -> None:
        """Stop it soon."""
        with self._lock:
            long.cancelled = long.cancelled or by_client
            long.stop.set()
            if long.id in self._waiting and not long.is_started:
                del self._waiting[long.id]
                self._remove(long)
                assert long.forget is not None
                long.forget()
            elif long.changed is not None:
                long.changed.notify()

    def close(self) -> None:
        """Stop them all, and those that come."""
        with self._lock:
            self._closed = True
        for long in self.mine(None):
            self.cancel(long)

    # ------------------------------------------------------------------ for those who work

    def join(self, long: Long) -> None:
        """A query that runs already has turned out to be long: it gets turns from its next
        `go_on`."""
        with self._lock:
            if self._closed:
                long.stop.set()
            elif long.id not in self._all and not long.has_ended and not long.stop.is_set():
                self._add(long)
                self._begin(long)

    def go_on(self, long: Long) -> None:
        """To be called now and then by its thread: waits while it is the turn of others."""
        with self._lock:
            if long.id not in self._all:
                return
            if long.turn_began is not None:
                is_over = self._clock() - long.turn_began >= SLICE_SECONDS
                if not (self._waiting and is_over) and not self._makes_way(long):
                    return
                self._give_up(long)
            self._waiting[long.id] = long
            self._hand_out()
            long.changed = long.changed or threading.Condition(self._lock)
            while not long.has_turn and not long.stop.is_set():
                long.changed.wait()
            self._waiting.pop(long.id, None)

    def done(self, long: Long) -> None:
        """It has ended. Who watches it may take it for a long one even now."""
        with self._lock:
            long.has_ended = True
            if long.id in self._all:
                self._give_up(long)
                self._remove(long)
                self._hand_out()

    # ------------------------------------------------------------------ with the lock

    def _add(self, long: Long) -> None:
        long.number = next(self._numbers)
        self._all[long.id] = long
        self._shares.arrive(long.share)

    def _begin(self, long: Long) -> None:
        long.is_started = True
        self._started[long.share] += 1

    def _remove(self, long: Long) -> None:
        del self._all[long.id]
        self._waiting.pop(long.id, None)
        if long.is_started:
            self._started[long.share] -= 1
        if not any(one.share == long.share for one in self._all.values()):
            self._shares.leave(long.share)
            del self._started[long.share]

    def _give_up(self, long: Long) -> None:
        if long.turn_began is not None:
            lasted = self._clock() - long.turn_began
            self._shares.charge(long.share, lasted)
            long.used += lasted
            long.turn_began = None
            self._running -= 1
            self._urgent -= long.had_urgent_turn

    def _hand_out(self) -> None:
        while self._running < self._most:
            long = self._shares.choose(filter(self._may_run, self._waiting.values()))
            if long is None:
                return
            del self._waiting[long.id]
            long.turn_began = self._clock()
            long.had_urgent_turn = long.is_urgent
            self._running += 1
            self._urgent += long.had_urgent_turn
            if not long.is_started:
                self._begin(long)
                assert long.start is not None
                long.start()
            elif long.changed is not None:
                long.changed.notify()

    def _makes_way(self, long: Long) -> bool:
        """Whether a scan gives up its turn at once: something urgent waits and may have it."""
        return (
            not long.had_urgent_turn
            and self._urgent < self._most - 1
            and any(one.is_urgent for one in self._waiting.values())
        )

    def _may_run(self, long: Long) -> bool:
        if long.is_urgent and self._urgent >= self._most - 1:
            return False
        return long.is_started or (
            self._started.total() < STARTED and self._started[long.share] < STARTED_OF_ONE
        )
