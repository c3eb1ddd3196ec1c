# SPDX-License-Identifier: Apache-2.0
"""The list of transitions."""

from __future__ import annotations

from typing import Literal

import msgspec

from reven.places import Place, place
from reven.server.views.instructions import Text, TokenKind, text
from reven.server.views.view import hexadecimal, view
from reven2._service import (
    KIND_END_SIGNAL,
    KIND_INSTRUCTION,
    KIND_SIGNAL,
    KIND_SWITCH,
    NO_INSTRUCTION,
    REGISTER_VIEW_SIZE,
    EventData,
    TraceService,
    column,
)
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError
from reven2.memhist import OTHERS, access_cause

__all__ = ["VIEWS"]

ROWS_LIMIT = 1000
VALUE_LIMIT = 64

_RIP = Register.from_name("rip")


class ScenarioRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class TraceThread(msgspec.Struct, frozen=True):
    id: int
    first_transition: int
    last_transition: int


class ScenarioAnswer(msgspec.Struct, frozen=True):
    """A trace: `uuid` is what selections of it carry."""

    uuid: str
    transitions: int
    complete: bool
    threads: list[TraceThread]
    binaries: list[str]


def scenario(service: TraceService, request: ScenarioRequest) -> ScenarioAnswer:
    """What the trace is, as far as it is recorded now."""
    count = service.refresh() if not service.info().complete else service.transition_count()
    info = service.info()
    return ScenarioAnswer(
        info.uuid,
        count,
        info.complete,
        [
            TraceThread(thread.id, thread.first_transition, thread.last_transition)
            for thread in service.threads()
        ],
        [binary.path for binary in service.binaries()],
    )


class TraceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Transitions [first, first + count). Counts beyond the end are cut."""

    first: int
    count: int


class TraceInstruction(msgspec.Struct, frozen=True):
    """An instruction of the page, once however often it runs there. `bytes` in
    hexadecimal; `ends_block`: control may go elsewhere after it."""

    address: str
    bytes: str
    tokens: tuple[tuple[TokenKind, str], ...]
    place: Place | None
    ends_block: bool


class TraceValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value that a transition took or gave: of a register (`name`), or of memory
    (`address`). `value` is a number of `size` bytes, "" where it is not known. `text`:
    what the address means, or for `note` the whole comment."""

    kind: Literal["register", "result", "read", "write", "note"]
    value: str = ""
    name: str = ""
    address: str = ""
    size: int = 0
    text: str = ""


class TraceRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A transition. `instruction` indexes the page's, None for an event without one;
    `event` says what else it is than an instruction."""

    id: int
    pc: str
    thread: int
    values: list[TraceValue]
    instruction: int | None = None
    event: str = ""


class TraceAnswer(msgspec.Struct, frozen=True):
    """`total`: transitions of the trace."""

    total: int
    instructions: list[TraceInstruction]
    rows: list[TraceRow]


class _Access(msgspec.Struct):
    address: int
    size: int
    is_write: bool


def trace(service: TraceService, request: TraceRequest) -> TraceAnswer:
    """Transitions with their disassembly, places, and values."""
    total = service.transition_count()
    if request.first < 0 or not 0 <= request.count <= ROWS_LIMIT:
        raise InvalidArgumentError(f"Ask for at most {ROWS_LIMIT} rows, from 0 on.")
    first, stop = min(request.first, total), min(request.first + request.count, total)
    if first == stop:
        return TraceAnswer(total, [], [])
    page = service.transitions(first, stop)
    numbers, pcs = column(page.instruction, "I"), column(page.pc, "Q")
    kinds, threads = column(page.kind, "B"), column(page.thread, "I")
    addresses = column(page.address, "Q")
    texts = [text(*parts) for parts in zip(addresses, page.code, strict=True)]
    views = _register_views(service, first, stop)
    accesses = _accesses(service, first, stop)
    rows = []
    seen: dict[int, int] = {}
    for index, number in enumerate(numbers):
        if number != NO_INSTRUCTION:
            seen.setdefault(number, first + index)
        values: list[TraceValue] = []
        event = ""
        if kinds[index] != KIND_INSTRUCTION:
            event = _event_text(page.events[first + index])
        elif number != NO_INSTRUCTION:
            values = _values(
                service,
                first + index,
                texts[number],
                (views[index], views[index + 1]),
                accesses.get(first + index, []),
                addresses[number] + len(page.code[number]),
            )
        rows.append(
            TraceRow(
                id=first + index,
                pc=hexadecimal(pcs[index]),
                thread=threads[index],
                values=values,
                instruction=None if number == NO_INSTRUCTION else number,
                event=event,
            )
        )
    instructions = [
        TraceInstruction(
            hexadecimal(address),
            code.hex(),
            _tokens(service, seen.get(number, first), words),
            place(service, seen.get(number, first), address),
            words.ends_block,
        )
        for number, (address, code, words) in enumerate(
            zip(addresses, page.code, texts, strict=True)
        )
    ]
    return TraceAnswer(total, instructions, rows)


def _tokens(service: TraceService, context: int, words: Text) -> tuple[tuple[TokenKind, str], ...]:
    """The words, with the name of what a direct branch goes to."""
    found = None if words.destination is None else place(service, context, words.destination)
    return words.tokens if found is None else (*words.tokens, ("symbol", f" {found.text}"))


def _register_views(service: TraceService, first: int, stop: int) -> list[bytes]:
    data = service.registers(range(first, stop + 1)).view
    return [
        data[begin : begin + REGISTER_VIEW_SIZE]
        for begin in range(0, len(data), REGISTER_VIEW_SIZE)
    ]


def _accesses(service: TraceService, first: int, stop: int) -> dict[int, list[_Access]]:
    page = service.accesses(
        first, stop, 0, 1 << 64, reads=True, writes=True, forward=True, limit=4 * ROWS_LIMIT
    )
    found: dict[int, list[_Access]] = {}
    for transition, address, size, is_write, cause in zip(
        column(page.transition, "Q"),
        column(page.address, "Q"),
        column(page.size, "I"),
        column(page.is_write, "B"),
        column(page.cause, "B"),
        strict=True,
    ):
        # What others changed meanwhile is not the instruction's doing.
        if access_cause(cause) in OTHERS:
            continue
        found.setdefault(transition, []).append(_Access(address, size, bool(is_write)))
    return found


def _values(
    service: TraceService,
    number: int,
    words: Text,
    views: tuple[bytes, bytes],
    accesses: list[_Access],
    following: int,
) -> list[TraceValue]:
    before, after = views
    values = [_register_value("register", register, before) for register in words.reads]
    # More than these do not fit on a line; the history has them all.
    values += [_memory_value(service, number, access) for access in accesses[:3]]
    if len(accesses) > 3:
        values.append(TraceValue("note", text=f"… {len(accesses)} accesses"))
    values += [_register_value("result", register, after) for register in words.writes]
    if words.is_conditional:
        taken = _RIP.bits(after) != following
        values.append(TraceValue("note", text="taken" if taken else "not taken"))
    return values


def _register_value(
    kind: Literal["register", "result"], register: Register, view: bytes
) -> TraceValue:
    return TraceValue(
        kind, hexadecimal(register.bits(view)), name=register.name, size=register.size
    )


def _memory_value(service: TraceService, number: int, access: _Access) -> TraceValue:
    context = number + 1 if access.is_write else number
    size = min(access.size, VALUE_LIMIT)
    data, known = service.read_known_memory(context, access.address, size)
    value = hexadecimal(int.from_bytes(data, "little")) if all(known) else ""
    if access.size > VALUE_LIMIT:
        value = ""
    at = place(service, context, access.address)
    return TraceValue(
        "write" if access.is_write else "read",
        value,
        address=hexadecimal(access.address),
        size=access.size,
        text="" if at is None else at.text,
    )


def _event_text(event: EventData) -> str:
    if event.kind == KIND_SWITCH:
        return f"thread {event.thread} → {event.next_thread}"
    if event.kind == KIND_SIGNAL:
        return f"{event.signal_name} delivered"
    assert event.kind == KIND_END_SIGNAL
    return f"ended by {event.signal_name}"


VIEWS = [view(scenario, slow=True), view(trace)]
