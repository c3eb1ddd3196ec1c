# SPDX-License-Identifier: Apache-2.0
"""Long queries among others: stopping one from outside, and letting others have their turn. Who
runs one says when; who carries it out asks now and then."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

__all__ = [
    "Progress",
    "Stopped",
    "acquired",
    "apart",
    "apart_from",
    "asker",
    "asking",
    "held",
    "keep_going",
    "step_back",
    "stop_when",
]

Progress = Callable[[int, int], bool | None]
"""What the engine calls now and then with what is done and the total; False cancels."""

Apart = Callable[[str], AbstractContextManager[None]]
"""Gives, for a name of some work, what that work runs inside of in a thread of its own."""

NICE = 10
"""By so much is work that nobody waits for at the keyboard nicer than what somebody does."""
_POLL_SECONDS = 0.05


class _Watch:
    def __init__(self, condition: Callable[[], bool], rest: Callable[[], None] | None) -> None:
        self.condition, self.rest = condition, rest


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)
_held: ContextVar[bool] = ContextVar("held", default=False)
_apart: ContextVar[Apart | None] = ContextVar("apart", default=None)
_asker: ContextVar[str] = ContextVar("asker", default="")


class Stopped(BaseException):
    """A query was stopped; nobody waits for what it would have given."""


@contextmanager
def stop_when(
    condition: Callable[[], bool], rest: Callable[[], None] | None = None
) -> Iterator[None]:
    """Queries of this thread, inside the `with`, raise Stopped soon after `condition()`, and
    call `rest` now and then, which may wait until it is their turn again."""
    token = _watch.set(_Watch(condition, rest))
    try:
        yield
    finally:
        _watch.reset(token)


def keep_going(done: int = 0, total: int = 0) -> bool:
    """What the engine calls now and then: a Progress."""
    watch = _watch.get()
    if watch is not None:
        if watch.condition():
            raise Stopped
        if watch.rest is not None and not _held.get():
            watch.rest()
            if watch.condition():
                raise Stopped
    return True


@contextmanager
def held() -> Iterator[None]:
    """Inside, this thread has what others may wait for: it does not rest."""
    token = _held.set(True)
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def acquired(lock: threading.Lock | threading.RLock) -> Iterator[None]:
    """Hold a lock that others hold for long: waiting for it can be stopped."""
    while not lock.acquire(timeout=_POLL_SECONDS):
        keep_going()
    try:
        with held():
            yield
    finally:
        lock.release()


@contextmanager
def asking(who: str, apart: Apart) -> Iterator[None]:
    """Queries of this thread, inside the `with`, are asked by this client."""
    tokens = _asker.set(who), _apart.set(apart)
    try:
        yield
    finally:
        _asker.reset(tokens[0])
        _apart.reset(tokens[1])


def asker() -> str:
    """Who asks: a client of a server, "" in a program that has the trace open itself."""
    return _asker.get()


def apart_from() -> Apart:
    """What work that goes on after the query of this thread is to run inside of."""
    return _apart.get() or apart


@contextmanager
def apart(_: str) -> Iterator[None]:
    """An `Apart` that only steps back."""
    step_back()
    yield


def step_back(thread: int | None = None) -> None:
    """Let the other threads of this program have the processors first, for good: without
    privileges there is no way back.

    Parameters:
        thread: the system's number of the thread; None: this one.
    """
    # A number of a thread that has ended, or a system that refuses, changes no answer.
    with contextlib.suppress(OSError):
        number = thread or threading.get_native_id()
        own = os.getpriority(os.PRIO_PROCESS, os.getpid())
        os.setpriority(os.PRIO_PROCESS, number, min(own + NICE, 19))
