# SPDX-License-Identifier: Apache-2.0
"""The older module's names do what public scripts use them for, against an obvious model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

import reven2
import reven_api
from reven2.arch import x64
from reven2.errors import InvalidArgumentError
from reven2.trace import Context


def code_of(context: Context) -> str:
    location = context.ossi.location()
    assert location is not None
    return "" if location.binary is None else location.binary.path


def search(server: Any, path: str, effect: Any, first: Any, stop: Any, **options: Any) -> list[int]:
    """The way in which scripts look for where a binary is entered or left."""
    wanted = reven_api.criterion()
    wanted.type = reven_api.criterion_type.binary
    wanted.accuracy = reven_api.criterion_accuracy.exact
    wanted.effect = effect
    wanted.case_sensitive = False
    wanted.pattern = path.upper()
    request = reven_api.search_request()
    request.max_sequences, request.max_results = 300_000, options.get("limit", 1)
    request.forward, request.need_all = options.get("forward", True), True
    request.criteria.append(wanted)
    part = server.trace.search._search_range(first, stop)
    found: list[int] = []
    while part.begin() != part.end():
        results = server.trace._rvn.run_search_sequences(part, request)
        found += [match.transition_id for match in results.content]
        if found:
            break
        part = results.remaining_range
    return found


def test_where_a_binary_is_entered_and_left(signals: reven2.OpenTrace) -> None:
    trace = signals.trace
    count = trace.transition_count
    start = count - 3000
    # What is no instruction is in no binary, and so neither inside nor outside of one.
    inside = {
        number: code_of(context)
        for number, context in zip(range(start, count), trace.contexts(start, count), strict=True)
        if trace.transition(number).instruction is not None
    }
    [libc] = signals.ossi.executed_binaries(r"/libc\.so")
    effects = reven_api.criterion_effect
    for _, part in groupby(inside, lambda number: inside[number] == libc.path):
        first = next(part)
        context = trace.context_before(first)
        is_inside = inside[first] == libc.path
        entered = next((n for n in inside if n >= first and inside[n] == libc.path), None)
        left = next((n for n in inside if n >= first and inside[n] != libc.path), None)
        assert search(signals, libc.path, effects.match, context, None) == (
            [first] if is_inside else [entered] if entered is not None else []
        )
        assert search(signals, libc.path, effects.invert_match, context, None) == (
            [left] if left is not None else []
        )
    every = [number for number, path in inside.items() if path == libc.path]
    context = trace.context_before(start)
    assert search(signals, libc.path, effects.match, context, None, limit=0) == every
    assert (
        search(signals, libc.path, effects.match, context, None, limit=0, forward=False)
        == every[::-1]
    )
    assert search(signals, "/nowhere", effects.match, None, None) == []


def changes(server: reven2.OpenTrace, register: Any) -> Iterator[int]:
    values = [context.read(register) for context in server.trace.contexts()]
    return (number for number in range(len(values) - 1) if values[number] != values[number + 1])


@pytest.mark.parametrize("register", [x64.rcx, x64.al, x64.zf, x64.cs])
def test_the_next_change_of_a_register(bare: reven2.OpenTrace, register: Any) -> None:
    changed = list(changes(bare, register))
    count = bare.trace.transition_count

    def ask(start: int, forward: bool, stop: int | None) -> reven_api.execution_point:
        return bare._rvn.run_search_next_register_use(
            reven_api.execution_point(start),
            forward=forward,
            read=False,
            write=True,
            register_name=register.name,
            stop=None if stop is None else reven_api.execution_point(stop),
        )

    for start in range(count):
        after = next((number for number in changed if number > start), None)
        before = next((number for number in reversed(changed) if number < start), None)
        for forward, expected in ((True, after), (False, before)):
            found = ask(start, forward, None)
            assert found.valid() == (expected is not None)
            if expected is not None:
                assert found == reven_api.execution_point(expected)
        # Bounded by what lies outside of the trace, it is not valid if there is none.
        assert ask(start, True, count + 100).valid() == (after is not None)
        assert ask(start, False, 0).valid() == (before is not None and before > 0)
        # Bounded inside, the bound is the answer.
        bound = start + 2
        if bound < count and (after is None or after >= bound):
            assert ask(start, True, bound) == reven_api.execution_point(bound)


def test_what_cannot_be_asked(bare: reven2.OpenTrace) -> None:
    here = reven_api.execution_point(3)
    assert not reven_api.execution_point().valid()
    with pytest.raises(InvalidArgumentError, match="pass read=False"):
        bare._rvn.run_search_next_register_use(here, register_name="rax")
    with pytest.raises(InvalidArgumentError, match="no register 'foo'"):
        bare._rvn.run_search_next_register_use(here, read=False, register_name="foo")
    with pytest.raises(InvalidArgumentError, match="takes criteria"):
        bare.trace._rvn.run_search_sequences(
            bare.trace.search._search_range(None, None), reven_api.search_request()
        )
    with pytest.raises(AttributeError, match="use reven2 instead"):
        reven_api.launcher_connection  # noqa: B018
    with pytest.raises(InvalidArgumentError, match="pass the number 5"):
        reven_api.execution_point("5")  # type: ignore[arg-type]
