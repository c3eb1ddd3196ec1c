# SPDX-License-Identifier: Apache-2.0
"""Explains a stack that grew too far: which functions call each other without end."""

from __future__ import annotations

from collections import Counter

from reven.explain.outcome import Outcome

__all__ = ["explain_stack_overflow", "is_stack_overflow"]

_DEEP = 64
_REACH = 1 << 20
_BIG_FRAME = 1 << 18


def is_stack_overflow(outcome: Outcome, at: int, address: int) -> bool:
    """Whether a fault at an address is that of a full stack: it lies near the stack pointer, where
    nothing is mapped."""
    pointer = outcome.evidence.register("rsp", at)
    if not pointer - _REACH <= address <= pointer + _REACH:
        return False
    depth = len(outcome.evidence.service.frames(at))
    return depth >= _DEEP or _used(outcome, at) >= _BIG_FRAME


def _used(outcome: Outcome, at: int) -> int:
    frames = outcome.evidence.service.frames(at)
    return frames[-1].stack_pointer - outcome.evidence.register("rsp", at) if frames else 0


def explain_stack_overflow(outcome: Outcome, at: int) -> None:
    """Say what the stack is full of."""
    evidence = outcome.evidence
    frames = evidence.service.frames(at)
    outcome.kind = "stack overflow"
    functions = [frame.function for frame in frames]
    counted = Counter(one for one in functions if one is not None)
    repeated = {function for function, count in counted.items() if count >= _DEEP // 4}
    used = _used(outcome, at)
    if not repeated:
        standing = evidence.own_standing(at)
        text = f"the stack is full: {used:,} bytes in {len(frames)} frames"
        outcome.headline += f": {text}"
        outcome.first_wrong = outcome.say("wrong", text, standing.transition if standing else at)
        return
    recursive = [number for number, one in enumerate(functions) if one in repeated]
    outermost = recursive[-1]
    cycle: list[int] = []
    for number in recursive:
        function = functions[number]
        if function in cycle or function is None:
            break
        cycle.append(function)
    names = [_name(outcome, at, function) for function in reversed(cycle)]
    way = " → ".join([*names, names[0]]) if names else ""
    text = f"{way}: {len(recursive):,} frames, {used:,} bytes of stack"
    outcome.headline += f": endless recursion, {text}"
    outcome.say("loop", f"these functions call each other: {text}", at)
    # The first call that closed the cycle is where the recursion began.
    entered = frames[outermost]
    if entered.creation_transition is not None:
        outcome.say("cause", "the recursion was entered here", entered.creation_transition)
    closing = next(
        (
            frames[number].creation_transition
            for number in reversed(recursive[:-1])
            if functions[number] == functions[outermost]
        ),
        None,
    )
    at_first = closing if closing is not None else entered.creation_transition
    outcome.first_wrong = outcome.say("wrong", "calls itself again for the first time", at_first)


def _name(outcome: Outcome, context: int, function: int) -> str:
    found = outcome.evidence.service.locate(context, function)
    if found is None or found.symbol is None:
        return f"{function:#x}"
    return found.symbol.demangled_name or found.symbol.name
