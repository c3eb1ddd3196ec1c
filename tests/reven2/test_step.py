# SPDX-License-Identifier: Apache-2.0
"""Steps over and out of functions, and inverses."""

from __future__ import annotations

from typing import Any

import pytest

import reven2
from reven2.trace import Transition

from .test_stack import SOURCE


@pytest.fixture
def server(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    opened: reven2.OpenTrace = open_trace(
        record_program(SOURCE, "-O2", "-fno-inline", "-fno-ipa-cp", "-fno-ipa-ra")
    )
    return opened


def mnemonic(transition: Transition | None) -> str:
    assert transition is not None
    assert transition.instruction is not None
    return transition.instruction.mnemonic.rpartition(" ")[2]


def inside(server: reven2.OpenTrace, name: str) -> tuple[Transition, Transition]:
    """The first and the last transition of the first call of a function."""
    call = next(server.trace.calls(f"^{name}$"))
    assert call.end_transition is not None
    return call.first_context.transition_after(), call.end_transition


def test_stepping_over_stays_in_the_function(server: reven2.OpenTrace) -> None:
    first, last = inside(server, "middle")
    steps: list[Transition] = [first]
    while steps[-1] != last:
        following = steps[-1].step_over()
        assert following is not None
        steps.append(following)
    assert [mnemonic(step) for step in steps].count("call") == 2
    for step in steps:
        assert str(step.context_before().ossi.location()).startswith("program!middle")
    back = [last]
    while back[-1] != first:
        before = back[-1].step_over(is_forward=False)
        assert before is not None
        back.append(before)
    assert back[::-1] == steps


def test_stepping_over_the_end_goes_to_the_caller(server: reven2.OpenTrace) -> None:
    first, last = inside(server, "middle")
    after = last.step_over()
    assert after is not None
    assert after.id == last.id + 1
    call = first.step_over(is_forward=False)
    assert mnemonic(call) == "call"
    assert call is not None
    assert call.step_over() == after
    assert after.step_over(is_forward=False) == call


def test_a_jump_in_place_of_a_call_is_stepped_over_with_it(server: reven2.OpenTrace) -> None:
    first, jump = inside(server, "jumps_to_leaf")
    call = first - 1
    after = call.step_over()
    assert after is not None
    assert str(after.context_before().ossi.location()).startswith("program!main")
    assert after.step_over(is_forward=False) == call
    assert jump.step_over() == after


def test_a_signal_is_stepped_over_with_its_handler(server: reven2.OpenTrace) -> None:
    first, last = inside(server, "handler")
    signal = first - 1
    after = signal.step_over()
    assert signal.exception is not None
    assert after is not None
    assert after.id > last.id
    assert after.pc == signal.pc
    assert after.step_over(is_forward=False) == signal


def test_stepping_out(server: reven2.OpenTrace) -> None:
    first, last = inside(server, "middle")
    step: Transition | None = first
    while step is not None and step != last:
        assert step.step_out(is_forward=True) == last
        assert step.step_out(is_forward=False) == first - 1
        step = step.step_over()
    assert last.step_out() == last
    assert server.trace.first_transition.step_out(is_forward=False) is None


def test_steps_end_with_the_trace(server: reven2.OpenTrace) -> None:
    assert server.trace.last_transition.step_over() is None
    assert server.trace.first_transition.step_over(is_forward=False) is None


def test_the_inverse_of_a_call_is_its_return(server: reven2.OpenTrace) -> None:
    first, last = inside(server, "middle")
    assert (first - 1).find_inverse() == last
    assert last.find_inverse() == first - 1


def test_the_inverse_of_a_call_passes_over_jumps(server: reven2.OpenTrace) -> None:
    first, jump = inside(server, "jumps_to_leaf")
    call = first - 1
    returned = call.find_inverse()
    assert mnemonic(jump) == "jmp"
    assert mnemonic(returned) == "ret"
    assert returned is not None
    assert returned.find_inverse() == call


def test_a_call_that_never_returned_has_no_inverse(server: reven2.OpenTrace) -> None:
    first, _ = inside(server, "jumps_out")
    assert (first - 1).find_inverse() is None


def test_the_inverse_of_a_signal_is_its_sigreturn(server: reven2.OpenTrace) -> None:
    first, last = inside(server, "handler")
    assert (first - 1).find_inverse() == last
    assert last.find_inverse() == first - 1


def test_the_inverse_of_a_push_is_its_pop(server: reven2.OpenTrace) -> None:
    first, last = inside(server, "middle")
    step: Transition | None = first
    pushes: list[Transition] = []
    found: dict[Transition, Transition | None] = {}
    while step is not None and step != last:
        name = mnemonic(step)
        if name == "push":
            pushes.append(step)
        elif name == "pop":
            found[pushes.pop()] = step
        step = step.step_over()
    assert found
    for push, pop in found.items():
        assert push.find_inverse() == pop
        assert pop is not None
        assert pop.find_inverse() == push


def test_the_inverse_of_a_system_call_is_what_the_thread_goes_on_with(
    server: reven2.OpenTrace,
) -> None:
    transition = next(
        step for step in server.trace.transitions() if str(step).endswith(" syscall ")
    )
    inverse = transition.find_inverse()
    assert inverse is not None
    assert inverse.id == transition.id + 1


def test_the_inverse_of_an_access_is_the_nearest_one_of_the_other_kind(
    server: reven2.OpenTrace,
) -> None:
    reads, writes = reven2.memhist.MemoryAccessOperation
    first, _ = inside(server, "leaf")
    store = next(
        step
        for step in server.trace.transitions(first, first + 20)
        if list(step.memory_accesses(writes)) and mnemonic(step) in ("mov", "add")
    )
    read = store.find_inverse()
    assert read is not None
    assert [access.virtual_address for access in store.memory_accesses(writes)] == [
        access.virtual_address for access in read.memory_accesses(reads)
    ]
