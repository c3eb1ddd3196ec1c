# SPDX-License-Identifier: Apache-2.0
"""Frames as a tree: parents, children, and the events below one."""

from __future__ import annotations

from typing import Any

import pytest

import reven2
from reven2.call import Call
from reven2.stack import FrameEnd, FrameStart, StackFrame, StackFrameType

from .jump_programs import CHAIN, LEAVES
from .test_stack import SOURCE as STACKS

PROGRAMS = {
    "stacks": (STACKS, ("-O2", "-fno-inline", "-fno-ipa-cp", "-fno-ipa-ra")),
    "threads and signals": (LEAVES, ("-O2", "-pthread")),
    "chains": (CHAIN, ("-O2",)),
}


@pytest.fixture(params=PROGRAMS)
def server(request: pytest.FixtureRequest, record_program: Any, open_trace: Any) -> Any:
    source, flags = PROGRAMS[request.param]
    return open_trace(record_program(source, *flags))


@pytest.fixture
def main(server: Any) -> StackFrame:
    call = next(server.trace.calls("^main$"))
    return call.first_context.stack.frame()  # type: ignore[no-any-return]


def events_below(call: Call) -> list[tuple[str, int]]:
    """By going through the children of every call."""
    found: list[tuple[str, int]] = []
    for child in call.children():
        found.append(("start", child.id))
        found += events_below(child)
        if child.end_transition is not None:
            found.append(("end", child.id))
    return found


def named(events: Any) -> list[tuple[str, int]]:
    return [
        ("start" if isinstance(event, FrameStart) else "end", event.frame.call.id)
        for event in events
    ]


def test_children_are_those_of_the_call(main: StackFrame) -> None:
    children = list(main.children())
    assert main.call is not None
    assert [child.call for child in children] == list(main.call.children())
    assert list(main.reversed_children()) == children[::-1]
    assert len(children) > 2
    for child in children:
        assert child.parent == main
        assert list(child.ancestors())[: 1 + len(list(main.ancestors()))] == [
            main,
            *main.ancestors(),
        ]


def test_events_are_those_of_every_child(main: StackFrame) -> None:
    assert main.call is not None
    found = named(main.descendant_events())
    assert found == events_below(main.call)
    assert len(found) > 10


def test_what_is_below_a_frame_is_skipped(main: StackFrame) -> None:
    assert main.call is not None
    for kept in range(3):
        events = main.descendant_events()
        found: list[tuple[str, int]] = []
        depth = 0
        for event in events:
            found += named([event])
            if isinstance(event, FrameEnd):
                depth -= 1
                continue
            depth += 1
            if depth > kept:
                events.skip_children()
        assert found == cut(main.call, kept)


def cut(call: Call, depth: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for child in call.children():
        found.append(("start", child.id))
        if depth > 0:
            found += cut(child, depth - 1)
        if child.end_transition is not None:
            found.append(("end", child.id))
    return found


def test_frames_of_a_moment_are_those_of_the_tree(server: Any, main: StackFrame) -> None:
    for event in list(main.descendant_events())[::7]:
        frame = event.frame
        first, last = frame.first_context, frame.last_context
        assert first.stack.frame() == frame
        assert frame in last.stack.frames()
        assert hash(first.stack.frame()) == hash(frame)
        assert frame.type is first.stack.frame().type
        assert frame.start_event == FrameStart(frame)
        assert frame.start_event.context == first == frame.first_executed_context
        assert frame.start_event.transition == frame.creation_transition
        end = frame.end_event
        if end is None:
            assert last == server.trace.last_context
            continue
        assert end.context == last
        assert end.transition == last.transition_after()
        assert frame not in end.transition.context_after().stack.frames()
        beside = [one for one in first.stack.frames() if one.type is not StackFrameType.Manual]
        ancestors = [frame, *frame.ancestors()]
        assert ancestors[: len(beside)] == beside


def test_functions_begin_where_their_symbol_is(server: Any) -> None:
    found = 0
    for call in list(server.trace.calls("."))[-60:]:
        frame = call.first_context.stack.frame()
        location, begin = frame.function_location(), frame.function_start()
        assert str(location) == str(call.location)
        if begin is None:
            continue
        found += 1
        assert begin.pc == call.address
        assert frame.first_context <= begin.context_before() <= frame.last_context
        assert begin.context_before().stack.frame() == frame
    assert found > 10


def test_a_stub_is_not_where_its_function_begins(server: Any) -> None:
    main = next(server.trace.calls("^main$")).first_context.stack.frame()
    stubs = [
        child
        for child in main.children()
        if child.first_context.ossi.location().symbol.name.endswith("@plt")
    ]
    for frame in stubs:
        begin = frame.function_start()
        assert begin is not None
        assert begin.context_before() > frame.first_context
        symbol = begin.context_before().ossi.location().symbol
        assert frame.function_location().symbol == symbol


def test_there_is_nothing_before_the_trace(server: Any) -> None:
    frame = server.trace.first_context.stack.frame()
    assert frame.parent is None
    assert list(frame.ancestors()) == []
    assert isinstance(frame.start_event, FrameStart)


def test_public_code_goes_through_what_a_binary_calls(server: Any) -> None:
    binary = next(server.ossi.executed_binaries("program"))
    start = next(server.trace.search.binary(binary=binary))
    found = []
    it = start.stack.frame().descendant_events()
    for event in it:
        if isinstance(event, reven2.stack.FrameStart):
            loc = event.frame.function_location()
            if loc is not None and "program" not in str(loc.binary):
                it.skip_children()
                found.append(loc)
    assert found
