# SPDX-License-Identifier: Apache-2.0
"""Where a value came from, as steps that can be gone to."""

from __future__ import annotations

import re

import msgspec

from reven.places import Place, place
from reven.server.views.instructions import TokenKind, text
from reven.server.views.view import ADDRESSES, hexadecimal, parsed_address, view
from reven2._service import TraceService, column
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError, OutOfRangeError
from reven2.preview.taint import OriginHop, TaintedMemories, TaintedRegisterSlice
from reven2.preview.taint import origin as find_origin
from reven2.trace import Context, Trace

__all__ = ["VIEWS"]

HOPS_LIMIT = 500
BYTES_LIMIT = 64
"""An origin is that of a value: what is longer is asked for in parts."""
# Of memory there is one kind here: what kind an address is goes without saying.
_SPACE = re.compile(r"\[(?:lin|phy):")


class OriginRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The value of a `register`, or of `size` bytes at `address`, in a context; at most `hops`
    steps back."""

    context: int
    register: str = ""
    address: str = ""
    size: int = 0
    hops: int = 100


class OriginPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of data: what it is called, and a `register`, or `size` bytes at `address`."""

    text: str
    register: str = ""
    address: str = ""
    size: int = 0
    value: str = ""


class OriginStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a transition did for the value: `after` is what it gave its value, `before` what
    that came from, in `context`; without `before` it ends here. `others` flowed in, too."""

    kind: str
    text: str
    transition: int | None = None
    place: Place | None = None
    tokens: tuple[tuple[TokenKind, str], ...] = ()
    after: list[OriginPart] = []
    before: list[OriginPart] = []
    context: int | None = None
    others: list[list[OriginPart]] = []


class OriginAnswer(msgspec.Struct, frozen=True):
    """Steps, the latest first; `next`: what to go on from, None where it ends."""

    of: list[OriginPart]
    steps: list[OriginStep]
    next: OriginRequest | None


def origin(service: TraceService, request: OriginRequest) -> OriginAnswer:
    """Where a value came from, step by step back to where it came into the program."""
    if not 1 <= request.hops <= HOPS_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {HOPS_LIMIT} steps.")
    total = service.transition_count()
    if not 0 <= request.context <= total:
        raise OutOfRangeError(f"There are contexts 0 to {total}.")
    trace = Trace(service)
    context = trace._context(request.context)
    found = find_origin(context, _data(request), request.hops)
    steps = [_step(service, hop) for hop in found]
    last = found.hops[-1]
    following = None
    if not found.is_complete and last.context is not None:
        part = _part(last.before[0], last.context)
        following = OriginRequest(
            last.context._id, part.register, part.address, part.size, request.hops
        )
    return OriginAnswer([_part(part, context) for part in found.data], steps, following)


def _data(request: OriginRequest) -> str | TaintedMemories:
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


def _step(service: TraceService, hop: OriginHop) -> OriginStep:
    others = [[_part(part, None) for part in other] for other in hop.others]
    after_context = None if hop.transition is None else hop.transition.context_after()
    after = [_part(part, after_context) for part in hop.after]
    before = [_part(part, hop.context) for part in hop.before]
    context = None if hop.context is None else hop.context._id
    if hop.transition is None:
        return OriginStep(
            hop.kind, _SPACE.sub("[", str(hop)), None, None, (), after, before, context, others
        )
    number = hop.transition.id
    page = service.transitions(number, number + 1)
    (pc,) = column(page.pc, "Q")
    words = text(column(page.address, "Q")[0], page.code[0]) if page.code else None
    return OriginStep(
        hop.kind,
        _SPACE.sub("[", str(hop).removeprefix(f"{hop.transition}: ")),
        number,
        place(service, number, pc),
        () if words is None else words.tokens,
        after,
        before,
        context,
        others,
    )


def _part(part: TaintedRegisterSlice | TaintedMemories, context: Context | None) -> OriginPart:
    if isinstance(part, TaintedMemories):
        address = part.address.offset
        value = "" if context is None else _bytes(context, part)
        return OriginPart(
            f"{part.size} bytes at {address:#x}" if part.size > 1 else f"the byte at {address:#x}",
            address=hexadecimal(address),
            size=part.size,
            value=value,
        )
    value = "" if context is None else _number(context, part.register)
    return OriginPart(str(part), register=part.register.name, value=value)


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


VIEWS = [view(origin, slow=True)]
