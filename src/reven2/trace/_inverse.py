# SPDX-License-Identifier: Apache-2.0
"""The transition that does the opposite of another: see `Transition.find_inverse`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._service import KIND_SIGNAL, CallData
from reven2.memhist import MemoryAccess, MemoryAccessOperation

if TYPE_CHECKING:
    from reven2.trace._transition import Transition

__all__ = ["find_inverse"]

_FETCHED = 16


def find_inverse(transition: Transition) -> Transition | None:
    """What `Transition.find_inverse` gives."""
    if transition._data().kind(transition.id) == KIND_SIGNAL:
        return _end_of_call(transition)
    instruction = transition.instruction
    if instruction is None:
        return None
    mnemonic = instruction.mnemonic.rpartition(" ")[2]
    if mnemonic == "call":
        return _end_of_call(transition)
    if mnemonic.startswith("ret"):
        return _begin_of_call(transition)
    if mnemonic == "syscall":
        return _begin_of_call(transition, "signal") or transition._step(True, over=False)
    if mnemonic.startswith("push"):
        return _other_end(transition, MemoryAccessOperation.Write, ("pop", "ret"))
    if mnemonic.startswith("pop"):
        return _other_end(transition, MemoryAccessOperation.Read, ("push", "call"))
    if mnemonic.startswith(("j", "loop")):
        entered = transition._trace._service.entered_call(transition.id)
        if entered is not None:
            return _end_of_frame(transition, entered)
    return _nearest_access(transition)


def _end_of_call(transition: Transition) -> Transition | None:
    call = transition._trace._service.call_at(transition.id + 1)
    if call is None or call.transition != transition.id:
        return None
    return _end_of_frame(transition, call)


def _end_of_frame(transition: Transition, call: CallData) -> Transition | None:
    """The `ret` that ends the frame of a call, whichever functions jumps replaced it by."""
    end = transition._trace._service.frame_end(call.id)
    if end is None:
        return None
    found = transition._trace.transition(end)
    return found if call.kind == "signal" or _is(found, ("ret",)) else None


def _begin_of_call(transition: Transition, kind: str = "call") -> Transition | None:
    """The call that the transition returns from; if that was replaced by jumps to other
    functions, the one before these."""
    service, number = transition._trace._service, transition.id
    call = service.call_at(number)
    if call is None:
        return None
    if kind == "call":
        # With an address that was pushed, it is a jump.
        entered = service.entered_call(number)
        if entered is not None and entered.stack_pointer == call.stack_pointer:
            return _end_of_frame(transition, entered)
    if call.end_transition != number:
        return None
    first = service.frame_start(call.id)
    if first.kind != kind or first.transition is None:
        return None
    return transition._trace.transition(first.transition)


def _other_end(
    transition: Transition, operation: MemoryAccessOperation, opposite: tuple[str, ...]
) -> Transition | None:
    """The pop of what a push wrote, or the push of what a pop read. One more of the same
    kind in between means that there is none."""
    trace, number = transition._trace, transition.id
    own = _first(transition, operation)
    if own is None:
        return None
    is_forward = operation is MemoryAccessOperation.Write
    start = number + 1 if is_forward else number - 1
    if not 0 <= start < trace.transition_count:
        return None
    same = ("push", "call") if is_forward else ("pop", "ret")
    for access in trace.memory_accesses(
        own.virtual_address,
        own.size,
        from_transition=start,
        is_forward=is_forward,
        fetch_count=_FETCHED,
    ):
        if access.virtual_address != own.virtual_address or access.size != own.size:
            continue
        wanted = MemoryAccessOperation.Read if is_forward else MemoryAccessOperation.Write
        if access.operation is wanted and _is(access.transition, opposite):
            return access.transition
        if access.operation is operation and _is(access.transition, same):
            return None
    return None


def _nearest_access(transition: Transition) -> Transition | None:
    trace, number = transition._trace, transition.id
    written = _first(transition, MemoryAccessOperation.Write)
    if written is not None and number + 1 == trace.transition_count:
        return None
    if written is not None:
        found = trace.memory_accesses(
            written.virtual_address,
            written.size,
            from_transition=number + 1,
            operation=MemoryAccessOperation.Read,
            fetch_count=_FETCHED,
        )
    else:
        read = _first(transition, MemoryAccessOperation.Read)
        if read is None or number == 0:
            return None
        found = trace.memory_accesses(
            read.virtual_address,
            read.size,
            from_transition=number - 1,
            is_forward=False,
            operation=MemoryAccessOperation.Write,
            fetch_count=_FETCHED,
        )
    access = next(iter(found), None)
    return None if access is None else access.transition


def _first(transition: Transition, operation: MemoryAccessOperation) -> MemoryAccess | None:
    return next(iter(transition.memory_accesses(operation)), None)


def _is(transition: Transition, mnemonics: tuple[str, ...]) -> bool:
    instruction = transition.instruction
    if instruction is None:
        return False
    return instruction.mnemonic.rpartition(" ")[2].startswith(mnemonics)
