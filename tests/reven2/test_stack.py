# SPDX-License-Identifier: Apache-2.0
"""Call stacks and calls, as objects."""

from __future__ import annotations

import re
from typing import Any

import pytest

import reven2
from reven.record import RecordOptions
from reven2.call import Call
from reven2.errors import InvalidArgumentError
from reven2.stack import Stack, StackFrame, StackFrameType

SOURCE = r"""
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")

static volatile int sum;
static ucontext_t home, other;
static jmp_buf out;

KEEP int leaf(int n) { sum += n; return n + 1; }
KEEP int middle(int n) {
    sum++;
    int twice = leaf(n);                              /* line 18 */
    twice += leaf(twice);
    return twice + n;
}
KEEP int jumps_to_leaf(int n) { sum++; return leaf(n); }
KEEP void jumps_out(void) { longjmp(out, 1); }
KEEP void handler(int number) { leaf(number); BARRIER; }
KEEP void waits(void) { swapcontext(&other, &home); leaf(41); exit(0); }
KEEP void coroutine(void) { leaf(40); waits(); BARRIER; }

int main(void) {
    char *stack = malloc(65536);
    middle(1);
    jumps_to_leaf(2);
    if (setjmp(out) == 0) jumps_out();
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = 65536;
    other.uc_link = &home;
    makecontext(&other, coroutine, 0);
    swapcontext(&home, &other);
    leaf(5);
    memset(stack, 0xee, 65536);                       /* what waits there is gone */
    swapcontext(&home, &other);
    return 0;
}
"""


