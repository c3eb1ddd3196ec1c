# SPDX-License-Identifier: Apache-2.0
"""The traces that an assistant may ask about, by name."""

from __future__ import annotations

import threading
from pathlib import Path

from reven.bridges.joined import Joined
from reven2.errors import InvalidArgumentError

__all__ = ["Traces"]

_MOST_OPEN = 16


class Traces:
    """Open traces, each with a handle.

    Parameters:
        first: paths, or HOST:PORT/TRACE of servers, to open.
        session: the session of servers to join.
        may_open: whether an assistant may open others by their path.
    """

    def __init__(self, first: list[str], session: str, may_open: bool) -> None:
        self._session, self.may_open = session, may_open
        self._open: dict[str, Joined] = {}
        self._lock = threading.Lock()
        for one in first:
            self.open(one)

    def open(self, path: str) -> str:
        """Open a trace. Its handle."""
        with self._lock:
            if len(self._open) >= _MOST_OPEN:
                raise InvalidArgumentError(f"There are {_MOST_OPEN} traces open: use one of them.")
            joined = Joined(path, self._session, "assistant")
            name = joined.server.scenario_name
            handle, number = name, 2
            while handle in self._open:
                if self._open[handle].trace._info.uuid == joined.trace._info.uuid:
                    joined.close()
                    return handle
                handle, number = f"{name}-{number}", number + 1
            self._open[handle] = joined
            return handle

    def get(self, handle: str) -> Joined:
        """The trace of a handle; of an empty one, if there is but one.

        Raises:
            InvalidArgumentError (a ValueError): there is none.
        """
        if not handle and len(self._open) == 1:
            return next(iter(self._open.values()))
        if handle not in self._open:
            known = ", ".join(map(repr, self._open)) or "none: open one with open_trace"
            raise InvalidArgumentError(f"There is no open trace {handle[:60]!r}; open: {known}.")
        return self._open[handle]

    def handles(self) -> dict[str, Joined]:
        """All of them."""
        return dict(self._open)

    def here(self) -> list[str]:
        """Traces in the current directory, if the assistant may open them."""
        if not self.may_open:
            return []
        return sorted(str(one.parent) for one in Path().glob("*.reven/manifest.json"))[:50]

    def close(self) -> None:
        """Close all."""
        for joined in self._open.values():
            joined.close()
