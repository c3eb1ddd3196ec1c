# SPDX-License-Identifier: Apache-2.0
"""Searches of the whole trace: pages for a list, and marks for a strip of pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Literal

import msgspec

from reven.patterns import Pattern
from reven.places import Place, place
from reven.resolving import address_of
from reven.server.views.instructions import Text, TokenKind, text
from reven.server.views.view import hexadecimal, view
from reven2._service import RegisterPage, TraceService, column
from reven2.arch._table import GENERAL, VECTORS
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = ["VIEWS"]

SearchKind = Literal["address", "symbol", "binary", "instruction", "value", "memory", "string"]

HITS_LIMIT = 500
SYMBOLS_LIMIT = 4096
LONGEST_TEXT = 1000
SECONDS = 0.4
"""A search that finds little answers with what it has after so long, and says where to go on."""
PATTERN_SECONDS = 2.0
FIRST_WINDOW = 1 << 22
"""Transitions that a search without an index looks through at once, at first."""
MARKS_PAGE = 64

_RIP = Register.from_name("rip")


class Hit(msgspec.Struct, frozen=True):
    """`size` bytes at `address`: what was found there."""

    transition: int
    address: int | None = None
    size: int = 0
    note: str = ""


class Found(msgspec.Struct, frozen=True):
    """`next`: where the search goes on, None at its end."""

    hits: list[Hit]
    next: int | None


Search = Callable[[TraceService, str, int, int, int], Found]
"""`(service, text, start, stop, limit)`: hits of [start, stop), ascending, about `limit`."""


class SearchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `text` means depends on the `kind`: an address expression; a regular expression for
    names of functions (`libc!malloc`), for paths of binaries or for instructions; a number;
    bytes (`"text"` or hexadecimal digits); a piece of a string. From `first` on: 0, then the
    `next` of the answer before."""

    kind: SearchKind
    text: str
    first: int = 0
    limit: int = 100


class SearchHit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A transition that was found. `address` with `size`: of what it accessed."""

    transition: int
    place: Place | None
    tokens: tuple[tuple[TokenKind, str], ...]
    address: str = ""
    size: int = 0
    note: str = ""


class SearchAnswer(msgspec.Struct, frozen=True):
    """`next`: what to go on with, None at the end; `total`: where that is at the end."""

    hits: list[SearchHit]
    next: int | None
    total: int


def search(service: TraceService, request: SearchRequest) -> SearchAnswer:
    """A page of what a search finds. It may be empty and yet not the last."""
    if not 1 <= request.limit <= HITS_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {HITS_LIMIT} hits.")
    total = service.transition_count()
    found = _run(service, request.kind, request.text, request.first, total, request.limit)
    contexts = [hit.transition for hit in found.hits]
    page = service.registers(contexts) if contexts else RegisterPage(b"", b"")
    return SearchAnswer(
        [_shown(service, hit, page.row(at)) for at, hit in enumerate(found.hits)],
        found.next,
        total,
    )


class SearchMarksRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A search in transitions [start, stop), of which each `width` are one pixel. `first`: the
    `next` of the answer before, if there was one."""

    kind: SearchKind
    text: str
    start: int
    stop: int
    width: int
    first: int | None = None


class SearchMarksAnswer(msgspec.Struct, frozen=True):
    """The first transition found of each pixel that has one; `next`: what to go on with."""

    transitions: list[int]
    next: int | None


