# SPDX-License-Identifier: Apache-2.0
"""Servers and traces in other processes: after a fork, and sent there by pickle.

A process that was forked has copies of what its parent had open, but none of the parent's
threads, and locks as they were at that moment. What is registered here begins anew there. What is
sent to another process says how to open it; each process opens it once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from reven2.errors import ClosedError

if TYPE_CHECKING:
    from reven2._client.server import OpenTrace
    from reven2.trace import Trace

__all__ = ["Opening", "renew_after_fork", "server_there", "trace_there"]


class Renewed(Protocol):
    def _renew(self) -> None:
        """Begin anew, in a process that was forked while this was in use."""


_registered: WeakValueDictionary[int, Renewed] = WeakValueDictionary()


def renew_after_fork(one: Renewed) -> None:
    """Have `_renew` called in every process that is forked from this one."""
    _registered[id(one)] = one


def _renew_all() -> None:
    for one in list(_registered.values()):
        one._renew()


os.register_at_fork(after_in_child=_renew_all)


class Opening(NamedTuple):
    """How a trace was opened: what to call, with which arguments."""

    open: Callable[..., OpenTrace]
    arguments: tuple[Any, ...]


class _Here:
    """What this process has opened for what was sent to it."""

    def __init__(self) -> None:
        self._servers: dict[Opening, OpenTrace] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def get(self, opening: Opening) -> OpenTrace:
        with self._lock:
            known = self._servers.get(opening)
            if known is not None:
                try:
                    known.trace.transition(0)
                except ClosedError:
                    known = None
            if known is None:
                known = self._servers[opening] = opening.open(*opening.arguments)
            return known


_here = _Here()


def server_there(open: Callable[..., OpenTrace], arguments: tuple[Any, ...]) -> OpenTrace:
    """The server of this process for one that another process has."""
    return _here.get(Opening(open, arguments))


def trace_there(open: Callable[..., OpenTrace], arguments: tuple[Any, ...]) -> Trace:
    """The trace of `server_there`."""
    return server_there(open, arguments).trace
