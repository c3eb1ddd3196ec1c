# SPDX-License-Identifier: Apache-2.0
"""What `reven export` asks of a format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from reven.errors import CommandError

Progress = Callable[[int, int], bool]
"""`progress(done, total)`: whether to go on."""


class CannotExport(CommandError):
    """The trace cannot be written in this format, or not there."""


class Exporter(Protocol):
    """A format that traces are written in.

    A module of `reven.formats` that has one as `EXPORTER` is one, under the module's name.
    """

    @property
    def title(self) -> str:
        """What people call the format."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """How names of such files end, with the dot."""

    def export(self, trace: Path, start: int, stop: int | None, to: IO[bytes]) -> Export:
        """Begin to write transitions [start, stop) of a trace directory; None: to its end.

        Raises CannotExport, or TraceError of the engine.
        """


class Export(Protocol):
    """An export that is ready to run."""

    @property
    def lost(self) -> list[str]:
        """What of the trace the format cannot hold, a phrase each."""

    def run(self, progress: Progress) -> int:
        """Write. The number of transitions written. Raises CannotExport, OSError."""
