# SPDX-License-Identifier: Apache-2.0
"""Carrying out queries and views beside each other, so that no client waits for another's.

What is quick and what people wait for at the keyboard has threads of its own, at which the
clients have their turns. What turns out to take long goes on as a long query: it steps back
behind the others, and takes turns with the long queries of every client."""

from __future__ import annotations

import asyncio
import threading
import time
from asyncio import CancelledError
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, TypeVar

import msgspec

from reven.server.lane import Lane, Ticket
from reven.server.turns import Long, Turns
from reven.server.wire import RequestError
from reven.trace.stopping import Stopped, asking, keep_going, step_back, stop_when

__all__ = ["Asked", "Pace", "Queries"]

Result = TypeVar("Result")

Pace = Literal["quick", "view", "scan"]
"""`quick`: reads a little. `view`: usually too, but may scan. `scan`: takes turns from the
start."""

QUICK_THREADS = 4
VIEW_THREADS = 4
QUANTUM_SECONDS = 0.1
"""So long a view may take before it is a long query."""
REMEMBERED_SECONDS = 2.0
"""A program's next request of the kind that turned out to be long is one from the start."""
REMEMBERED = 4096


class Asked(msgspec.Struct, frozen=True):
    """Who asks what: the client's id, whose share of the turns it takes, the query or view, and
    the scenario."""

    client: str
    share: str
    what: str
    scenario: str


class Queries:
    """Runs queries off the event loop, a bounded number at a time."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._quick = Lane("quick", QUICK_THREADS)
        self._views = Lane("view", VIEW_THREADS)
        self._were_long: OrderedDict[Asked, float] = OrderedDict()
        self._asked_for: set[Long] = set()
        """What clients wait for now."""
        self._at_work = 0
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    async def carry_out(
        self,
        asked: Asked,
        answer: Callable[[], Result],
        gone: Callable[[], Awaitable[None]],
        pace: Pace,
        *,
        is_view: bool = False,
    ) -> Result:
        """Call `answer` off the event loop. One that may be long stops soon after `gone`
        returns, which it does when the client has gone.

        Raises:
            RequestError: the client has gone, has cancelled it, or asks too much.
        """
        long = Long(
            asked.client,
            asked.what,
            asked.scenario,
            asked.share,
            is_view=is_view and pace != "scan",
        )
        work = self._asked(asked, self._stoppable(long, answer))
        if pace == "scan" or self._was_long(asked):
            future = asyncio.wrap_future(self.turns.submit(long, work))
        else:
            lane = self._quick if pace == "quick" else self._views
            ticket = lane.submit(asked.share, work)
            future = asyncio.wrap_future(ticket.future)
            self._watch(lane, ticket, long, None if is_view or pace == "quick" else asked)
        watching = asyncio.ensure_future(gone())
        self._asked_for.add(long)
        try:
            await asyncio.wait((future, watching), return_when=asyncio.FIRST_COMPLETED)
            if not future.done():
                raise RequestError(499, "The client has gone.")
            if long.cancelled:
                raise RequestError(499, "The query was cancelled.", "QueryCancelledError")
            found: Result = future.result()
            return found
        except CancelledError:
            if not future.cancelled():
                raise
            raise RequestError(503, "The server ends.") from None
        except Stopped:
            raise RequestError(503, "The server ends.") from None
        finally:
            self._asked_for.discard(long)
            watching.cancel()
            self.turns.cancel(long)
            future.cancel()
            # What a stopped query raises is nobody's.
            future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def stop(self) -> None:
        """Let everything end soon, and begin nothing more. Only on the event loop."""
        self._quick.close()
        self._views.close()
        self.turns.close()
        for long in self._asked_for:
            self.turns.cancel(long)

    def wait(self, seconds: float) -> bool:
        """Whether everything has ended within so many seconds."""
        with self._lock:
            return self._idle.wait_for(lambda: not self._at_work, seconds)

    @contextmanager
    def _work(self) -> Iterator[None]:
        with self._lock:
            self._at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                self._idle.notify_all()

    def _asked(self, asked: Asked, answer: Callable[[], Result]) -> Callable[[], Result]:
        def ask() -> Result:
            with self._work(), asking(asked.client, self._apart(asked)):
                return answer()

        return ask

    def _stoppable(self, long: Long, answer: Callable[[], Result]) -> Callable[[], Result]:
        def run() -> Result:
            try:
                with stop_when(long.stop.is_set, lambda: self.turns.go_on(long)):
                    return answer()
            finally:
                self.turns.done(long)

        return run

    def _apart(self, asked: Asked) -> Callable[[str], AbstractContextManager[None]]:
        """Work that goes on after its query is a long query of the client's, too."""

        @contextmanager
        def apart(what: str) -> Any:
            step_back()
            long = Long(asked.client, what, asked.scenario, asked.share)
            self.turns.join(long)
            try:
                with (
                    self._work(),
                    stop_when(long.stop.is_set, lambda: self.turns.go_on(long)),
                ):
                    keep_going()
                    yield
            finally:
                self.turns.done(long)

        return apart

    def _watch(self, lane: Lane, ticket: Ticket, long: Long, remember: Asked | None) -> None:
        """Make it a long query if it takes long."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            if ticket.future.done():
                return
            left = QUANTUM_SECONDS
            if ticket.began is not None and ticket.thread is not None:
                left -= time.monotonic() - ticket.began
                if left <= 0:
                    step_back(ticket.thread)
                    self.turns.join(long)
                    lane.let_go(ticket)
                    if remember is not None:
                        self._remember(remember)
                    return
            loop.call_later(left, look)

        loop.call_later(QUANTUM_SECONDS, look)

    def _remember(self, asked: Asked) -> None:
        self._were_long[asked] = time.monotonic() + REMEMBERED_SECONDS
        self._were_long.move_to_end(asked)
        if len(self._were_long) > REMEMBERED:
            self._were_long.popitem(last=False)

    def _was_long(self, asked: Asked) -> bool:
        return self._were_long.get(asked, 0.0) > time.monotonic()
