# SPDX-License-Identifier: Apache-2.0
"""Where a value came from, as steps that can be gone to."""

from __future__ import annotations

import re

import msgspec

from reven.places import Place, place
from reven.server.views.instructions import TokenKind, text
from reven.server.views.view import ADDRESSES, hexadecimal, parsed_address, view
from reven2._service import TraceService, column
from reven2._service.taint import FollowMode
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError, OutOfRangeError
from reven2.preview.taint import (
    OriginHop,
    OriginPath,
    TaintedMemories,
    TaintedRegisterSlice,
    origin_tree,
)
from reven2.trace import Context, Trace

__all__ = ["VIEWS"]

STEPS_LIMIT = 4000
BYTES_LIMIT = 64
"""An origin is that of a value: what is longer is asked for in parts."""

# Of memory there is one kind here: what kind an address is goes without saying.
_SPACE = re.compile(r"\[(?:lin|phy):")


class StoryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The origin of a `register`, or of `size` bytes at `address`, in a context. `follow`: whether
    what decides an address counts, as in `reven2.preview.taint.origin_tree`."""

    context: int
    register: str = ""
    address: str = ""
    size: int = 0
    follow: FollowMode = "meant"


class StoryPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of data: what it is called, and a `register`, or `size` bytes at `address`."""

    text: str
    register: str = ""
    address: str = ""
    size: int = 0
    value: str = ""


class StoryStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a transition did for the value: `after` is what it gave its value, `before` what
    that came from, in `context`; without `before` it ends here. `depth`: how many forks lie
    before it; `role`: of the first step after a fork, what it is to the step before that.
    `others` flowed in, too."""

    kind: str
    text: str
    depth: int
    role: str = ""
    transition: int | None = None
    place: Place | None = None
    tokens: tuple[tuple[TokenKind, str], ...] = ()
    after: list[StoryPart] = []
    before: list[StoryPart] = []
    context: int | None = None
    others: list[list[StoryPart]] = []


class StorySource(msgspec.Struct, frozen=True):
    """What it came from in the end; `transition`: the one that brought it."""

    text: str
    kind: str
    transition: int | None


class StoryAnswer(msgspec.Struct, frozen=True):
    """Steps, in the order to read them. `is_cut`: there was more than is looked at."""

    of: list[StoryPart]
    sources: list[StorySource]
    steps: list[StoryStep]
    is_cut: bool


def story(service: TraceService, request: StoryRequest) -> StoryAnswer:
    """Where a value came from, step by step back to where it came into the program."""
    total = service.transition_count()
    if not 0 <= request.context <= total:
        raise OutOfRangeError(f"There are contexts 0 to {total}.")
    context = Trace(service)._context(request.context)
    found = origin_tree(context, _data(request), request.follow)
    hops = {path.number: path.hops for path in found.paths}
    of = hops[0][0].after if hops[0] else ()
    return StoryAnswer(
        [_part(part, context) for part in of],
        [
            StorySource(
                str(source),
                source.kind,
                None if source.transition is None else source.transition.id,
            )
            for source in found.sources
        ],
        [
            _step(service, hops[path.number][step], depth, _role(path, step, depth))
            for depth, path, step in found.story()
        ][:STEPS_LIMIT],
        found.is_cut,
    )


def _role(path: OriginPath, step: int, depth: int) -> str:
    return path.role if step == 0 and depth > 0 else ""


def _data(request: StoryRequest) -> str | TaintedMemories:
    if bool(request.register) == bool(request.address):
        raise InvalidArgumentError("Ask for the origin of a register, or of bytes at an address.")
    if request.register:
        return request.register
    if not 1 <= request.size <= BYTES_LIMIT:
        raise InvalidArgumentError(
            f"An origin is that of a value: select 1 to {BYTES_LIMIT} bytes."
        )
    address = parsed_address(request.address)
    if not 0 <= address < ADDRESSES:
        raise InvalidArgumentError("There is no such address.")
    return TaintedMemories(address, request.size)


def _step(service: TraceService, hop: OriginHop, depth: int, role: str) -> StoryStep:
    others = [[_part(part, None) for part in other] for other in hop.others]
    after_context = None if hop.transition is None else hop.transition.context_after()
    after = [_part(part, after_context) for part in hop.after]
    before = [_part(part, hop.context) for part in hop.before]
    context = None if hop.context is None else hop.context._id
    if hop.transition is None:
        words = _SPACE.sub("[", str(hop))
        return StoryStep(
            hop.kind, words, depth, role, None, None, (), after, before, context, others
        )
    number = hop.transition.id
    page = service.transitions(number, number + 1)
    (pc,) = column(page.pc, "Q")
    instruction = text(column(page.address, "Q")[0], page.code[0]) if page.code else None
    return StoryStep(
        hop.kind,
        _SPACE.sub("[", str(hop).removeprefix(f"{hop.transition}: ")),
        depth,
        role,
        number,
        place(service, number, pc),
        () if instruction is None else instruction.tokens,
        after,
        before,
        context,
        others,
    )


def _part(part: TaintedRegisterSlice | TaintedMemories, context: Context | None) -> StoryPart:
    if isinstance(part, TaintedMemories):
        address = part.address.offset
        value = "" if context is None else _bytes(context, part)
        return StoryPart(
            f"{part.size} bytes at {address:#x}" if part.size > 1 else f"the byte at {address:#x}",
            address=hexadecimal(address),
            size=part.size,
            value=value,
        )
    value = "" if context is None else _number(context, part.register)
    return StoryPart(str(part), register=part.register.name, value=value)


def _number(context: Context, register: Register) -> str:
    held = context.read(register)
    return hexadecimal(held) if isinstance(held, int) else str(held)


def _bytes(context: Context, part: TaintedMemories) -> str:
    try:
        data = context.read(part.address, min(part.size, BYTES_LIMIT), raw=True)
    except (OutOfRangeError, RuntimeError):
        return ""
    if len(data) in (1, 2, 4, 8):
        return hexadecimal(int.from_bytes(data, "little"))
    return data.hex()


VIEWS = [view(story, slow=True)]
