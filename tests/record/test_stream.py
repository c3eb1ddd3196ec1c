# SPDX-License-Identifier: Apache-2.0
"""What the recorder records is right: a replay agrees with every load and key frame."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reven import _engine
from tests.record import programs

RecordProgram = Callable[..., Path]

HARD_CASES = {
    "threads": (programs.THREADS, ("-pthread",)),
    "threads that come and go": (programs.THREAD_CHURN, ("-pthread",)),
    "signals": (programs.SIGNALS, ()),
    "repeated string instructions": (programs.REPEATS, ()),
    "self-modifying code": (programs.SELF_MODIFYING, ()),
    "mappings": (programs.MAPPINGS, ()),
    "vectors and x87": (programs.VECTORS, ()),
    "AVX2": (programs.AVX2, ("-mavx2",)),
    "fork": (programs.FORK, ()),
    "exec": (programs.EXEC, ()),
    "static": (programs.HELLO, ("-static",)),
}

FAULTS = {
    "i": (signal.SIGILL, True),
    "t": (signal.SIGTRAP, False),
    "d": (signal.SIGFPE, True),
    "a": (signal.SIGSEGV, True),
    "s": (signal.SIGSEGV, True),
    "r": (signal.SIGSEGV, True),
    "b": (signal.SIGABRT, False),
    "k": (signal.SIGKILL, False),
}


def assert_consistent(trace: Path) -> _engine.CheckResult:
    checked = _engine.Trace(str(trace)).check()
    assert (checked.bad_loads, checked.bad_key_frames, checked.problems) == (0, 0, [])
    assert checked.loads > 0
    return checked


@pytest.mark.parametrize("case", HARD_CASES)
def test_replay_agrees_with_the_recording(record_program: RecordProgram, case: str) -> None:
    source, flags = HARD_CASES[case]
    trace = record_program(source, *flags)
    checked = assert_consistent(trace)
    assert checked.transitions > 1000
    for child in trace.parent.glob(f"{trace.stem}.*.reven"):
        assert_consistent(child)


@pytest.mark.parametrize("command", [["/bin/sh", "-c", "echo a | tr a b; (exit 3)"]])
def test_replay_agrees_for_programs_of_the_system(
    record_command: Callable[..., Path], command: list[str]
) -> None:
    assert_consistent(record_command(command))


def test_replay_agrees_for_an_interpreter(record_command: Callable[..., Path]) -> None:
    executable = Path(sys.executable).resolve()
    assert_consistent(record_command([executable, "-S", "-c", "print(sum(range(10000)))"]))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fatal_signal_is_the_last_transition(record_program: RecordProgram, fault: str) -> None:
    number, synchronous = FAULTS[fault]
    trace = _engine.Trace(str(record_program(programs.FAULTS, arguments=(fault,))))
    event = trace.event(trace.transition_count - 1)
    assert event is not None
    assert event.kind == _engine.KIND_END_SIGNAL
    assert (event.signal, event.synchronous) == (number, synchronous)


def test_a_faulting_instruction_has_no_effect(record_program: RecordProgram) -> None:
    trace = _engine.Trace(str(record_program(programs.FAULTS, arguments=("s",))))
    count = trace.transition_count
    columns = trace.transitions(count - 2, count)
    assert bytes(columns.code[0][: columns.size[0]]) == bytes.fromhex("ffc0")
    assert bytes(columns.code[1][: columns.size[1]]) == bytes.fromhex("89042510000000")
    assert not len(trace.accesses(count - 1, count))


def test_a_repeated_instruction_is_a_transition_for_each_iteration(
    record_program: RecordProgram,
) -> None:
    trace = _engine.Trace(str(record_program(programs.REPEATS)))
    stos = [
        address
        for address in _addresses(trace, bytes.fromhex("f3aa"))
        if len(trace.find_pcs([(address, address + 1)], 0, trace.transition_count, limit=10_000))
        in (5000, 1)
    ]
    assert len(stos) == 2


def test_handled_signals_are_transitions(record_program: RecordProgram) -> None:
    trace = _engine.Trace(str(record_program(programs.SIGNALS)))
    events = [trace.event(int(n)) for n in _transitions_of_kind(trace, _engine.KIND_SIGNAL)]
    signals = [event.signal for event in events if event is not None]
    assert signals.count(signal.SIGALRM) >= 6
    assert signals.count(signal.SIGSEGV) == 3
    assert signals.count(signal.SIGFPE) == 1


def test_every_thread_is_recorded(record_program: RecordProgram) -> None:
    trace = _engine.Trace(str(record_program(programs.THREADS, "-pthread")))
    assert len(trace.threads()) >= 2
    assert len(_transitions_of_kind(trace, _engine.KIND_SWITCH)) >= 4


def test_the_stack_and_the_heap_have_names(record_program: RecordProgram) -> None:
    trace = _engine.Trace(str(record_program(programs.MAPPINGS)))
    names = {mapping.path for mapping in trace.mappings()}
    assert {"[stack]", "[heap]"} <= names


def _transitions_of_kind(trace: _engine.Trace, kind: int) -> list[int]:
    columns = trace.transitions(0, trace.transition_count)
    return [int(n) for n in (columns.kind == kind).nonzero()[0]]


def _addresses(trace: _engine.Trace, code: bytes) -> set[int]:
    columns = trace.transitions(0, trace.transition_count)
    wanted = columns.size == len(code)
    for index, byte in enumerate(code):
        wanted &= columns.code[:, index] == byte
    return {int(pc) for pc in columns.pc[wanted]}
