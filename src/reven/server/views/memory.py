# SPDX-License-Identifier: Apache-2.0
"""Memory at a moment, and every access to it."""

from __future__ import annotations

import time

import msgspec

from reven.ossi import syscall_name
from reven.places import Place, place
from reven.resolving import address_of
from reven.server.views.instructions import TokenKind, text
from reven.server.views.pointers import Pointee, pointees
from reven.server.views.view import ADDRESSES, hexadecimal, parsed_address, view
from reven2._service import KIND_INSTRUCTION, AccessPage, TraceService, column
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError
from reven2.memhist import MemoryAccessCause, access_cause

__all__ = ["VIEWS"]

BYTES_LIMIT = 1 << 14
HISTORY_LIMIT = 500
HISTORY_WINDOW = 1 << 18
HISTORY_SECONDS = 0.01
"""Of the processor's time. After it, the view answers with what it has found."""
LINE = 16
INSPECTED = 64
VALUE_LIMIT = 16
_RAX = Register.from_name("rax")


class MemoryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`size` bytes in a context, from the beginning of the line (16 bytes) of an address,
    and `offset` bytes further. `expression`: the address, as `rsp+0x20`. `transition`: whose
    accesses are marked; `thread`: whose registers the expression means, None: those of the
    one that runs."""

    context: int
    transition: int
    expression: str
    offset: int
    size: int
    thread: int | None = None


class InspectRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    context: int
    address: str


class InspectAnswer(msgspec.Struct, frozen=True):
    """`bytes` as of memory. `pointees`: where the 8 bytes there lead, as an address."""

    bytes: str
    place: Place | None
    pointees: list[Pointee]


class AccessMark(msgspec.Struct, frozen=True):
    address: str
    size: int
    is_write: bool


class MappedPart(msgspec.Struct, frozen=True):
    """Mapped addresses [start, stop)."""

    start: str
    stop: str


class MemoryAnswer(msgspec.Struct, frozen=True):
    """`origin`: what the expression means; `address`: of the first byte. `bytes`: two
    characters each, `??` for one that is not known. `inspected`: the origin."""

    origin: str
    address: str
    bytes: str
    mapped: list[MappedPart]
    marks: list[AccessMark]
    inspected: InspectAnswer


def memory(service: TraceService, request: MemoryRequest) -> MemoryAnswer:
    """Bytes of memory at a moment, and what the transition there did with them."""
    if not 0 < request.size <= BYTES_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {BYTES_LIMIT} bytes.")
    origin = address_of(service, request.context, request.expression, request.thread)
    wanted = origin - origin % LINE + request.offset
    address = min(max(wanted, 0), ADDRESSES - request.size)
    size = request.size
    data, known = service.read_known_memory(request.context, address, size)
    stop = address + size
    return MemoryAnswer(
        hexadecimal(origin),
        hexadecimal(address),
        _digits(data, known),
        [
            MappedPart(hexadecimal(max(part.start, address)), hexadecimal(min(part.stop, stop)))
            for part in service.mapped_ranges(request.context)
            if part.start < stop and address < part.stop
        ],
        _marks(service, request.transition, address, size),
        inspect(service, InspectRequest(request.context, hexadecimal(origin))),
    )


def _digits(data: bytes, known: bytes) -> str:
    digits = data.hex()
    if all(known):
        return digits
    return "".join(
        digits[2 * index : 2 * index + 2] if is_known else "??"
        for index, is_known in enumerate(known)
    )


def _marks(service: TraceService, transition: int, address: int, size: int) -> list[AccessMark]:
    if not 0 <= transition < service.transition_count():
        return []
    page = service.accesses(
        transition,
        transition + 1,
        address,
        size,
        reads=True,
        writes=True,
        forward=True,
        limit=HISTORY_LIMIT,
    )
    return [
        AccessMark(hexadecimal(at), length, bool(is_write))
        for at, length, is_write in zip(
            column(page.address, "Q"),
            column(page.size, "I"),
            column(page.is_write, "B"),
            strict=True,
        )
    ]


class AddressRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expression such as `rsp+0x20`, `libc!environ`, `[rbp-8]` or `fs:0x28`."""

    context: int
    expression: str


class AddressAnswer(msgspec.Struct, frozen=True):
    address: str
    place: Place | None


def address(service: TraceService, request: AddressRequest) -> AddressAnswer:
    """The address that an expression means at a moment."""
    found = address_of(service, request.context, request.expression)
    return AddressAnswer(hexadecimal(found), place(service, request.context, found))


