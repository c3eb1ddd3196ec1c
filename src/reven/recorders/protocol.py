# SPDX-License-Identifier: Apache-2.0
"""What `reven record` and `reven doctor` ask of a recorder.

A recorder is whatever runs a program and says over the live transport
(docs/event-stream.md) what it does. Nothing else of reven knows which one it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from reven.recorders.errors import RecorderUnavailable


@dataclass(frozen=True)
class Place:
    """Where a record begins or ends, and the how many-th time.

    Attributes:
        written: what the user wrote.
        kind: of a `symbol` (`name`, `binary` or any, so many bytes further: `offsets`), of a
            `binary` and of a `file` (its path) at these offsets, in memory or in the file;
            an `address`; a `syscall` by its `number`; a `mark` of the program by its text,
            `name`.
        count: from 1.
    """

    written: str
    kind: Literal["address", "symbol", "binary", "file", "syscall", "mark"]
    name: str = ""
    binary: str = ""
    offsets: tuple[int, ...] = (0,)
    number: int = 0
    count: int = 1


@dataclass(frozen=True)
class Order:
    """What is to be recorded, and where the recorder reports to.

    Attributes:
        program: the file to run.
        command: its argument vector; the first word is the name that it is called by.
        socket: the Unix socket that the writer listens at.
        folder: an empty folder that lasts as long as the recording, for the recorder's own
            messages.
        start, until: where to begin and to end; None: with the program.
        after_seconds, after_transitions: when to begin, counted from `start`; 0: at once.
        wait: begin when the program asks for it.
        only, skip: the binaries, functions, or BINARY!FUNCTIONs whose code alone, or whose
            code not, is recorded.
        follow: record child processes too.
    """

    program: Path
    command: tuple[str, ...]
    socket: Path
    folder: Path
    start: Place | None = None
    until: Place | None = None
    after_seconds: float = 0.0
    after_transitions: int = 0
    wait: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
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
        """Which of "start", "until", "after", "wait", "code" (`only`, `skip`) and "follow" it
        understands."""

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
