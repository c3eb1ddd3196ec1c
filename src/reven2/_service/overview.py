# SPDX-License-Identifier: Apache-2.0
"""The whole trace at a glance: which threads ran when, where events are, which source lines ran.

Transitions are asked for in equal parts of `width` transitions, from `start` on, so that an
answer is as large as what is drawn of it, however long the trace is. Parts beyond the end
are empty.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.declared import query

EventKind = Literal["syscall", "signal", "switch"]


class ThreadActivity(msgspec.Struct, frozen=True):
    """How many transitions of each part a thread ran."""

    thread: int
    transitions: bytes  # u64, one for each part


class EventPart(msgspec.Struct, frozen=True):
    """A part in which events of a kind are: how many, the first of them, and what that one is:
    a system call's or signal's number and name, or the thread that runs from there on."""

    part: int
    count: int
    first: int
    number: int
    name: str


class SourceFileData(msgspec.Struct, frozen=True):
    """A source file of which the trace executed something. `path` is that of the machine
    where it was compiled; `lines`: how many of its lines were executed; `is_here`: this machine
    has it too, and `source_text` reads it."""

    path: str
    binary: str
    lines: int
    is_here: bool


class SourceLineData(msgspec.Struct, frozen=True):
    """An executed line (from 1). `count`: how often it ran, all copies of its code together;
    of several statements, that of the one that ran most. A run of it begins where one of
    `entries` is executed: where its statements start, as debuggers set breakpoints. `is_exact`:
    the count is certain. It is not where an optimizer may have moved, merged or dropped code of
    the line, or does several of its runs in one."""

    line: int
    count: int
    entries: list[int]
    is_exact: bool = True


class SourceText(msgspec.Struct, frozen=True):
    """A source file as it is on this machine now, or the `problem` with it (one sentence).
    `is_newer`: it was changed after the recording."""

    text: str
    problem: str
    is_newer: bool


class OverviewService(Protocol):
    """Queries on the whole trace."""

    @query(slow=True)
    def thread_activity(self, start: int, width: int, parts: int) -> list[ThreadActivity]:
        """Of each thread that runs in one of the parts."""

    @query(slow=True)
    def event_parts(self, kind: EventKind, start: int, width: int, parts: int) -> list[EventPart]:
        """The parts in which there are events of a kind."""

    @query(slow=True)
    def source_files(self) -> list[SourceFileData]:
        """Executed source files, by path."""

    @query(slow=True)
    def source_lines(self, path: str) -> list[SourceLineData]:
        """Executed lines of a source file, ascending; none for a file that is not one of
        `source_files`."""

    @query(slow=True)
    def source_text(self, path: str) -> SourceText:
        """Contents of one of `source_files`; of no other file."""
