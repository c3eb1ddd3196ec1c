# SPDX-License-Identifier: Apache-2.0
"""An open trace, shaped as the documented server object."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from reven2._client.low_level import LowLevel
from reven2._client.processes import server_there
from reven2._printable import printable
from reven2._service import TraceService
from reven2.bookmark import BookmarkManager
from reven2.ossi.ossi import Ossi
from reven2.place import Place
from reven2.trace import Trace
from reven2.trace._arguments import AnyMoment

__all__ = ["OpenTrace"]


class OpenTrace:
    """A trace opened in this process by `reven2.open`: what a script calls its server.

    A context manager: leaving it closes the trace.
    """

    def __init__(self, service: TraceService) -> None:
        self._service = service
        self._info = service.info()
        self._trace = Trace(service)
        self._ossi = Ossi(service)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return server_there, self._trace.__reduce__()[1]

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @property
    def trace(self) -> Trace:
        """The recorded execution."""
        return self._trace

    def where(
        self, expression: str, context: AnyMoment | None = None, *, thread: int | None = None
    ) -> Place:
        """What an expression means: `main+0x12`, `rsp+8`, `#4242`, `12%`, `parse.c:41`; see
        `reven2.place`. The same as `trace.resolve`. An addition to the documented interface."""
        return self._trace.resolve(expression, context, thread=thread)

    @property
    def ossi(self) -> Ossi:
        """Binaries, symbols and processes."""
        return self._ossi

    @property
    def bookmarks(self) -> BookmarkManager:
        """Notes on transitions, shared with all who have the trace open."""
        return BookmarkManager(self._trace, self._service)

    @property
    def scenario_name(self) -> str:
        """Name of the trace: that of its directory, without `.reven`."""
        return self._info.name

    @property
    def _rvn(self) -> LowLevel:
        """What scripts pass to the functions of `reven_api`."""
        return self._trace._rvn

    def close(self) -> None:
        """Let go of the trace's files. Using what came from it then raises ClosedError."""
        self._service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return printable(f"Reven trace ({self._info.path})")