@pytest.fixture
def server(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    opened: reven2.OpenTrace = open_trace(
        record_program(SOURCE, "-O2", "-fno-inline", "-fno-ipa-cp", "-fno-ipa-ra")
    )
    return opened


def only(server: reven2.OpenTrace, name: str) -> Call:
    (call,) = server.trace.calls(f"^{name}$")
    return call


def names(stack: Stack) -> list[str]:
    return [frame.function.name if frame.function else "?" for frame in stack.frames()]


def test_frames_come_from_the_top_down(server: reven2.OpenTrace) -> None:
    first, second = list(server.trace.calls("^leaf$"))[:2]
    assert names(first.first_context.stack)[:3] == ["leaf", "middle", "main"]
    assert names(second.first_context.stack)[:3] == ["leaf", "middle", "main"]
    frames = list(first.first_context.stack.frames())
    assert frames[-1].function
    assert frames[-1].function.name == "_start"
    assert {frame.type for frame in frames} == {StackFrameType.Call}


def test_a_frame_knows_since_when_it_is_there(server: reven2.OpenTrace) -> None:
    leaf, middle, *_ = next(server.trace.calls("^leaf$")).first_context.stack.frames()
    for frame, name in ((leaf, "leaf"), (middle, "middle")):
        created = frame.creation_transition
        assert created is not None
        assert created.instruction
        assert created.instruction.mnemonic == "call"
        assert created.context_after() == frame.first_context
        assert str(frame.first_context.ossi.location()) == f"program!{name}"
        assert frame.call
        assert frame.call.call_transition == created
        assert frame.first_context.read(reven2.arch.x64.rsp) == frame.stack_pointer


def test_a_backtrace_has_symbols_and_source_lines(server: reven2.OpenTrace) -> None:
    lines = str(next(server.trace.calls("^leaf$")).first_context.stack).splitlines()
    assert re.fullmatch(r"0  program!leaf  program\.c:\d+  since #\d+", lines[0])
    assert re.fullmatch(r"1  program!middle\+0x\w+  program\.c:18  since #\d+", lines[1])
    assert "_start" in lines[-1]


def test_stacks_and_frames_display_with_links(server: reven2.OpenTrace) -> None:
    stack = next(server.trace.calls("^leaf$")).first_context.stack
    frame = next(stack.frames())
    assert frame.creation_transition
    assert frame.creation_transition.format_as_html() in frame.format_as_html()
    assert frame.format_as_html() == frame._repr_html_()
    assert stack._repr_html_().count("<tr>") == len(list(stack.frames()))
    call = frame.call
    assert call is not None
    assert "leaf" in call._repr_html_()


def test_what_jumped_to_another_function_is_replaced_by_it(server: reven2.OpenTrace) -> None:
    jumps = only(server, "jumps_to_leaf")
    leaf = list(server.trace.calls("^leaf$"))[2]
    assert (jumps.kind, leaf.kind) == ("call", "tail")
    assert names(leaf.first_context.stack)[:2] == ["leaf", "main"]
    assert jumps.end_transition == leaf.call_transition
    assert jumps.return_transition == leaf.return_transition == leaf.end_transition
    assert leaf.return_transition
    assert leaf.return_transition.context_after().read(reven2.arch.x64.rax) == 3


def test_a_handler_interrupts(server: reven2.OpenTrace) -> None:
    handler = only(server, "handler")
    assert handler.kind == "signal"
    assert handler.call_transition
    assert handler.call_transition.exception
    frames = list(handler.first_context.stack.frames())
    assert frames[0].type is StackFrameType.Interrupt
    assert frames[0].creation_transition == handler.call_transition
    assert frames[1].pc == handler.call_transition.pc
    assert "(Interrupt)" in str(frames[0])
    end = handler.end_transition
    assert end is not None
    assert end.instruction
    assert end.instruction.mnemonic == "syscall"
    assert handler.return_transition == end


def test_longjmp_discards(server: reven2.OpenTrace) -> None:
    jumps = only(server, "jumps_out")
    assert jumps.end_transition is not None
    assert jumps.return_transition is None
    after = jumps.end_transition.context_after()
    assert "jumps_out" not in names(after.stack)
    assert names(after.stack)[0] != "main"  # still in longjmp's code …
    assert names(after.stack)[1:2] != ["jumps_out"]  # … with main's frame on top


def test_a_coroutine_has_a_stack_of_its_own(server: reven2.OpenTrace) -> None:
    leaf = next(
        call
        for call in server.trace.calls("^leaf$")
        if call.first_context.read(reven2.arch.x64.edi) == 40
    )
    stack = leaf.first_context.stack
    assert names(stack)[:2] == ["leaf", "coroutine"]
    frames = list(stack.frames())
    assert [frame.type for frame in frames] == [StackFrameType.Call, StackFrameType.Manual]
    before = stack.prev_stack()
    assert before is not None
    assert names(before)[:2] == ["swapcontext", "main"]
    after = stack.next_stack()
    assert after is not None
    assert names(after)[0] == "swapcontext"
    goes_on = next(after.frames()).call
    assert goes_on is not None
    assert str(goes_on.symbol) == "program!main"
    again = after.prev_stack()
    assert again is not None
    assert "coroutine" in names(again)
    assert server.trace.first_context.stack.prev_stack() is None
    assert server.trace.last_context.stack.next_stack() is None


def test_frames_that_were_overwritten_meanwhile_are_damaged(server: reven2.OpenTrace) -> None:
    begin = server.trace.first_context.stack
    stacks = [begin]
    while (following := stacks[-1].next_stack()) is not None:
        stacks.append(following)
    resumed = list(stacks[3].frames())
    assert [frame.type for frame in resumed] == [StackFrameType.Damaged, StackFrameType.Manual]
    assert resumed[0].creation_transition is None
    waiting = [frame.type for frame in stacks[1].frames()]
    assert StackFrameType.Damaged not in waiting


def test_calls_of_a_function(server: reven2.OpenTrace) -> None:
    calls = list(server.trace.calls("^leaf$"))
    assert [call.first_context.read(reven2.arch.x64.edi) for call in calls][:3] == [1, 2, 2]
    assert list(server.trace.calls("^leaf$", is_forward=False)) == calls[::-1]
    assert calls == sorted(calls, key=lambda call: call.id)
    symbol = calls[0].symbol
    assert symbol is not None
    assert list(server.trace.calls(symbol)) == calls
    assert calls[1].call_transition is not None
    second = calls[1].call_transition.context_before()
    assert list(server.trace.calls("^leaf$", to_context=second)) == calls[:1]
    assert list(server.trace.calls("^leaf$", from_context=second)) == calls[1:]
    assert {str(call.symbol) for call in server.trace.calls("^(leaf|middle)$")} == {
        "program!leaf",
        "program!middle",
    }
    assert list(server.trace.calls("^no_such_function$")) == []


def test_a_call_knows_its_place_in_the_tree(server: reven2.OpenTrace) -> None:
    middle = only(server, "middle")
    inside = list(middle.children())
    assert [str(call.symbol) for call in inside] == ["program!leaf"] * 2
    assert all(call.parent == middle for call in inside)
    assert inside[0].depth == middle.depth + 1
    assert str(inside[0].caller).startswith("program!middle+")
    assert inside[0].duration == 1 + (
        inside[0].end_transition.id - inside[0].first_context.transition_after().id
        if inside[0].end_transition
        else 0
    )
    assert middle.parent
    assert str(middle.parent.symbol) == "program!main"
    assert len({middle, only(server, "middle")}) == 1
    assert str(middle) == f"#{middle.call_transition.id if middle.call_transition else 0} " + str(
        middle.location
    )


def test_all_calls_come_in_order(server: reven2.OpenTrace) -> None:
    calls = list(server.trace.calls())
    assert [call.id for call in calls] == list(range(len(calls)))
    middle = only(server, "middle")
    assert middle.end_transition
    during = list(server.trace.calls(None, middle.first_context, middle.end_transition.id))
    assert middle in during
    assert set(middle.children()) <= set(during)


def test_what_cannot_be_asked_is_refused(server: reven2.OpenTrace) -> None:
    with pytest.raises(InvalidArgumentError, match="only come forward"):
        server.trace.calls(is_forward=False)
    with pytest.raises(InvalidArgumentError, match="regular expression"):
        list(server.trace.calls("("))


def test_what_was_there_before_the_trace_is_unknown(record_program: Any, open_trace: Any) -> None:
    path = record_program(
        SOURCE,
        "-O2",
        "-fno-inline",
        "-fno-ipa-cp",
        options=RecordOptions(start="leaf", until="leaf@3"),
    )
    server = open_trace(path)
    (leaf,) = server.trace.first_context.stack.frames()
    assert (leaf.type, leaf.creation_transition) == (StackFrameType.Call, None)
    assert leaf.call.kind == "start"
    returned = server.trace.first_transition.step_out().context_after()
    (middle,) = returned.stack.frames()
    assert (middle.type, middle.creation_transition) == (StackFrameType.Unknown, None)
    assert middle.first_context == returned
    assert str(middle.function) == "program!middle"
    assert [frame.type for frame in server.trace.last_context.stack.frames()][-1] is (
        StackFrameType.Unknown
    )
    again = list(server.trace.calls("^leaf$"))[1].first_context.stack
    assert names(again) == ["leaf", "middle"]


def test_every_context_has_a_stack(server: reven2.OpenTrace) -> None:
    count = server.trace.transition_count
    for number in range(0, count + 1, max(count // 200, 1)):
        context = server.trace._context(number)
        frames: list[StackFrame] = list(context.stack.frames())
        assert frames[0].pc == context.read(reven2.arch.x64.rip)
        assert all(frame.first_context <= context for frame in frames)