def search_marks(service: TraceService, request: SearchMarksRequest) -> SearchMarksAnswer:
    """Where a strip of pixels has something that a search finds."""
    width = max(1, request.width)
    stop = min(request.stop, service.transition_count())
    # Strings are found by their numbers, all else by transitions.
    is_numbered = request.kind == "string"
    first: int | None = request.first
    if first is None:
        first = 0 if is_numbered else request.start
    marks: dict[int, int] = {}
    deadline = time.monotonic() + SECONDS
    while first is not None and (is_numbered or first < stop) and time.monotonic() < deadline:
        found = _run(service, request.kind, request.text, first, stop, MARKS_PAGE)
        for hit in found.hits:
            if request.start <= hit.transition < stop:
                marks.setdefault((hit.transition - request.start) // width, hit.transition)
        first = found.next
        if first is not None and found.hits and not is_numbered:
            # The rest of a pixel that has its mark would be found for nothing.
            pixel = (found.hits[-1].transition - request.start) // width
            first = max(first, request.start + (pixel + 1) * width)
    is_done = first is None or (not is_numbered and first >= stop)
    return SearchMarksAnswer(sorted(marks.values()), None if is_done else first)


def _run(
    service: TraceService, kind: SearchKind, wanted: str, start: int, stop: int, limit: int
) -> Found:
    if not wanted.strip():
        raise InvalidArgumentError("Say what to search for.")
    if len(wanted) > LONGEST_TEXT:
        raise InvalidArgumentError(f"A search may have at most {LONGEST_TEXT} characters.")
    if start < 0:
        raise InvalidArgumentError("A search begins at 0.")
    if kind != "string" and start >= stop:
        return Found([], None)
    return _SEARCHES[kind](service, wanted.strip(), start, stop, limit)


def _shown(service: TraceService, hit: Hit, registers: bytes) -> SearchHit:
    pc = _RIP.bits(registers)
    page = service.transitions(hit.transition, hit.transition + 1)
    words: Text | None = text(column(page.address, "Q")[0], page.code[0]) if page.code else None
    return SearchHit(
        hit.transition,
        place(service, hit.transition, pc),
        () if words is None else words.tokens,
        "" if hit.address is None else hexadecimal(hit.address),
        hit.size,
        hit.note,
    )


# ------------------------------------------------------------------- the kinds of search


def _address(service: TraceService, wanted: str, start: int, stop: int, limit: int) -> Found:
    address = address_of(service, start, wanted)
    return _executions(service, [(address, address + 1)], start, stop, limit)


def _symbol(service: TraceService, wanted: str, start: int, stop: int, limit: int) -> Found:
    hint, _, name = wanted.rpartition("!")
    ranges = [
        (entry.start, entry.stop)
        for binary in service.binaries()
        if hint in PurePosixPath(binary.path).name
        for symbol in service.symbols(
            binary.id, name, case_sensitive=False, kind="function", start=0, limit=SYMBOLS_LIMIT
        ).symbols
        for entry in service.symbol_entries(binary.id, symbol.rva)
    ]
    if not ranges:
        raise InvalidArgumentError(f"No executed binary has a function like {wanted!r}.")
    return _executions(service, ranges, start, stop, limit)


def _binary(service: TraceService, wanted: str, start: int, stop: int, limit: int) -> Found:
    pattern = Pattern(wanted, ignore_case=True, seconds=PATTERN_SECONDS)
    ranges = [
        (part.start, part.stop)
        for binary in service.binaries()
        if pattern.is_in(binary.path)
        for part in service.binary_ranges(binary.id)
    ]
    if not ranges:
        raise InvalidArgumentError(f"No executed binary has a path like {wanted!r}.")
    return _executions(service, ranges, start, stop, limit)


def _executions(
    service: TraceService, ranges: list[tuple[int, int]], start: int, stop: int, limit: int
) -> Found:
    page = service.find_pcs(ranges, start, stop, forward=True, limit=limit)
    return Found([Hit(number) for number in column(page.transition, "Q")], page.next)


def _instruction(service: TraceService, wanted: str, start: int, stop: int, limit: int) -> Found:
    def find(low: int, high: int, left: int) -> Found:
        page = service.find_instructions(wanted, low, high, forward=True, limit=left)
        return Found([Hit(number) for number in column(page.transition, "Q")], page.next)

    return _by_windows(find, start, stop, limit)


def _value(service: TraceService, wanted: str, start: int, stop: int, limit: int) -> Found:
    try:
        number = int(wanted, 0)
    except ValueError:
        raise InvalidArgumentError(f"{wanted!r} is no number: write 0x1f or 31.") from None
    if not -(1 << 63) <= number < 1 << 256:
        raise InvalidArgumentError("A value has at most 256 bits.")
    size = 8 if number < 0 else max(1, (number.bit_length() + 7) // 8)
    data = (number % (1 << 8 * size)).to_bytes(size, "little")

    def find(low: int, high: int, left: int) -> Found:
        page = service.find_value(data, low, high, size=0, limit=left)
        rows = zip(
            column(page.transition, "Q"),
            column(page.register, "B"),
            column(page.address, "Q"),
            column(page.size, "I"),
            column(page.is_write, "B"),
            strict=True,
        )
        return Found([_value_hit(*row) for row in rows], page.next)

    return _by_windows(find, start, stop, limit)


_ACCESS = 255


def _value_hit(transition: int, register: int, address: int, size: int, is_write: int) -> Hit:
    if register == _ACCESS:
        return Hit(transition, address, size, "written" if is_write else "read")
    return Hit(transition, note=(*GENERAL, *VECTORS)[register])


def _memory(service: TraceService, wanted: str, start: int, stop: int, limit: int) -> Found:
    data = _bytes(wanted)

    def find(low: int, high: int, left: int) -> Found:
        page = service.created_matches(data, low, high, limit=left)
        rows = zip(
            column(page.transition, "Q"),
            column(page.address, "Q"),
            column(page.is_mapping, "B"),
            strict=True,
        )
        return Found(
            [
                Hit(transition, address, len(data), "mapped" if is_mapping else "written or read")
                for transition, address, is_mapping in rows
            ],
            page.next,
        )

    return _by_windows(find, start, stop, limit)


def _string(service: TraceService, wanted: str, start: int, stop: int, limit: int) -> Found:
    # Strings are numbered: the search goes on by number, not by transition.
    page = service.strings(wanted, first=start, limit=limit)
    rows = zip(
        column(page.first_access, "Q"),
        column(page.address, "Q"),
        column(page.size, "I"),
        page.text,
        strict=True,
    )
    return Found([Hit(*row) for row in rows], page.next)


def _by_windows(find: Callable[[int, int, int], Found], start: int, stop: int, limit: int) -> Found:
    """What has no index is looked through piece by piece, for a while."""
    deadline = time.monotonic() + SECONDS
    hits: list[Hit] = []
    position = start
    for end in _ends(start, stop):
        low: int | None = position
        while low is not None:
            found = find(low, end, limit - len(hits))
            hits += found.hits
            low = found.next
            if len(hits) >= limit:
                return Found(hits, low if low is not None else end if end < stop else None)
        position = end
        if time.monotonic() > deadline:
            break
    return Found(hits, position if position < stop else None)


def _ends(start: int, stop: int) -> Iterator[int]:
    width = FIRST_WINDOW
    while start < stop:
        start = min(start + width, stop)
        yield start


def _bytes(wanted: str) -> bytes:
    if len(wanted) > 2 and wanted[0] == wanted[-1] == '"':
        return wanted[1:-1].encode()
    try:
        data = bytes.fromhex(wanted.removeprefix("0x"))
    except ValueError:
        data = b""
    if not data:
        raise InvalidArgumentError(
            f'{wanted!r} are no bytes: write "text" or two hexadecimal digits for each, 7f 45.'
        )
    return data


_SEARCHES: dict[SearchKind, Search] = {
    "address": _address,
    "symbol": _symbol,
    "binary": _binary,
    "instruction": _instruction,
    "value": _value,
    "memory": _memory,
    "string": _string,
}

VIEWS = [view(search, scans=True), view(search_marks, scans=True)]
