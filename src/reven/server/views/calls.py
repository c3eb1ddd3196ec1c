# SPDX-License-Identifier: Apache-2.0
"""Who called whom: the stack at a moment, and the calls around it."""

from __future__ import annotations

from typing import Literal

import msgspec

from reven.places import Place, function_name, place
from reven.server.views.view import hexadecimal, view
from reven2._service import TraceService
from reven2._service.calls import CallData, CallKind, FrameData
from reven2.errors import InvalidArgumentError

__all__ = ["VIEWS"]

FRAMES_LIMIT = 1000
CHILDREN_LIMIT = 500


class BacktraceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    context: int


class BacktraceFrame(msgspec.Struct, frozen=True):
    """`pc`: where the frame stands; `call_site`: the transition that called it, None for
    what was there before the trace; `first_context`: the first of the function."""

    type: Literal["Call", "Interrupt", "Manual", "Damaged", "Unknown"]
    name: str
    pc: str
    place: Place | None
    call: int | None
    call_site: int | None
    first_context: int
    stack_pointer: str


class BacktraceAnswer(msgspec.Struct, frozen=True):
    """Frames, the innermost first; `depth`: how many there are in all."""

    frames: list[BacktraceFrame]
    depth: int


def backtrace(service: TraceService, request: BacktraceRequest) -> BacktraceAnswer:
    """The stack in a context."""
    frames = service.frames(request.context)
    return BacktraceAnswer(
        [
            BacktraceFrame(
                frame.type,
                ""
                if frame.function is None
                else function_name(service, frame.first_context, frame.function),
                hexadecimal(frame.pc),
                place(service, request.context, frame.pc - _beyond_call(frames, number)),
                frame.call,
                frame.creation_transition,
                frame.first_context,
                hexadecimal(frame.stack_pointer),
            )
            for number, frame in enumerate(frames[:FRAMES_LIMIT])
        ],
        len(frames),
    )


def _beyond_call(frames: list[FrameData], number: int) -> int:
    """A return address may already belong to what follows the call: how far back it stands.
    What a signal interrupted goes on where it was."""
    return 1 if number > 0 and frames[number - 1].type != "Interrupt" else 0


class CallTreeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The calls made by call `parent`, from `first` on."""

    parent: int
    first: int = 0
    limit: int = CHILDREN_LIMIT


class TreeCall(msgspec.Struct, frozen=True):
    """A call lasts for the transitions [start, stop); `has_ended` is false where that is the
    end of the trace. `call_site`: the transition that made it."""

    id: int
    kind: CallKind
    thread: int
    depth: int
    name: str
    call_site: int | None
    start: int
    stop: int
    has_ended: bool


class CallTreeAnswer(msgspec.Struct, frozen=True):
    """`next`: what to ask `first` with to get more; None: there are no more."""

    calls: list[TreeCall]
    next: int | None


def call_tree(service: TraceService, request: CallTreeRequest) -> CallTreeAnswer:
    """What a call called, in order."""
    if not 1 <= request.limit <= CHILDREN_LIMIT:
        raise InvalidArgumentError(f"Ask for 1 to {CHILDREN_LIMIT} calls.")
    total = service.transition_count()
    page = service.call_children(
        request.parent, first=request.first, limit=request.limit, forward=True
    )
    return CallTreeAnswer([_tree_call(service, one, total) for one in page.calls], page.next)


class CallPathRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    context: int


class CallPathAnswer(msgspec.Struct, frozen=True):
    """The calls that are active, the outermost first."""

    calls: list[TreeCall]


def call_path(service: TraceService, request: CallPathRequest) -> CallPathAnswer:
    """The call in which a context is, and those that led to it."""
    total = service.transition_count()
    call = service.call_at(request.context)
    path: list[TreeCall] = []
    while call is not None and len(path) < FRAMES_LIMIT:
        path.append(_tree_call(service, call, total))
        call = None if call.parent is None else service.call(call.parent)
    return CallPathAnswer(path[::-1])


class StepRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`over`: past what the instruction calls. `out`: to where the caller goes on, or
    backward to the call."""

    transition: int
    kind: Literal["over", "out"]
    forward: bool


class StepAnswer(msgspec.Struct, frozen=True):
    """`transition`: None where the trace has no such one."""

    transition: int | None


def step(service: TraceService, request: StepRequest) -> StepAnswer:
    """Where a step over a call, or out of a function, leads."""
    at, forward = request.transition, request.forward
    if request.kind == "over":
        return StepAnswer(service.step(at, forward=forward, over=True))
    call = service.call_at(at)
    if call is None:
        return StepAnswer(None)
    if not forward:
        return StepAnswer(call.transition)
    end = service.frame_end(call.id)
    if end is None:
        return StepAnswer(None)
    return StepAnswer(service.step(end, forward=True, over=False))


def _tree_call(service: TraceService, one: CallData, total: int) -> TreeCall:
    return TreeCall(
        one.id,
        one.kind,
        one.thread,
        one.depth,
        function_name(service, one.first_context, one.function),
        one.transition,
        one.first_context,
        total if one.end_transition is None else one.end_transition + 1,
        one.end_transition is not None,
    )


VIEWS = [
    view(backtrace, slow=True),
    view(call_tree, slow=True),
    view(call_path, slow=True),
    view(step, slow=True),
]
