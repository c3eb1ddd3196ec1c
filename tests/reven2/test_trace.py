# SPDX-License-Identifier: Apache-2.0
"""Transitions: numbering, text, instructions and events."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.errors import ClosedError, OutOfRangeError
from reven2.trace import (
    EventCategory,
    ImmediateOperand,
    MemoryOperand,
    Mode,
    RegisterOperand,
    TransitionType,
)


def test_every_instruction_of_a_program_without_libraries(
    bare: reven2.OpenTrace, bare_symbols: dict[str, int]
) -> None:
    start, again, function = (bare_symbols[name] for name in ("_start", "again", "function"))
    buffer = bare_symbols["buffer"]
    lea, jump, call = start + 15, again + 5, again + 13
    loop = [
        "mov dword ptr ds:[rdi+rcx*4], eax",
        "dec ecx",
        f"jne {again:#x} ($-{jump - again:#x})",
    ]
    expected = [
        "movabs",
        "mov ecx, 0x3",
        f"lea rdi, [rip+{buffer - lea - 7:#x}]",
        *loop * 3,
        "push rax",
        "pop rdx",
        "add dword ptr ds:[rdi+0x4], 0x1",
        f"call {function:#x} ($+{function - call:#x})",
        "ret ",
        "mov eax, 0x3c",
        "xor edi, edi",
        "syscall ",
    ]
    expected[0] = "mov rax, 0x1122334455667788"
    assert [str(transition) for transition in bare.trace.transitions()] == [
        f"#{number} {text}" for number, text in enumerate(expected)
    ]


def test_transitions_are_numbered_from_zero(values: reven2.OpenTrace) -> None:
    trace = values.trace
    count = trace.transition_count
    assert trace.first_transition.id == 0
    assert trace.last_transition == trace.transition(count - 1)
    assert repr(trace.transition(42)) == "Transition(id=42)"
    for number in (-1, count):
        with pytest.raises(OutOfRangeError, match=f"#{number}"):
            trace.transition(number)
        with pytest.raises(IndexError):
            trace.context_before(number)
    with pytest.raises(IndexError):
        trace.last_transition + 1
    assert trace.transition(5) + 2 == trace.transition(7) == trace.transition(10) - 3


def test_iterating_stops_before_stop(values: reven2.OpenTrace) -> None:
    trace = values.trace
    assert [t.id for t in trace.transitions(3, 6)] == [3, 4, 5]
    assert [t.id for t in trace.transitions(trace.transition(3), trace.transition(6))] == [3, 4, 5]
    assert len(trace.transitions()) == trace.transition_count
    assert len(trace.contexts()) == trace.transition_count + 1
    assert list(trace.transitions(6, 3)) == []


def test_an_iteration_is_a_generator_that_knows_its_length_and_slices(
    values: reven2.OpenTrace,
) -> None:
    run = values.trace.transitions(10, 20)
    assert next(run).id == 10
    assert len(run) == 9
    assert run[0].id == 11
    assert run[-1].id == 19
    assert [t.id for t in run[::4]] == [11, 15, 19]
    assert [t.id for t in itertools.islice(run, 3)] == [11, 12, 13]
    assert [t.id for t in run] == [14, 15, 16, 17, 18, 19]
    assert len(run) == 0


def test_a_transition_is_the_same_however_it_is_reached(values: reven2.OpenTrace) -> None:
    trace = values.trace
    for transition in itertools.islice(trace.transitions(), 0, None, 997):
        alone = trace.transition(transition.id)
        assert str(alone) == str(transition)
        assert alone.instruction == transition.instruction
        assert (alone.pc, alone.type, alone.thread) == (
            transition.pc,
            transition.type,
            transition.thread,
        )
        assert alone == transition
        assert hash(alone) == hash(transition)
        assert alone.pc == alone.context_before().read(reven2.arch.x64.rip)


def test_transitions_are_ordered(values: reven2.OpenTrace) -> None:
    first, second = values.trace.transition(1), values.trace.transition(2)
    assert first < second
    assert first <= second
    assert not first > second
    assert max(first, second) is second
    assert first != second
    assert {first, values.trace.transition(1)} == {first}


def test_an_instruction(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    transition = bare.trace.transition(14)
    instruction = transition.instruction
    assert instruction is not None
    assert transition.type is TransitionType.Instruction
    assert transition.exception is None
    assert transition.mode is Mode.X86_64
    assert str(instruction) == "add dword ptr ds:[rdi+0x4], 0x1"
    assert instruction.mnemonic == "add"
    assert instruction.raw == bytes.fromhex("83470401")
    assert instruction.size == 4
    memory, immediate = instruction.operands
    x64 = reven2.arch.x64
    assert memory == MemoryOperand(x64.ds, x64.rdi, None, 1, 4, 4, True, True)
    assert immediate == ImmediateOperand(1, 4)
    assert str(memory) == "ds:[rdi+0x4]"
    push = bare.trace.transition(12).instruction
    assert push is not None
    assert push.operands == (RegisterOperand(x64.rax, True, False),)


def test_memory_holds_the_bytes_of_the_instructions(values: reven2.OpenTrace) -> None:
    for transition in itertools.islice(values.trace.transitions(), 0, None, 1009):
        instruction = transition.instruction
        assert instruction is not None
        address = reven2.address.LinearAddress(transition.pc)
        found = transition.context_before().read(address, instruction.size, raw=True)
        assert found == instruction.raw


def test_a_delivered_signal_is_a_transition(signals: reven2.OpenTrace) -> None:
    events = [t for t in signals.trace.transitions() if t.exception is not None]
    delivered, fatal = events
    assert delivered.type is TransitionType.Exception
    assert delivered.instruction is None
    exception = delivered.exception
    assert exception is not None
    assert exception.category is EventCategory.Signal
    assert exception.code == 10
    assert exception.related_instruction is None
    assert str(delivered) == f"#{delivered.id} signal SIGUSR1 (10) is delivered"
    location = delivered.context_after().ossi.location()
    assert str(location) == "program!handler"
    assert fatal == signals.trace.last_transition


def test_a_fault_names_the_instruction_it_cut_short(signals: reven2.OpenTrace) -> None:
    fatal = signals.trace.last_transition
    exception = fatal.exception
    assert exception is not None
    assert exception.category is EventCategory.FatalSignal
    assert exception.code == 11
    assert str(fatal) == f"#{fatal.id} signal SIGSEGV (11) ends the process"
    related = exception.related_instruction
    assert related is not None
    assert related.mnemonic == "mov"
    assert related.address == fatal.pc == exception.pc
    assert fatal.instruction is None


def test_threads(threads: reven2.OpenTrace) -> None:
    trace = threads.trace
    assert [thread.id for thread in trace.threads] == [1, 2, 3]
    switches = [t for t in trace.transitions() if t.exception is not None]
    assert switches
    for switch in switches[:20]:
        exception = switch.exception
        assert exception is not None
        assert exception.category is EventCategory.ThreadSwitch
        assert exception.code == switch.context_after().thread != switch.thread
        assert str(switch).endswith(
            f" switch from thread {switch.thread} to thread {exception.code}"
        )
    for thread in trace.threads:
        assert thread.first_transition.thread == thread.id
        assert thread.last_transition.thread == thread.id


def test_the_server_shaped_object(record_program: Any, bare: reven2.OpenTrace) -> None:
    assert bare.scenario_name.startswith("program")
    if isinstance(bare, reven2.RevenServer):
        assert repr(bare) == f"Reven server (localhost:{bare.port}) [connected]"
    else:
        assert repr(bare).startswith("Reven trace (")
        assert repr(bare).endswith(".reven)")
    assert bare


def test_a_closed_trace_says_so(values: reven2.OpenTrace) -> None:
    with values as server:
        transition = server.trace.transition(1)
    with pytest.raises(ClosedError, match="open it again"):
        str(transition)


def test_two_openings_of_a_trace_give_equal_objects(open_trace: Any, record_program: Any) -> None:
    from .programs import BARE, BARE_FLAGS, VALUES

    path: Path = record_program(BARE, *BARE_FLAGS)
    one, two = open_trace(path), open_trace(path)
    assert one.trace.transition(3) == two.trace.transition(3)
    assert one.trace.transition(3) < two.trace.transition(4)
    other = open_trace(record_program(VALUES))
    assert other.trace.transition(3) != one.trace.transition(3)
