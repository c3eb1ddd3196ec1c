# SPDX-License-Identifier: Apache-2.0
"""Functions that are reached, or end, by a jump in place of a call and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import reven2
from reven.record import RecordOptions
from reven2.arch import x64
from reven2.preview.prototypes import RevenPrototypes
from reven2.trace import Context, Transition

from .jump_programs import CHAIN, DELETE, INSIDE, LEAVES, LINKED, TAIL


def entries(server: Any, name: str) -> Iterator[Any]:
    """Where a public script finds the calls of a function."""
    for symbol in server.ossi.symbols(f"^{name}$"):
        if not symbol.name.endswith("@plt"):
            yield from server.trace.search.symbol(symbol)


def mnemonic(transition: Transition | None) -> str:
    assert transition is not None
    assert transition.instruction is not None
    return transition.instruction.mnemonic.rpartition(" ")[2]


def returned_by(entry: Context) -> Transition:
    """By brute force: the `ret` that takes what is on top of the stack where a function begins."""
    rsp = entry.read(x64.rsp)
    step = entry.transition_after()
    thread = step.thread
    while mnemonic_or_none(step) != "ret" or step.context_before().read(x64.rsp) != rsp:
        step += 1
        while step.thread != thread:
            step += 1
    return step


def mnemonic_or_none(transition: Transition) -> str:
    instruction = transition.instruction
    return "" if instruction is None else instruction.mnemonic.rpartition(" ")[2]


@pytest.mark.parametrize("linked", LINKED)
def test_a_detector_finds_the_end_of_a_function_that_a_jump_reached(
    linked: str, record_program: Any, open_trace: Any
) -> None:
    server: Any = open_trace(record_program(TAIL, *LINKED[linked]))
    begun = server.trace.first_context
    if linked != "stripped":
        begun = next(server.trace.calls("^main$")).first_context
    freed: list[int] = []
    for entry in entries(server, "free"):
        if entry < begun or entry.read(x64.rdi) == 0:
            continue
        before = entry.transition_before()
        end: Any = before.find_inverse()
        assert mnemonic(before) == "jmp"
        assert end == returned_by(entry)
        assert entry.transition_after().step_out() == end
        call = end.find_inverse()
        assert mnemonic(call) == "call"
        assert call.find_inverse() == end
        assert (call + 1).step_out() == end
        frame = entry.stack.frame()
        assert frame.end_event.transition == end
        assert frame.last_context == end.context_before()
        freed.append(entry.read(x64.rdi))
    taken = [
        entry.transition_before().find_inverse().context_after().read(x64.rax)
        for entry in entries(server, "malloc")
        if entry >= begun and entry.read(x64.rdi) in (20, 32)
    ]
    if linked == "stripped":
        assert freed[-2:] == taken[::-1]
    else:
        assert freed == taken[::-1]


def test_delete_reaches_free_by_jumps(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(DELETE, "-O0", language="cpp"))
    main = next(server.trace.calls("^main$"))
    prototypes = RevenPrototypes(server)
    free = prototypes.parse_one_function(
        "void free(void *block);", prototypes.calling_conventions.Sysv64
    )
    found = [entry for entry in entries(server, "free") if entry > main.first_context][:2]
    assert len(found) == 2
    for entry in found:
        jump = entry.transition_before()
        end = jump.find_inverse()
        assert end == returned_by(entry)
        assert str(end.context_after().ossi.location()).startswith("program!main")
        values = free.call_site_values(jump)
        assert values.return_transition == end
        assert values.arg_n(0).address.offset == entry.read(x64.rdi)


def test_a_result_comes_from_the_last_function(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(TAIL, "-O2"))
    prototypes = RevenPrototypes(server)
    take = prototypes.parse_one_function(
        "void *take(unsigned long size);", prototypes.calling_conventions.Sysv64
    )
    malloc = prototypes.parse_one_function(
        "void *malloc(unsigned long size);", prototypes.calling_conventions.Sysv64
    )
    calls = list(server.trace.calls("^take$"))
    assert len(calls) == 2
    for call in calls:
        values = take.call_site_values(call.call_transition)
        assert values.return_transition == call.return_transition
        result = call.return_transition.context_after().read(x64.rax)
        assert values.ret() == result
        (jumped,) = [
            entry
            for entry in entries(server, "malloc")
            if call.first_context < entry < call.return_transition.context_before()
        ]
        assert malloc.call_site_values(jumped.transition_before()).ret() == result


@pytest.mark.parametrize("flags", [("-O2",), ("-O2", "-s")], ids=["with symbols", "stripped"])
def test_chains_of_jumps_end_with_their_last_return(
    flags: tuple[str, ...], record_program: Any, open_trace: Any
) -> None:
    path = record_program(CHAIN, *flags, arguments=["3000"])
    server = open_trace(path)
    trace = server.trace
    (binary,) = server.ossi.executed_binaries("/program$")
    own = [
        call
        for call in trace.calls()
        if call.kind == "tail"
        and call.location.binary == binary
        and call.first_context.read(x64.rdi) in (*range(3000), 200)
    ]
    own = [call for call in own if call.parent == own[-1].parent]
    assert len(own) == 3001
    ends = {call.return_transition for call in own}
    assert len(ends) == 1
    (end,) = ends
    assert mnemonic(end) == "ret"
    assert end.context_after().read(x64.rax) == end.context_before().read(x64.rax)
    call = end.find_inverse()
    assert call.find_inverse() == end
    assert mnemonic(call) == "call"
    for one in own[::100]:
        assert mnemonic(one.call_transition) == "jmp"
        assert one.call_transition.find_inverse() == end
        assert one.first_context.transition_after().step_out() == end
    assert call.step_over() == end + 1
    assert (end + 1).step_over(is_forward=False) == call


def test_what_longjmp_leaves_has_no_return(record_program: Any, open_trace: Any) -> None:
    server: Any = open_trace(record_program(LEAVES, "-O2", "-pthread"))
    jumped: Any = next(server.trace.calls("^jumped_out$"))
    jumps = next(server.trace.calls("^jumps_out$"))
    assert jumped.kind == "tail"
    assert jumped.call_transition.find_inverse() is None
    assert jumps.call_transition.find_inverse() is None
    assert jumped.return_transition is jumps.return_transition is None
    out = jumped.end_transition
    assert jumped.first_context.transition_after().step_out() == out
    assert jumps.first_context.transition_after().step_out() == out
    assert jumped.first_context.stack.frame().end_event.transition == out


def test_a_handler_may_jump(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(LEAVES, "-O2", "-pthread"))
    handled = list(server.trace.calls("^handled$"))
    assert [call.kind for call in handled] == ["tail", "tail"]
    for call in handled:
        end = call.call_transition.find_inverse()
        assert end == returned_by(call.first_context) == call.return_transition
        assert call.first_context.transition_after().step_out() == end
        top, handler, *_ = call.first_context.stack.frames()
        assert handler.type is reven2.stack.StackFrameType.Interrupt
        assert top.parent == handler
        # It returns to where the kernel has it go on.
        assert handler.pc == (end + 1).pc
        assert handler.first_context.transition_after().step_out() == handler.end_event.transition


def test_threads_jump_too(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(LEAVES, "-O2", "-pthread"))
    jumped = list(server.trace.calls("^work_on$"))
    assert len(jumped) == 90
    for call in jumped:
        assert call.kind == "tail"
        end = returned_by(call.first_context)
        assert call.call_transition.find_inverse() == end
        assert call.return_transition == end
        assert call.call_transition.thread == call.thread


def test_a_trace_that_begins_inside_a_function_that_jumps(
    record_program: Any, open_trace: Any
) -> None:
    server = open_trace(record_program(INSIDE, "-O2", options=RecordOptions(start="mark")))
    entry = next(entries(server, "free"))
    end = entry.transition_before().find_inverse()
    assert end == returned_by(entry)
    assert end.find_inverse() is None
    assert entry.stack.frame().end_event.transition == end
