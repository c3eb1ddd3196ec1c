# SPDX-License-Identifier: Apache-2.0
"""Source files with their executed lines."""

from __future__ import annotations

import msgspec

from reven.server.views.view import hexadecimal, view
from reven2._service import TraceService, column
from reven2.errors import InvalidArgumentError

__all__ = ["VIEWS"]

LONGEST_LINE = 2000


class SourceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`path` as the trace has it."""

    path: str


class SourceAnswer(msgspec.Struct, frozen=True):
    """The lines of a file, or the `problem` with it."""

    lines: list[str]
    problem: str
    is_newer: bool


def source(service: TraceService, request: SourceRequest) -> SourceAnswer:
    """The text of a source file that the trace names."""
    found = service.source_text(request.path)
    lines = [line[:LONGEST_LINE] for line in found.text.split("\n")]
    return SourceAnswer(lines if found.text else [], found.problem, found.is_newer)


class SourceRuns(msgspec.Struct, frozen=True):
    """An executed line, how often it began to run, and the addresses where it does. `is_exact`:
    no optimizer stands between that and the count."""

    line: int
    count: int
    addresses: list[str]
    is_exact: bool


class SourceLinesAnswer(msgspec.Struct, frozen=True):
    lines: list[SourceRuns]


def source_lines(service: TraceService, request: SourceRequest) -> SourceLinesAnswer:
    """The executed lines of a source file."""
    return SourceLinesAnswer(
        [
            SourceRuns(
                one.line, one.count, [hexadecimal(entry) for entry in one.entries], one.is_exact
            )
            for one in service.source_lines(request.path)
        ]
    )


class SourceFilesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class SourceFile(msgspec.Struct, frozen=True):
    """`lines`: how many of its lines were executed; `is_here`: its text can be shown."""

    path: str
    binary: str
    lines: int
    is_here: bool


class SourceFilesAnswer(msgspec.Struct, frozen=True):
    files: list[SourceFile]


def source_files(service: TraceService, request: SourceFilesRequest) -> SourceFilesAnswer:
    """The source files of which something was executed."""
    return SourceFilesAnswer(
        [SourceFile(one.path, one.binary, one.lines, one.is_here) for one in service.source_files()]
    )


class SourceRunRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The run of `line` of the file `path` that is nearest to transition `at`, after or
    before it."""

    path: str
    line: int
    at: int
    forward: bool


class SourceRunAnswer(msgspec.Struct, frozen=True):
    """`transition`: None if there is no further run."""

    transition: int | None


def source_run(service: TraceService, request: SourceRunRequest) -> SourceRunAnswer:
    """The next or previous run of a source line."""
    entries = [
        entry
        for one in service.source_lines(request.path)
        if one.line == request.line
        for entry in one.entries
    ]
    if not entries:
        raise InvalidArgumentError(f"Line {request.line} of {request.path} was not executed.")
    count = service.transition_count()
    start, stop = (request.at + 1, count) if request.forward else (0, min(request.at, count))
    if start >= stop:
        return SourceRunAnswer(None)
    found = service.find_pcs(
        [(entry, entry + 1) for entry in entries], start, stop, forward=request.forward, limit=1
    )
    numbers = column(found.transition, "Q")
    return SourceRunAnswer(numbers[0] if numbers else None)


VIEWS = [
    view(source, slow=True),
    view(source_lines, slow=True),
    view(source_files, slow=True),
    view(source_run, slow=True),
]
