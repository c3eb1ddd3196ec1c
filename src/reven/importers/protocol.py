# SPDX-License-Identifier: Apache-2.0
"""What `reven import` asks of a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reven.errors import CommandError

Progress = Callable[[int, int], bool]
"""`progress(done, total)`: whether to go on."""


class CannotImport(CommandError):
    """The file is not what it should be, or the trace cannot be made."""


@dataclass(frozen=True)
class Imported:
    """What became of a file. `missing`: what such files do not hold, a phrase each."""

    transitions: int
    missing: tuple[str, ...]


class Importer(Protocol):
    """A format that traces are made from.

    A module or folder of `reven.importers` that has one as `IMPORTER` is one, under its name.
    """

    @property
    def title(self) -> str:
        """What people call the format."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """How names of such files end, with the dot."""

    def recognizes(self, start: bytes) -> bool:
        """Whether a file that starts so is one; `start` may end anywhere."""

    def read(self, file: Path, trace: Path, *, force: bool, progress: Progress) -> Imported:
        """Make the trace directory `trace`; with `force`, replace the trace that is there.

        A file that is wrong leaves no trace behind. Raises CannotImport, which names the
        line or the offset; CannotRecord where the trace cannot be made.
        """
