# SPDX-License-Identifier: Apache-2.0
"""What a person who opens a trace wants to know first: how it ended, where, and what to know."""

from __future__ import annotations

from typing import Literal

import msgspec

from reven.places import Place, function_name, place
from reven.server.views.view import hexadecimal, view
from reven.trace.own_code import OwnCode
from reven2._service import TraceService, column
from reven2._service.end import EndData
from reven2._service.explain import StatementData
from reven2.explanation import place_text

__all__ = ["VIEWS"]

FRAMES_LIMIT = 200
_SHOWN_FRAMES = 12


class StartRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class StartFrame(msgspec.Struct, frozen=True):
    """A frame of the stack at the end, to be gone to at `transition`. `is_own`: of code of the
    person's own, with source lines."""

    name: str
    place: Place | None
    transition: int | None
    is_own: bool


class StartRegister(msgspec.Struct, frozen=True):
    name: str
    value: str


class StartThread(msgspec.Struct, frozen=True):
    id: int
    first: int
    last: int


class StartAnswer(msgspec.Struct, frozen=True):
    """`how`: "right" for an exit with status 0, "wrong" for any other end, "cut" where the
    recording was ended, "recording" while it goes on. `decisive`: the moment to look at first:
    of what went wrong the nearest in code of the person's own, whose frame is `own`, else the
    beginning of `main`. `address`: what could not be
    accessed, `registers` what made it. `notices`: what is not as it would be without the
    recorder."""

    how: Literal["right", "wrong", "cut", "recording"]
    sentence: str
    decisive: int | None
    own: StartFrame | None
    frames: list[StartFrame]
    instruction: str
    address: str
    registers: list[StartRegister]
    message: str
    notices: list[str]
    threads: list[StartThread]
    transitions: int


def start(service: TraceService, request: StartRequest) -> StartAnswer:
    """How the trace ended, and the decisive moment in the person's own code."""
    total = service.transition_count()
    end = service.end()
    frames = [] if end is None or total == 0 else _frames(service, total - 1)
    own = next((frame for frame in frames if frame.is_own), None)
    how = _how(end)
    decisive = None
    if how == "wrong" and end is not None:
        decisive = total - 1 if end.transition is None else end.transition
        if own is not None and own.transition is not None:
            decisive = own.transition
    elif total > 0:
        decisive = _main(service, total)
    return StartAnswer(
        how,
        "It is being recorded." if end is None else f"It {end.sentence}.",
        decisive,
        own,
        frames[:_SHOWN_FRAMES],
        "" if end is None else end.instruction,
        "" if end is None or end.address is None else hexadecimal(end.address),
        []
        if end is None
        else [StartRegister(one.name, hexadecimal(one.value)) for one in end.registers],
        "" if end is None else end.message,
        service.notices(),
        [
            StartThread(one.id, one.first_transition, one.last_transition)
            for one in service.threads()
        ],
        total,
    )


def _how(end: EndData | None) -> Literal["right", "wrong", "cut", "recording"]:
    if end is None:
        return "recording"
    if end.reason == "exit":
        return "right" if end.status == 0 else "wrong"
    return "wrong" if end.reason == "signal" else "cut"


def _frames(service: TraceService, last: int) -> list[StartFrame]:
    """The stack at the last transition, each frame where it can be gone to."""
    found = service.frames(last)[:FRAMES_LIMIT]
    own = OwnCode("")
    frames = []
    for depth, frame in enumerate(found):
        after_call = depth > 0 and found[depth - 1].type != "Interrupt"
        pc = frame.pc - (1 if after_call else 0)
        where = place(service, last, pc)
        is_own = where is not None and bool(where.file) and own.holds(service.locate(last, pc))
        name = (
            (where.text if where else hexadecimal(frame.pc))
            if frame.function is None
            else function_name(service, frame.first_context, frame.function)
        )
        stands = last if depth == 0 else found[depth - 1].creation_transition
        frames.append(StartFrame(name, where, stands, is_own))
    return frames


def _main(service: TraceService, total: int) -> int:
    """Where the program's own code begins: `main`, or the first transition."""
    for binary in service.binaries():
        page = service.symbols(
            binary.id, "^main$", case_sensitive=True, kind="function", start=0, limit=1
        )
        for symbol in page.symbols:
            ranges = [
                (entry.start, entry.stop) for entry in service.symbol_entries(binary.id, symbol.rva)
            ]
            found = service.find_pcs(ranges, 0, total, forward=True, limit=1)
            first = column(found.transition, "Q")
            if first:
                return int(first[0])
    return 0


class ExplanationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class ExplanationPart(msgspec.Struct, frozen=True):
    """Something that is so, and the transition that shows it; `where` in the code, in words."""

    role: str
    text: str
    where: str
    transition: int | None


class ExplanationAnswer(msgspec.Struct, frozen=True):
    """As `reven2._service.explain.ExplanationData`, in what is painted."""

    kind: str
    headline: str
    first_wrong: ExplanationPart | None
    parts: list[ExplanationPart]
    limits: list[str]


def explanation(service: TraceService, request: ExplanationRequest) -> ExplanationAnswer:
    """Why the program ended as it did, each statement with its transition."""
    found = service.explain(own=[], not_own=[])
    return ExplanationAnswer(
        found.kind,
        found.headline,
        None if found.first_wrong is None else _part(found.first_wrong),
        [_part(one) for one in found.statements],
        found.limits,
    )


def _part(one: StatementData) -> ExplanationPart:
    return ExplanationPart(one.role, one.text, place_text(one.place), one.transition)


VIEWS = [view(start, slow=True), view(explanation, slow=True)]
