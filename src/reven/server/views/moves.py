# SPDX-License-Identifier: Apache-2.0
"""Where a move leads: a jump that was typed, and the next or previous of something."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

import msgspec

from reven.places import Place, place
from reven.resolving import resolve
from reven.server.views.view import ADDRESSES, hexadecimal, parsed_address, view
from reven2._service import KIND_INSTRUCTION, TraceService, column
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError, OutOfRangeError

__all__ = ["VIEWS"]

_NAMES_LIMIT = 100


class MoveAnswer(msgspec.Struct, frozen=True):
    """The transition to go to, None if there is none."""

    transition: int | None


class JumpRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was typed: `#123`, `50%`, a symbol, or any address expression, as seen from a
    transition."""

    text: str
    transition: int


class JumpAnswer(msgspec.Struct, frozen=True):
    """A transition, an address, or for code both: its next execution, or else the previous
    one."""

    transition: int | None
    address: str | None
    place: Place | None


def jump(service: TraceService, request: JumpRequest) -> JumpAnswer:
    """Where what was typed leads."""
    after = request.transition + 1
    found = resolve(service, request.text, request.transition, after=after)
    if found.address is None:
        return JumpAnswer(found.transition, None, None)
    standing = place(service, request.transition, found.address)
    return JumpAnswer(found.transition, hexadecimal(found.address), standing)


class RunRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    transition: int
    forward: bool


def run(service: TraceService, request: RunRequest) -> MoveAnswer:
    """The next or previous run of the instruction of a transition."""
    count = service.transition_count()
    page = service.transitions(request.transition, request.transition + 1)
    (pc,), (kind,) = column(page.pc, "Q"), column(page.kind, "B")
    if kind != KIND_INSTRUCTION:
        return MoveAnswer(None)
    return _run_of(service, pc, request.transition, count, forward=request.forward)


class ExecutionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The executions of an address (`0x…`) after or before a transition."""

    address: str
    transition: int
    forward: bool


def execution(service: TraceService, request: ExecutionRequest) -> MoveAnswer:
    """The next or previous execution of an address."""
    count = service.transition_count()
    address = parsed_address(request.address)
    return _run_of(service, address, request.transition, count, forward=request.forward)


class RegisterChangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    register: str
    transition: int
    forward: bool


def register_change(service: TraceService, request: RegisterChangeRequest) -> MoveAnswer:
    """The next or previous transition that changes a register."""
    count = service.transition_count()
    _check_transition(request.transition, count)
    contexts = []
    start = request.transition + 1 if request.forward else request.transition
    for part in Register.from_name(request.register).fields:
        found = service.find_register_change(
            start, part.offset, part.size, part.mask, request.forward
        )
        if found is not None:
            contexts.append(found)
    if not contexts:
        return MoveAnswer(None)
    return MoveAnswer(min(contexts) - 1 if request.forward else max(contexts))


class AccessRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accesses to `size` bytes at `address` after or before a transition."""

    address: str
    size: int
    transition: int
    forward: bool
    reads: bool
    writes: bool


def access(service: TraceService, request: AccessRequest) -> MoveAnswer:
    """The next or previous access to memory."""
    count = service.transition_count()
    _check_transition(request.transition, count)
    start, stop = (request.transition + 1, count) if request.forward else (0, request.transition)
    low = parsed_address(request.address)
    if start >= stop or not (request.reads or request.writes):
        return MoveAnswer(None)
    page = service.accesses(
        start,
        stop,
        low,
        min(max(request.size, 1), ADDRESSES - low),
        reads=request.reads,
        writes=request.writes,
        forward=request.forward,
        limit=1,
    )
    transitions = column(page.transition, "Q")
    return MoveAnswer(transitions[0] if transitions else None)


class NamesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Part of a symbol's name, without regard to case."""

    text: str
    limit: int = 20
    kind: Literal["function", "object", ""] = ""


class KnownName(msgspec.Struct, frozen=True):
    name: str
    binary: str
    kind: Literal["function", "object", "plt"]


class NamesAnswer(msgspec.Struct, frozen=True):
    names: list[KnownName]


def names(service: TraceService, request: NamesRequest) -> NamesAnswer:
    """Symbols whose name contains what was typed; those that begin with it come first."""
    if not 0 < request.limit <= _NAMES_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {_NAMES_LIMIT} names.")
    typed = re.escape(request.text)
    found: dict[tuple[str, str], KnownName] = {}
    for pattern in (f"^{typed}", typed):
        for binary in service.binaries():
            page = service.symbols(
                binary.id,
                pattern,
                case_sensitive=False,
                kind=request.kind,
                start=0,
                limit=request.limit,
            )
            file = PurePosixPath(binary.path).name
            for symbol in page.symbols:
                name = symbol.demangled_name or symbol.name
                found.setdefault((name, file), KnownName(name, file, symbol.kind))
            if len(found) >= request.limit:
                return NamesAnswer(list(found.values())[: request.limit])
    return NamesAnswer(list(found.values()))


def _run_of(
    service: TraceService, address: int, transition: int, count: int, *, forward: bool
) -> MoveAnswer:
    _check_transition(transition, count)
    start, stop = (transition + 1, count) if forward else (0, transition)
    return MoveAnswer(_first(service, [(address, address + 1)], start, stop, forward=forward))


def _first(
    service: TraceService,
    ranges: list[tuple[int, int]],
    start: int,
    stop: int,
    *,
    forward: bool,
) -> int | None:
    if start >= stop or not ranges:
        return None
    page = service.find_pcs(ranges, start, stop, forward=forward, limit=1)
    found = column(page.transition, "Q")
    return found[0] if found else None


def _check_transition(transition: int, count: int) -> None:
    if not 0 <= transition < count:
        raise OutOfRangeError(f"The trace has no transition {transition}.")


VIEWS = [view(show, slow=True) for show in (jump, run, execution, register_change, access, names)]
