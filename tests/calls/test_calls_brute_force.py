# SPDX-License-Identifier: Apache-2.0
"""Calls against a simulation that looks at every instruction and every stack pointer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reven._engine import KIND_SIGNAL, Trace
from reven.record import RecordOptions
from reven.service.local import LocalService
from reven2._service import CallData

from .call_programs import INTERPRETER, INTERPRETER_FLAGS

RSP = slice(32, 40)
RAX = slice(0, 8)
SIGRETURN = 15


@dataclass
class Simulation:
    """The stack of a program of one thread, transition by transition."""

    stack: list[tuple[int, int, int]] = field(default_factory=list)  # where, limit, transition
    ends: dict[int, int] = field(default_factory=dict)  # by the transition that called

    def step(
        self, number: int, code: bytes, kind: int, before: int, after: int, accumulator: int
    ) -> None:
        is_call = kind != KIND_SIGNAL and is_call_code(code)
        if kind != KIND_SIGNAL and code == b"\x0f\x05" and accumulator == SIGRETURN:
            while self.stack and self.stack[-1][1] == self.stack[-1][0]:
                self.pop(number)
            self.pop(number)
        while self.stack and self.stack[-1][1] < after + is_call:
            self.pop(number)
        if is_call:
            self.stack.append((after, after, number))
        elif kind == KIND_SIGNAL:
            self.stack.append((after, before - 1, number))

    def pop(self, number: int) -> None:
        self.ends[self.stack.pop()[2]] = number


def is_call_code(code: bytes) -> bool:
    """Near calls: e8, and ff /2 after the prefixes that compilers use."""
    rest = code.lstrip(b"\xf2\x3e\x40\x41\x42\x43\x48\x66")
    return rest[:1] == b"\xe8" or (rest[:1] == b"\xff" and rest[1] >> 3 & 7 == 2)


@pytest.fixture(scope="module")
def record_steps(
    compile_program: Callable[..., Path], record_command: Callable[..., Path]
) -> Callable[[str], Path]:
    program = compile_program(INTERPRETER, *INTERPRETER_FLAGS)
    # From main on, so that its callers are among what was there before.
    return lambda steps: record_command([program, steps], RecordOptions(start="main"))


def last_of(call: CallData, replacing: dict[int, CallData]) -> CallData:
    """What a call was replaced by in the end, by jumps to other functions."""
    while call.end_transition is not None and call.end_transition in replacing:
        call = replacing[call.end_transition]
    return call


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.text("cccwtseqjrrr", max_size=40))
@example(steps="cwcrcterreccjcsrqrrscecjrtcr")
@example(steps="esecsjcrjqcrrrtrecwcj")
def test_every_stack_and_every_call_are_as_simulated(
    record_steps: Callable[[str], Path], steps: str
) -> None:
    path = record_steps(steps)
    service = LocalService(path)
    trace = Trace(str(path))
    try:
        count = trace.transition_count
        _, views = trace.registers_at(np.arange(count + 1, dtype=np.uint64))
        pointers = views[:, RSP].copy().view("<u8").ravel().tolist()
        accumulators = views[:, RAX].copy().view("<u8").ravel().tolist()
        columns = trace.transitions(0, count)
        codes = [bytes(code[:size]) for code, size in zip(columns.code, columns.size, strict=True)]
        calls = service.calls(
            0, count, thread=None, shortest=0, deepest=1 << 20, first=0, limit=1 << 20
        ).calls
        simulation = Simulation()
        for number in range(count):
            simulation.step(
                number,
                codes[number],
                int(columns.kind[number]),
                pointers[number],
                pointers[number + 1],
                accumulators[number],
            )
            context = number + 1
            frames = service.frames(context)
            created = [frame for frame in frames if frame.creation_transition is not None]
            found = [frame.stack_pointer for frame in created]
            expected = [place for place, _, _ in reversed(simulation.stack)]
            assert found == expected, f"after #{number}"
            assert service.call_at(context) == service.call(frames[0].call or 0)
        replacing = {call.first_context - 1: call for call in calls if call.kind == "tail"}
        ends = {
            call.transition: last_of(call, replacing).end_transition
            for call in calls
            if call.kind in ("call", "signal")
        }
        still_active = {number for _, _, number in simulation.stack}
        assert ends == simulation.ends | dict.fromkeys(still_active)
    finally:
        service.close()
