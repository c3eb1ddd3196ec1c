# SPDX-License-Identifier: Apache-2.0
"""Stopping a long query from outside: who runs one says when, who carries it out asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Progress", "Stopped", "keep_going", "stop_when"]

Progress = Callable[[int, int], bool | None]
"""What the engine calls now and then with what is done and the total; False cancels."""

_stop: ContextVar[Callable[[], bool] | None] = ContextVar("stop", default=None)


class Stopped(BaseException):
    """A query was stopped; nobody waits for what it would have given."""


@contextmanager
def stop_when(condition: Callable[[], bool]) -> Iterator[None]:
    """Queries of this thread, inside the `with`, raise Stopped soon after `condition()`."""
    token = _stop.set(condition)
    try:
        yield
    finally:
        _stop.reset(token)


def keep_going(done: int = 0, total: int = 0) -> bool:
    """What the engine calls now and then: a Progress."""
    condition = _stop.get()
    if condition is not None and condition():
        raise Stopped
    return True
