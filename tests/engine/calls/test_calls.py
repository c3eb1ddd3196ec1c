# SPDX-License-Identifier: Apache-2.0
"""The index of calls: its queries against all calls at once, and how it is kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reven._engine import Call, Calls, Trace

SOURCE = r"""
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")

static volatile int sum;
static jmp_buf out;
static ucontext_t home, other;

KEEP void leaf(void) { sum++; }
KEEP void jumps(void) { sum++; leaf(); }
KEEP void handler(int number) { sum += number; leaf(); BARRIER; }
KEEP void deep(int n) {
    jumps();
    if (n > 0) deep(n - 1);
    else if (sum % 3 == 0) longjmp(out, 1);
    BARRIER;
}
KEEP void coroutine(void) {
    for (;;) {
        deep(3);
        swapcontext(&other, &home);
    }
}
int main(void) {
    signal(SIGUSR1, handler);
    getcontext(&other);
    other.uc_stack.ss_sp = malloc(65536);
    other.uc_stack.ss_size = 65536;
    makecontext(&other, coroutine, 0);
    for (int i = 0; i < 60; i++) {
        if (setjmp(out) == 0) deep(900);
        raise(SIGUSR1);
        if (i % 8 == 0 && setjmp(out) == 0) swapcontext(&home, &other);
    }
    return 0;
}
"""
NONE = np.array([], dtype=np.uint64)


@pytest.fixture(scope="module")
def path(record_program: Any) -> Path:
    recorded: Path = record_program(
        SOURCE, "-O2", "-fno-inline", "-static", "-Wno-infinite-recursion"
    )
    return recorded


@pytest.fixture(scope="module")
def trace(path: Path) -> Trace:
    return Trace(str(path))


@pytest.fixture(scope="module")
def calls(trace: Trace) -> Calls:
    calls = Calls(trace)
    calls.build(NONE, NONE)
    return calls


def values(call: Call) -> tuple[Any, ...]:
    return (
        call.id,
        call.parent,
        call.kind,
        call.thread,
        call.first_context,
        call.end_transition,
        call.depth,
        call.function,
        call.return_address,
        call.stack_pointer,
    )


def all_of(calls: Calls, count: int) -> list[tuple[Any, ...]]:
    return [values(call) for call in calls.calls(0, count, limit=1 << 30).calls]


@pytest.fixture(scope="module")
def everything(trace: Trace, calls: Calls) -> list[Call]:
    return calls.calls(0, trace.transition_count, limit=1 << 30).calls


def test_the_trace_is_of_use(trace: Trace, everything: list[Call]) -> None:
    assert trace.segment_count > 3
    assert len(everything) > 100_000
    assert {call.kind for call in everything} == {"call", "tail", "signal", "start", "unknown"}
    assert max(call.depth for call in everything) > 900


def test_ids_count_calls_in_the_order_of_their_beginning(
    calls: Calls, everything: list[Call]
) -> None:
    assert [call.id for call in everything] == list(range(len(calls)))
    beginnings = [call.first_context for call in everything]
    assert beginnings == sorted(beginnings)
    for number in range(0, len(calls), 997):
        assert values(calls.call(number)) == values(everything[number])
    with pytest.raises(IndexError):
        calls.call(len(calls))


def test_calls_lie_inside_their_parents(everything: list[Call]) -> None:
    for call in everything:
        if call.parent is None:
            continue
        parent = everything[call.parent]
        assert parent.id < call.id
        assert parent.depth == call.depth - 1
        if parent.end_transition is not None:
            assert call.end_transition is not None
            assert call.end_transition <= parent.end_transition


def length_of(call: Call, count: int) -> int:
    end = count if call.end_transition is None else call.end_transition + 1
    return end - call.first_context


@pytest.mark.parametrize("shortest", [0, 40, 3000])
@pytest.mark.parametrize("deepest", [3, 20, 1 << 31])
def test_a_part_of_them(
    trace: Trace, calls: Calls, everything: list[Call], shortest: int, deepest: int
) -> None:
    count = trace.transition_count
    start, stop = count // 3, count // 2
    expected = [
        call.id
        for call in everything
        if call.first_context < stop
        and (call.end_transition is None or call.end_transition >= start)
        and length_of(call, count) >= shortest
        and call.depth <= deepest
    ]
    found: list[int] = []
    first: int | None = 0
    while first is not None:
        page = calls.calls(start, stop, shortest=shortest, deepest=deepest, first=first, limit=5000)
        found += [call.id for call in page.calls]
        first = page.next
    assert found == expected
    assert calls.calls(start, stop, thread=2).calls == []


def test_what_a_call_made(trace: Trace, calls: Calls, everything: list[Call]) -> None:
    by_parent: dict[int | None, list[int]] = {}
    for call in everything:
        by_parent.setdefault(call.parent, []).append(call.id)
    for parent in list(by_parent)[:: max(len(by_parent) // 20, 1)]:
        if parent is not None:
            page = calls.calls(0, trace.transition_count, parent=parent, limit=1 << 30)
            assert [call.id for call in page.calls] == by_parent[parent]


@pytest.mark.parametrize("forward", [True, False])
def test_the_calls_of_functions(
    trace: Trace, calls: Calls, everything: list[Call], forward: bool
) -> None:
    functions = sorted({call.function for call in everything})[::7]
    count = trace.transition_count
    start, stop = count // 4, count * 3 // 4
    wanted = set(functions)
    expected = [
        call.id
        for call in everything
        if call.function in wanted and start <= call.first_context - 1 < stop
    ]
    ranges = [(address, address + 1) for address in functions]
    found: list[int] = []
    low, high = start, stop
    while low < high:
        page = calls.calls_of(ranges, low, high, forward=forward, limit=1000)
        found += [call.id for call in page.calls]
        if page.next is None:
            break
        low, high = (page.next, high) if forward else (low, page.next)
    assert found == (expected if forward else expected[::-1])


def test_the_call_at_a_context(trace: Trace, calls: Calls, everything: list[Call]) -> None:
    count = trace.transition_count
    choose = np.random.default_rng(1)
    for context in choose.integers(0, count, 300).tolist():
        frames = calls.frames(context)
        top = calls.call_at(context)
        assert top is not None
        assert frames[0].call == top.id
        for frame in frames:
            assert frame.call is not None
            call = everything[frame.call]
            assert call.first_context <= context
            assert call.end_transition is None or call.end_transition >= context


def test_the_tree_counts_every_transition_once(trace: Trace, calls: Calls) -> None:
    count = trace.transition_count
    nodes, is_cut = calls.tree(0, count)
    assert not is_cut
    assert sum(node.count for node in nodes) == len(calls)
    # What a coroutine does counts for it, not for whom it waits for.
    # Switching to its stack, until it is entered, is nobody's.
    assert count - 50 < sum(node.total for node in nodes if node.parent is None) <= count
    assert count - 50 < sum(node.own for node in nodes) <= count
    assert min(node.own for node in nodes) >= 0
    few, is_cut = calls.tree(0, count, limit=10)
    assert is_cut
    assert len(few) == 10
    shallow, is_cut = calls.tree(0, count, deepest=1)
    assert not is_cut
    assert [node.total for node in shallow if node.parent is None] == [
        node.total for node in nodes if node.parent is None
    ]


def copy_of(path: Path, directory: Path) -> Path:
    copy = directory / path.name
    shutil.copytree(path, copy)
    for derived in ("calls.bin", "index.bin"):
        (copy / derived).unlink(missing_ok=True)
    return copy


def cut(path: Path, segments: int, of: int) -> None:
    """Leave only the first segments of a trace (docs/trace-format.md)."""
    directory = path / "directory.bin"
    entry = (directory.stat().st_size - 16) // of
    following = directory.read_bytes()[16 + segments * entry :]
    os.truncate(path / "segments.bin", int.from_bytes(following[16:24], "little"))
    os.truncate(directory, 16 + segments * entry)


@pytest.mark.parametrize("left_out", [1, 3, 5])
def test_it_goes_on_when_the_trace_has_grown(
    trace: Trace, calls: Calls, path: Path, tmp_path: Path, left_out: int
) -> None:
    (tmp_path / "early").mkdir()
    early, later = copy_of(path, tmp_path / "early"), copy_of(path, tmp_path)
    segments = trace.segment_count - left_out
    cut(early, segments, trace.segment_count)
    small = Trace(str(early))
    assert small.segment_count == segments
    Calls(small).build(NONE, NONE)
    shutil.copy(early / "calls.bin", later)
    grown = Calls(Trace(str(later)))
    assert 0 < len(grown) < len(calls)
    assert not grown.complete
    grown.build(NONE, NONE)
    assert grown.complete
    count = trace.transition_count
    assert all_of(grown, count) == all_of(calls, count)
    for context in range(0, count, count // 50):
        assert [frame.call for frame in grown.frames(context)] == [
            frame.call for frame in calls.frames(context)
        ]


def test_what_is_kept_is_used_again(path: Path, calls: Calls) -> None:
    again = Calls(Trace(str(path)))
    assert again.complete
    assert len(again) == len(calls)
    assert again.size_on_disk == (path / "calls.bin").stat().st_size


def test_it_is_built_anew_where_it_is_damaged(
    trace: Trace, calls: Calls, path: Path, tmp_path: Path
) -> None:
    copy = copy_of(path, tmp_path)
    contents = bytearray((path / "calls.bin").read_bytes())
    contents[40] ^= 1
    (copy / "calls.bin").write_bytes(contents)
    mended = Calls(Trace(str(copy)))
    assert not mended.complete
    mended.build(NONE, NONE)
    assert all_of(mended, trace.transition_count) == all_of(calls, trace.transition_count)
    assert (copy / "calls.bin").read_bytes() == (path / "calls.bin").read_bytes()


def test_building_stops_when_it_is_told_to(path: Path, tmp_path: Path) -> None:
    copy = copy_of(path, tmp_path)
    calls = Calls(Trace(str(copy)))

    def stop(_done: int, _total: int) -> bool:
        return False

    with pytest.raises(Exception, match="cancelled"):
        calls.build(NONE, NONE, stop)
    assert not calls.complete
    calls.build(NONE, NONE)
    assert calls.complete
