# SPDX-License-Identifier: Apache-2.0
"""Steps by source lines, forward and backward."""

from __future__ import annotations

from typing import Literal

from reven.bridges.machine import Machine, Stop
from reven2.trace import Transition

__all__ = ["step_line", "step_out"]

_MOST_STEPS = 20_000
Line = tuple[str, int] | None


def step_line(machine: Machine, kind: Literal["over", "in"], is_forward: bool) -> Stop:
    """Go to the next line, over calls or into functions whose source is known; backward to where
    the line before began. What stops the program on the way stops it."""
    if machine.context >= machine.count:
        machine.go(machine.count - 1)
        if not is_forward:
            return Stop(machine.context, "step", machine.thread)
    here = machine.trace.transition(machine.context)
    target = _next_line(here, kind, is_forward)
    if target is not None and not is_forward:
        target = _beginning(target)
    if target is None:
        return machine.resume(is_forward)
    return machine.run_to(target.id, is_forward)


def step_out(machine: Machine, is_forward: bool) -> Stop:
    """Go to where the function returns to or, backward, to its call."""
    if machine.context >= machine.count:
        return machine.resume(is_forward)
    end = machine.trace.transition(machine.context).step_out(is_forward)
    if end is None:
        return machine.resume(is_forward)
    target = machine.trace.transition(end.id).step_over() if is_forward else end
    if target is None:
        return machine.resume(is_forward)
    return machine.run_to(target.id, is_forward)


def _next_line(here: Transition, kind: str, is_forward: bool) -> Transition | None:
    line = _line(here)
    at: Transition | None = here
    for _ in range(_MOST_STEPS):
        assert at is not None
        following = at._step(is_forward, over=kind == "over")
        if following is not None and kind == "in" and _line(following) is None:
            # A function without source is stepped over.
            following = at.step_over(is_forward)
        if following is None:
            return None
        at = following
        found = _line(at)
        if found is not None and found != line:
            return at
    return at


def _beginning(at: Transition) -> Transition:
    """Where the run of the line began that a transition is in."""
    line = _line(at)
    for _ in range(_MOST_STEPS):
        before = at.step_over(is_forward=False)
        if before is None or _line(before) != line or before.id > at.id:
            return at
        at = before
    return at


def _line(transition: Transition) -> Line:
    found = transition.context_before().ossi.location()
    if found is None or found.file is None or not found.line:
        return None
    return found.file, found.line
