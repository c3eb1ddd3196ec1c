# SPDX-License-Identifier: Apache-2.0
"""The trace that a tool looks at, and its part in a session if a server serves it."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Self

import reven2
from reven2.bridge import Bridge
from reven2.session import AddressEvent, TransitionEvent

__all__ = ["Joined"]

_SERVED = re.compile(r"(?P<host>\[[^]]+\]|[^:/\[\]]*):(?P<port>\d{1,5})(?:/(?P<scenario>.+))?")


class Joined:
    """A trace opened by its path or over a server. A context manager.

    Parameters:
        trace: path of a trace directory, or `HOST:PORT`, `HOST:PORT/TRACE` of a server.
        session: the session of the server to join.
        name: how the others there see the tool.

    Raises:
        RevenError: it cannot be opened, or the server cannot be reached.
    """

    def __init__(self, trace: str, session: str, name: str) -> None:
        served = None if Path(trace).exists() else _SERVED.fullmatch(trace)
        self.bridge: Bridge | None = None
        if served is None:
            self.server: reven2.OpenTrace = reven2.open(trace)
        else:
            self.bridge = reven2.bridge.join(
                session,
                name=name,
                host=served["host"].strip("[]") or "localhost",
                port=int(served["port"]),
                scenario=served["scenario"],
            )
            self.server = self.bridge.server
        self.trace = self.server.trace

    @property
    def is_shared(self) -> bool:
        """Whether there is a session to publish to."""
        return self.bridge is not None

    def show(self, context: int) -> bool:
        """Have the others of the session go to the transition after a context; False if nobody
        listens, or it is where they came from."""
        if self.bridge is None:
            return False
        last = self.trace.transition_count - 1
        return self.bridge.show(self.trace.transition(min(context, last)))

    def set_where(self, context: int) -> None:
        """Tell the others where the tool is, without making them go there."""
        if self.bridge is not None:
            last = self.trace.transition_count - 1
            self.bridge.set_where(self.trace.transition(min(context, last)))

    def next_event(self, timeout: float) -> TransitionEvent | AddressEvent | None:
        """What others publish; None if nothing came in so many seconds."""
        return None if self.bridge is None else self.bridge.next_event(timeout)

    def close(self) -> None:
        """Leave the session, and let go of the trace."""
        if self.bridge is not None:
            self.bridge.close()
        else:
            self.server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