def inspect(service: TraceService, request: InspectRequest) -> InspectAnswer:
    """What the bytes at an address may mean."""
    address = parsed_address(request.address)
    size = min(INSPECTED, ADDRESSES - address)
    data, known = service.read_known_memory(request.context, address, size)
    value = int.from_bytes(data[:8], "little") if all(known[:8]) else 0
    return InspectAnswer(
        _digits(data, known),
        place(service, request.context, address),
        pointees(service, request.context, value),
    )


class HistoryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accesses to [address, address + size) of transitions from `start` on, in a
    direction: forward those at and after it, backward those before it."""

    address: str
    size: int
    start: int
    forward: bool
    limit: int
    reads: bool = True
    writes: bool = True


class HistoryRow(msgspec.Struct, frozen=True):
    """An access. `value`: the bytes accessed as a number, "" where they are not known or
    many. `tokens`: the instruction, none for an access of the kernel's by an event. `cause`:
    who makes it, "" for the instruction itself."""

    transition: int
    address: str
    size: int
    is_write: bool
    value: str
    pc: str
    place: str
    tokens: tuple[tuple[TokenKind, str], ...]
    thread: int
    cause: str


class HistoryAnswer(msgspec.Struct, frozen=True):
    """Rows by ascending transition. `next`: the `start` to go on with in the direction, None
    at the end."""

    rows: list[HistoryRow]
    next: int | None


def history(service: TraceService, request: HistoryRequest) -> HistoryAnswer:
    """The accesses to a range of memory from a transition on; fewer than `limit` where more
    would take long."""
    if not 0 < request.limit <= HISTORY_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {HISTORY_LIMIT} accesses.")
    count = service.transition_count()
    start = min(max(request.start, 0), count)
    begin, stop = (start, count) if request.forward else (0, start)
    if begin == stop or not (request.reads or request.writes):
        return HistoryAnswer([], None)
    low = parsed_address(request.address)
    rows: list[HistoryRow] = []
    until = time.thread_time() + HISTORY_SECONDS
    window = HISTORY_WINDOW
    while True:
        # In parts, the nearest first: what lies far apart takes long.
        low_end = begin if request.forward else max(begin, stop - window)
        high_end = min(stop, begin + window) if request.forward else stop
        page = service.accesses(
            low_end,
            high_end,
            low,
            min(request.size, ADDRESSES - low),
            reads=request.reads,
            writes=request.writes,
            forward=request.forward,
            limit=request.limit - len(rows),
        )
        rows += _history_rows(service, page)
        following = page.next
        if following is None and (low_end, high_end) != (begin, stop):
            following = high_end if request.forward else low_end
        is_late = bool(rows) and time.thread_time() > until
        if following is None or len(rows) >= request.limit or is_late:
            return HistoryAnswer(rows if request.forward else rows[::-1], following)
        begin, stop = (following, stop) if request.forward else (begin, following)
        if not page.transition:
            window *= 8


def _history_rows(service: TraceService, page: AccessPage) -> list[HistoryRow]:
    return [
        _history_row(service, transition, at, size, access_cause(cause), is_write=bool(is_write))
        for transition, at, size, is_write, cause in zip(
            column(page.transition, "Q"),
            column(page.address, "Q"),
            column(page.size, "I"),
            column(page.is_write, "B"),
            column(page.cause, "B"),
            strict=True,
        )
    ]


def _cause_text(service: TraceService, transition: int, kind: int, cause: MemoryAccessCause) -> str:
    if cause is MemoryAccessCause.Instruction:
        return ""
    if cause is MemoryAccessCause.SystemCall and kind == KIND_INSTRUCTION:
        number = _RAX.bits(service.registers([transition]).view)
        name: str | None = syscall_name(number)
        return str(cause.value) if name is None else f"system call {name}"
    return str(cause.value)


def _history_row(
    service: TraceService,
    transition: int,
    at: int,
    size: int,
    cause: MemoryAccessCause,
    *,
    is_write: bool,
) -> HistoryRow:
    page = service.transitions(transition, transition + 1)
    (pc,), (kind,), (thread,) = (
        column(page.pc, "Q"),
        column(page.kind, "B"),
        column(page.thread, "I"),
    )
    value = ""
    if size <= VALUE_LIMIT:
        data, known = service.read_known_memory(transition + is_write, at, size)
        value = hexadecimal(int.from_bytes(data, "little")) if all(known) else ""
    found = place(service, transition, pc)
    tokens = text(pc, page.code[0]).tokens if kind == KIND_INSTRUCTION and page.code else ()
    return HistoryRow(
        transition,
        hexadecimal(at),
        size,
        is_write,
        value,
        hexadecimal(pc),
        "" if found is None else found.text,
        tokens,
        thread,
        _cause_text(service, transition, kind, cause),
    )


VIEWS = [
    view(memory, slow=True),
    view(address, slow=True),
    view(inspect),
    view(history, slow=True),
]
