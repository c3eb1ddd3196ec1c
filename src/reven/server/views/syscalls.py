# SPDX-License-Identifier: Apache-2.0
"""System calls, and what the program had written at a moment."""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from reven.ossi.linux.system_calls import system_calls
from reven.printable import printable, printable_lines
from reven.server.views.view import hexadecimal, view
from reven2._service import TraceService
from reven2._service.syscalls import SyscallData, TransferData
from reven2.errors import InvalidArgumentError, OutOfRangeError

__all__ = ["VIEWS"]

ROWS_LIMIT = 256
LONGEST_TEXT = 400
OUTPUT_LIMIT = 1 << 18
_TRANSFERS = 512
_STANDARD = (1, 2)
_STANDARD_ERROR = 2


class SyscallsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows `first` to `first + count` of the system calls that a filter leaves. `filter`: words,
    of which each is a name or a group of calls, or else text that they must contain. `at`: a
    transition."""

    first: int = 0
    count: int = 64
    filter: str = ""
    failed: bool = False
    at: int = 0


class SyscallRow(msgspec.Struct, frozen=True):
    """A system call: `text` is its arguments, in brackets; `result` what it returned, "" if it
    did not return."""

    transition: int
    thread: int
    name: str
    text: str
    result: str
    error: str


class SyscallsAnswer(msgspec.Struct, frozen=True):
    """`total`: how many the filter leaves; `here`: the first of them that is not before `at`."""

    rows: list[SyscallRow]
    total: int
    here: int


def syscalls(service: TraceService, request: SyscallsRequest) -> SyscallsAnswer:
    """System calls, decoded."""
    if not 0 <= request.count <= ROWS_LIMIT or request.first < 0:
        raise InvalidArgumentError(f"Ask for 0 to {ROWS_LIMIT} system calls, from 0 on.")
    names, text = _meant(request.filter)
    found = memoryview(
        service.syscall_transitions(names=names, failed=request.failed, text=text)
    ).cast("Q")
    shown = found[request.first : request.first + request.count].tolist()
    rows: list[SyscallRow] = []
    if shown and not text:
        # They stand one behind the other in what is asked for.
        page = service.decoded_syscalls(
            shown[0], shown[-1] + 1, names=names, failed=request.failed, limit=len(shown)
        )
        rows = [_row(call) for call in page.calls]
    else:
        for number in shown:
            page = service.decoded_syscalls(number, number + 1, names=[], failed=False, limit=1)
            rows += [_row(call) for call in page.calls]
    return SyscallsAnswer(rows, len(found), bisect_left(found, request.at))


def _meant(written: str) -> tuple[list[str], str]:
    """Names of calls and groups, and the text, that a filter is made of."""
    calls = system_calls().values()
    known = {call.name for call in calls} | {call.group for call in calls}
    words = written.split()
    names = [word for word in words if word in known]
    return names, " ".join(word for word in words if word not in known)


def _row(call: SyscallData) -> SyscallRow:
    rest = call.text.removeprefix(call.name)
    text, equals, result = rest.rpartition(" = ")
    if not equals:
        text, result = rest, ""
    return SyscallRow(
        call.transition,
        call.thread,
        call.name,
        _short(text),
        _short(result),
        call.error,
    )


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


class OutputRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was written around a transition. `file`: the id of one, None: standard output and
    error. `limit`: bytes before it, and after it."""

    transition: int
    file: int | None = None
    limit: int = 1 << 16


class OutputFile(msgspec.Struct, frozen=True):
    """A file, pipe or socket that was written to."""

    id: int
    name: str
    kind: str
    size: int


class OutputPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes that a system call wrote, within a line: `size` bytes at `address`. `is_last`: the
    line ends behind them. `is_error`: to standard error."""

    text: str
    transition: int
    address: str
    size: int
    is_error: bool = False
    is_last: bool = False


class OutputAnswer(msgspec.Struct, frozen=True):
    """`begins`, `ends`: nothing was written before or after these parts."""

    files: list[OutputFile]
    parts: list[OutputPart]
    begins: bool
    ends: bool


def output(service: TraceService, request: OutputRequest) -> OutputAnswer:
    """What the program had written at a moment, and what it was going to."""
    if not 1 <= request.limit <= OUTPUT_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {OUTPUT_LIMIT} bytes of output.")
    opened = service.open_files()
    if request.file is not None and not any(one.id == request.file for one in opened):
        raise OutOfRangeError(f"The trace has no file {request.file}.")
    before, begins = _written(service, request, forward=False)
    after, ends = _written(service, request, forward=True)
    files = [
        OutputFile(one.id, printable(one.name), one.kind, one.bytes_written)
        for one in opened
        if one.bytes_written
    ]
    parts = [part for one in [*before[::-1], *after] for part in _parts(one)]
    return OutputAnswer(files, parts, begins, ends)


def _written(
    service: TraceService, request: OutputRequest, *, forward: bool
) -> tuple[list[TransferData], bool]:
    """What was written before a transition, the last first, or from it on; and whether that is
    all."""
    start, stop = 0, request.transition
    if forward:
        start, stop = request.transition, service.transition_count()
    found: list[TransferData] = []
    left = request.limit
    while True:
        page = service.transfers(
            start,
            stop,
            file=request.file,
            is_write=True,
            most_bytes=left,
            limit=_TRANSFERS,
            forward=forward,
        )
        for one in page.transfers:
            if request.file is None and one.descriptor not in _STANDARD:
                continue
            if left <= 0:
                return found, False
            found.append(one)
            left -= one.size
        if page.next is None:
            return found, True
        start, stop = (page.next, stop) if forward else (start, page.next)


def _parts(one: TransferData) -> list[OutputPart]:
    """Cut where lines end, and where the bytes do not stand one behind the other."""
    found: list[OutputPart] = []
    at = 0
    for address, size in one.parts:
        data = one.data[at : at + size]
        at += size
        begins = 0
        for line in _lines(data):
            text = line.decode("utf-8", "backslashreplace")
            found.append(
                OutputPart(
                    printable_lines(text.rstrip("\r\n")),
                    one.transition,
                    hexadecimal(address + begins),
                    len(line),
                    one.descriptor == _STANDARD_ERROR,
                    line.endswith(b"\n"),
                )
            )
            begins += len(line)
    return found


def _lines(data: bytes) -> list[bytes]:
    """With their ends; of a file of bytes, a carriage return ends none."""
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


VIEWS = [view(syscalls, slow=True), view(output, slow=True)]
