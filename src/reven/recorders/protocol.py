# SPDX-License-Identifier: Apache-2.0
"""What `reven record` and `reven doctor` ask of a recorder.

A recorder is whatever runs a program and says over the live transport
(docs/event-stream.md) what it does. Nothing else of reven knows which one it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from reven.recorders.errors import RecorderUnavailable


@dataclass(frozen=True)
class Order:
    """What is to be recorded, and where the recorder reports to.

    Attributes:
        program: the file to run.
        command: its argument vector; the first word is the name that it is called by.
        socket: the Unix socket that the writer listens at.
        folder: an empty folder that lasts as long as the recording, for the recorder's own
            messages.
        start, until: where to begin and to end: a symbol or 0xADDRESS, with @N its N-th
            execution; None: with the program.
        follow: record child processes too.
    """

    program: Path
    command: tuple[str, ...]
    socket: Path
    folder: Path
    start: str | None = None
    until: str | None = None
    follow: bool = True


@dataclass(frozen=True)
class Launch:
    """The process to start: its argument vector, and what its environment has beside ours."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One thing that recording needs. `what`: what is there, or what is wrong; `command`:
    what to run to mend it, if a command can."""

    name: str
    ok: bool
    what: str
    command: str = ""


class ReadyRecorder(Protocol):
    """A recorder whose every part is in place."""

    @property
    def description(self) -> str:
        """Its name and version, and those of what it is made of."""

    def launch(self, order: Order) -> Launch:
        """How to start the program under it."""

    def complaint(self, folder: Path, pid: int) -> str:
        """Why a process was not recorded, or not to its end: the first thing that the
        recorder wrote about it into the order's `folder`; "" if it wrote nothing."""


class Recorder(Protocol):
    """A way to record programs.

    A folder of `reven.recorders` with a module `recorder` that has one as `RECORDER` is one:
    that is all it takes to add another.
    """

    @property
    def options(self) -> frozenset[str]:
        """Which of "start", "until" and "follow" it understands."""

    def refusal(self, program: Path, environment: Mapping[str, str]) -> str:
        """Why it cannot record a program that the processor can run, as what follows the
        program's name in a sentence; "" if it can."""

    def find(self) -> ReadyRecorder:
        """Look for its parts, and make what can be made of them. Raises RecorderUnavailable."""

    def checks(self) -> Iterator[Check]:
        """Look at everything that it needs, one after the other."""


def check(name: str, look: Callable[[], str]) -> Check:
    """What `look` finds; its RecorderUnavailable is what is wrong."""
    try:
        return Check(name, True, look())
    except RecorderUnavailable as error:
        return Check(name, False, error.what, error.command)
