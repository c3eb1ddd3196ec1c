# SPDX-License-Identifier: Apache-2.0
"""Threads for what people wait for: a few, and every client has its turn at them."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["Lane", "Ticket"]


STRAYS = 64
"""So much work may have been let go and go on: beyond that its threads are not replaced."""


class Ticket:
    """Work that was given to a lane. `began`: when it began, `thread`: the system's number of
    the thread that it runs in; None while it waits."""

    def __init__(self, client: str, work: Callable[[], Any]) -> None:
        self.client, self.work = client, work
        self.future: Future[Any] = Future()
        self.began: float | None = None
        self.thread: int | None = None
        self.has_left = False


class Lane:
    """A few threads for short work. Of the clients that wait the one that waits longest is next,
    whatever the others have asked, and none has all threads at once.

    Parameters:
        name: of the threads.
        threads: how many.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name, self._threads = name, threads
        self._share = max(1, threads - 1)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queues: OrderedDict[str, deque[Ticket]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._strays = 0
        self._closed = False
        for _ in range(threads):
            self._start_thread()

    def submit(self, client: str, work: Callable[[], Any]) -> Ticket:
        """Do work soon."""
        ticket = Ticket(client, work)
        with self._lock:
            self._queues.setdefault(client, deque()).append(ticket)
            self._changed.notify()
        return ticket

    def let_go(self, ticket: Ticket) -> None:
        """The work turns out to be long: it stays in its thread, and the lane gets another."""
        with self._lock:
            if ticket.has_left or ticket.future.done() or self._closed:
                return
            if self._strays >= STRAYS:
                return
            self._strays += 1
            ticket.has_left = True
            self._end(ticket)
            # A thread begins as nice as the one that starts it: not the one that stepped back.
            self._start_thread()

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._closed = True
            for queue in self._queues.values():
                for ticket in queue:
                    ticket.future.cancel()
            self._queues.clear()
            self._changed.notify_all()

    def _start_thread(self) -> None:
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                while (ticket := self._take()) is None:
                    if self._closed:
                        return
                    self._changed.wait()
            if ticket.future.set_running_or_notify_cancel():
                ticket.thread, ticket.began = threading.get_native_id(), time.monotonic()
                try:
                    found = ticket.work()
                except BaseException as error:
                    self._leave(ticket)
                    ticket.future.set_exception(error)
                else:
                    self._leave(ticket)
                    ticket.future.set_result(found)
            else:
                self._leave(ticket)
            if ticket.has_left:
                with self._lock:
                    self._strays -= 1
                return

    def _leave(self, ticket: Ticket) -> None:
        with self._lock:
            if not ticket.has_left:
                self._end(ticket)

    def _end(self, ticket: Ticket) -> None:
        self._running[ticket.client] -= 1
        if not self._running[ticket.client]:
            del self._running[ticket.client]
        self._changed.notify()

    def _take(self) -> Ticket | None:
        for client, queue in self._queues.items():
            if self._running[client] < self._share:
                ticket = queue.popleft()
                self._running[client] += 1
                if queue:
                    self._queues.move_to_end(client)
                else:
                    del self._queues[client]
                return ticket
        return None
