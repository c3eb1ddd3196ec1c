# SPDX-License-Identifier: Apache-2.0
"""Calls against a simulation that looks at every instruction and every stack pointer."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import reven2
from reven._engine import KIND_SIGNAL, Trace
from reven.record import RecordOptions
from reven2._service import CallData

from .call_programs import INTERPRETER, INTERPRETER_FLAGS

RSP = slice(32, 40)
RAX = slice(0, 8)
RIP = slice(128, 136)
SIGRETURN = 15


@dataclass
class Simulation:
    """The stack of a program of one thread, transition by transition."""

    starts: frozenset[int]  # where functions of the program begin
    stack: list[tuple[int, int, int]] = field(default_factory=list)  # where, limit, transition
    ends: dict[int, int] = field(default_factory=dict)  # by the transition that called
    signals: set[int] = field(default_factory=set)
    jumps: dict[int, int] = field(default_factory=dict)  # to functions: what created the frame

    def step(
        self,
        number: int,
        code: bytes,
        kind: int,
        before: int,
        after: int,
        accumulator: int,
        pc: int,
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
            self.signals.add(number)
        elif is_jump_code(code) and pc in self.starts and self.stack and self.stack[-1][0] == after:
            # A handler lasts until sigreturn, whatever it jumps to.
            if self.stack[-1][2] in self.signals:
                self.stack.append((after, after, number))
            self.jumps[number] = self.stack[-1][2]

    def pop(self, number: int) -> None:
        self.ends[self.stack.pop()[2]] = number


def is_call_code(code: bytes) -> bool:
    """Near calls: e8, and ff /2 after the prefixes that compilers use."""
    rest = code.lstrip(b"\xf2\x3e\x40\x41\x42\x43\x48\x66")
    return rest[:1] == b"\xe8" or (rest[:1] == b"\xff" and rest[1] >> 3 & 7 == 2)


def is_jump_code(code: bytes) -> bool:
    """Near jumps, conditional or not."""
    rest = code.lstrip(b"\xf2\x3e\x40\x41\x42\x43\x48\x66")
    if rest[:1] in (b"\xe9", b"\xeb"):
        return True
    if rest[:1] == b"\xff":
        return rest[1] >> 3 & 7 == 4
    return rest[0] & 0xF0 == 0x70 or (rest[0] == 0x0F and rest[1] & 0xF0 == 0x80)


@pytest.fixture(scope="module")
def program(compile_program: Callable[..., Path]) -> Path:
    return compile_program(INTERPRETER, *INTERPRETER_FLAGS)


@pytest.fixture(scope="module")
def starts(program: Path) -> frozenset[int]:
    listed = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    words = [line.split() for line in listed.splitlines()]
    return frozenset(
        int(one[0], 16)
        for one in words
        if len(one) == 3 and one[1] in "tT" and ".cold" not in one[2]
    )


@pytest.fixture(scope="module")
def record_steps(program: Path, record_command: Callable[..., Path]) -> Callable[[str], Path]:
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
@given(steps=st.text("cccwtpnsueqjrrr", max_size=40))
@example(steps="cwcrcterreccjcsrqrrscecjrtcr")
@example(steps="esecsjcrjqcrrrtrecwcj")
@example(steps="cptnrutcprrcnptcrueupjcsnrrcpr")
def test_every_stack_and_every_call_are_as_simulated(
    record_steps: Callable[[str], Path], starts: frozenset[int], steps: str
) -> None:
    path = record_steps(steps)
    server = reven2.open(path)
    service = server.trace._service
    trace = Trace(str(path))
    try:
        count = trace.transition_count
        _, views = trace.registers_at(np.arange(count + 1, dtype=np.uint64))
        pointers = views[:, RSP].copy().view("<u8").ravel().tolist()
        pcs = views[:, RIP].copy().view("<u8").ravel().tolist()
        accumulators = views[:, RAX].copy().view("<u8").ravel().tolist()
        columns = trace.transitions(0, count)
        codes = [bytes(code[:size]) for code, size in zip(columns.code, columns.size, strict=True)]
        calls = service.calls(
            0, count, thread=None, shortest=0, deepest=1 << 20, first=0, limit=1 << 20
        ).calls
        simulation = Simulation(starts)
        within: list[int | None] = [None]  # what created the frame on top, by context
        for number in range(count):
            simulation.step(
                number,
                codes[number],
                int(columns.kind[number]),
                pointers[number],
                pointers[number + 1],
                accumulators[number],
                pcs[number + 1],
            )
            context = number + 1
            frames = service.frames(context)
            created = [frame for frame in frames if frame.creation_transition is not None]
            found = [frame.stack_pointer for frame in created]
            expected = [place for place, _, _ in reversed(simulation.stack)]
            assert found == expected, f"after #{number}"
            assert service.call_at(context) == service.call(frames[0].call or 0)
            within.append(simulation.stack[-1][2] if simulation.stack else None)
        replacing = {call.first_context - 1: call for call in calls if call.kind == "tail"}
        ends = {
            call.transition: last_of(call, replacing).end_transition
            for call in calls
            if call.kind in ("call", "signal")
        }
        still_active = {number for _, _, number in simulation.stack}
        handlers = {number for number in simulation.jumps.values() if number in simulation.jumps}
        expected_ends = simulation.ends | dict.fromkeys(still_active)
        assert ends == {
            number: end for number, end in expected_ends.items() if number not in handlers
        }
        for call in calls:
            assert service.frame_end(call.id) == last_of(call, replacing).end_transition
        for number, creator in enumerate(within[:-1]):
            if creator is not None:
                out = server.trace.transition(number).step_out()
                assert (out and out.id) == simulation.ends.get(creator), f"out of #{number}"
        for number, creator in simulation.jumps.items():
            end = simulation.ends.get(creator)
            # What longjmp leaves does not return.
            if end is not None and codes[end].lstrip(b"\xf3")[:1] not in (b"\xc3", b"\xc2"):
                end = None
            inverse = server.trace.transition(number).find_inverse()
            assert (inverse and inverse.id) == end, f"inverse of #{number}"
            if inverse is not None:
                called = inverse.find_inverse()
                is_handler = creator in handlers
                assert (called and called.id) == (None if is_handler else creator)
    finally:
        server.close()
