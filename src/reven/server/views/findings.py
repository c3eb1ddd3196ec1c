# SPDX-License-Identifier: Apache-2.0
"""What the program did wrong with memory."""

from __future__ import annotations

from itertools import islice

import msgspec

from reven.places import Place, place
from reven.server.views.view import hexadecimal, view
from reven.trace.own_code import OwnCode
from reven2._service import TraceService
from reven2._service.heap import HeapErrorKind
from reven2.errors import InvalidArgumentError
from reven2.heap import HeapCall
from reven2.preview.bugs import Bug, find
from reven2.trace import Trace

__all__ = ["VIEWS"]

FINDINGS_LIMIT = 200
_OWN_FRAMES = 30


class FindingsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one kind, at most `limit`."""

    kind: HeapErrorKind
    limit: int = FINDINGS_LIMIT


class FindingMoment(msgspec.Struct, frozen=True):
    """A moment that a finding is about: `text` says what happened there."""

    text: str
    transition: int
    place: Place | None


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """`text` is the whole in a sentence. `address`, `size`: of what was accessed; `block`,
    `block_size`: of the block beside, or in, which it lies. `own`: the nearest place in code
    that has source lines. `moments`: where the block was made and freed, what the value
    decided."""

    kind: HeapErrorKind
    text: str
    transition: int
    place: Place | None
    own: Place | None
    address: str
    size: int
    is_write: bool
    count: int
    block: str = ""
    block_size: int = 0
    moments: list[FindingMoment] = []


class FindingsAnswer(msgspec.Struct, frozen=True):
    """`is_whole`: there are no more than these."""

    findings: list[Finding]
    is_whole: bool


def findings(service: TraceService, request: FindingsRequest) -> FindingsAnswer:
    """What the program did wrong, in the order of time."""
    if not 1 <= request.limit <= FINDINGS_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {FINDINGS_LIMIT} findings.")
    found = list(islice(find(Trace(service), request.kind), request.limit + 1))
    return FindingsAnswer(
        [_finding(service, bug, request.kind) for bug in found[: request.limit]],
        len(found) <= request.limit,
    )


def _finding(service: TraceService, bug: Bug, kind: HeapErrorKind) -> Finding:
    number = bug.transition.id
    block = bug.allocation
    moments = []
    if block is not None:
        moments.append(_moment(service, "allocated", block.allocated))
        if block.freed is not None and block.freed.transition.id < number:
            moments.append(_moment(service, "freed", block.freed))
    if bug.branch is not None:
        branch = bug.branch.id
        moments.append(FindingMoment("decides this jump", branch, _place(service, branch)))
    return Finding(
        kind,
        str(bug).partition(" ")[2].replace("[lin:", "["),
        number,
        _place(service, number),
        _own(service, number),
        hexadecimal(bug.address.offset),
        bug.size,
        bug.is_write,
        bug.count,
        "" if block is None else hexadecimal(block.address.offset),
        0 if block is None else block.size,
        moments,
    )


def _moment(service: TraceService, what: str, call: HeapCall) -> FindingMoment:
    number = call.transition.id
    return FindingMoment(f"{what} by {call.function}", number, _own(service, number))


def _place(service: TraceService, number: int) -> Place | None:
    (frame, *_) = service.frames(number)[:1] or (None,)
    return None if frame is None else place(service, number, frame.pc)


def _own(service: TraceService, number: int) -> Place | None:
    """Where, up the stack, the nearest code with source lines of its own stands."""
    own = OwnCode("")
    for depth, frame in enumerate(service.frames(number)[:_OWN_FRAMES]):
        # A return address may already belong to the next line.
        pc = frame.pc - (1 if depth else 0)
        if own.holds(service.locate(number, pc)):
            found = place(service, number, pc)
            if found is not None and found.file:
                return found
    return None


VIEWS = [view(findings, slow=True)]
