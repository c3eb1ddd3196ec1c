# SPDX-License-Identifier: Apache-2.0
"""What forward and backward taint, their states and their accesses say of one another, from
any context of a program to any other."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reven._engine import Taint, Trace
from tests.engine.conftest import Everything

FLAGS = 864 * 8
GENERAL = 16
Bytes = set[int]
Seeds = list[tuple[int, bool, int, int]]

many = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def state(taint: Taint, context: int) -> tuple[set[int], set[int]]:
    """The tainted bits of registers and bytes of memory."""
    items = taint.state(context, 0, 1 << 20)
    registers: set[int] = set()
    memory: set[int] = set()
    for is_memory, address, size in zip(items.is_memory, items.address, items.size, strict=True):
        held = range(int(address), int(address) + int(size))
        (memory if is_memory else registers).update(held)
    return registers, memory


def run(trace: Trace, seeds: Seeds, first: int, last: int, forward: bool) -> Taint:
    taint = Taint(trace, seeds, 1, first, last, forward)
    taint.run()
    return taint


def seeds_of(registers: Iterable[int], memory: Iterable[int]) -> Seeds:
    return [(0, False, bit, 1) for bit in sorted(registers)] + [
        (0, True, byte, 1) for byte in sorted(memory)
    ]


@st.composite
def stretches(draw: st.DrawFn) -> tuple[float, int, float]:
    """Where a taint begins and its middle, as parts of the whole, and how long it is."""
    return draw(st.floats(0, 1)), draw(st.sampled_from((5, 60, 700, 5000))), draw(st.floats(0, 1))


def contexts(varied: Everything, stretch: tuple[float, int, float]) -> tuple[int, int, int]:
    where, length, part = stretch
    first = int(where * (varied.count - 1))
    last = min(first + length, varied.count)
    return first, first + int(part * (last - first)), last


def seeds_at(varied: Everything, first: int, register: int | None, bits: int) -> Seeds:
    if register is not None:
        return [(0, False, register * 64, bits)]
    start = int(np.searchsorted(varied.accesses["transition"], first))
    access = varied.accesses[min(start, len(varied.accesses) - 1)]
    return [(0, True, int(access["address"]), int(access["length"]) or 1)]


registers = st.one_of(st.none(), st.integers(0, GENERAL - 1))


@many
@given(stretches(), registers, st.sampled_from((8, 32, 64)))
def test_a_taint_goes_on_from_any_of_its_states(
    varied: Everything, stretch: tuple[float, int, float], register: int | None, bits: int
) -> None:
    first, middle, last = contexts(varied, stretch)
    # A state is that of the thread that runs.
    assume(varied.kinds[first:last].max(initial=0) == 0)
    whole = run(varied.trace, seeds_at(varied, first, register, bits), first, last, True)
    seeds = seeds_of(*state(whole, middle))
    rest = state(run(varied.trace, seeds, middle, last, True), last) if seeds else (set(), set())
    found = state(whole, last)
    # States name whole bytes of memory: those that go on may find a little more.
    assert found[0] <= rest[0]
    assert found[1] <= rest[1]


@many
@given(stretches(), registers, st.sampled_from((8, 32, 64)), st.integers(0))
def test_what_is_tainted_comes_from_the_seed(
    varied: Everything,
    stretch: tuple[float, int, float],
    register: int | None,
    bits: int,
    choice: int,
) -> None:
    first, _, last = contexts(varied, stretch)
    seeds = seeds_at(varied, first, register, bits)
    found = state(run(varied.trace, seeds, first, last, True), last)
    sinks = [seed for seed in seeds_of(*found) if seed[1] or seed[2] < FLAGS]
    assume(sinks)
    sink = sinks[choice % len(sinks)]
    asked = state(run(varied.trace, [sink], first, last, False), first)
    [(_, is_memory, address, size)] = seeds
    assert asked[is_memory] & set(range(address, address + size))


@many
@given(stretches(), registers, st.sampled_from((8, 32, 64)), st.booleans())
def test_the_accesses_lead_from_the_first_state_to_the_last(
    varied: Everything,
    stretch: tuple[float, int, float],
    register: int | None,
    bits: int,
    forward: bool,
) -> None:
    first, _, last = contexts(varied, stretch)
    start, end = (first, last) if forward else (last, first)
    taint = run(varied.trace, seeds_at(varied, start, register, bits), first, last, forward)
    _, memory = state(taint, start)
    found = taint.accesses(first if forward else last - 1, 1 << 20, changes_only=True)
    items = found.items
    for is_memory, address, size, before, after in zip(
        items.is_memory, items.address, items.size, items.before, items.after, strict=True
    ):
        if not is_memory:
            continue
        held = set(range(int(address), int(address) + int(size)))
        assert (held <= memory) if before else not held & memory
        memory = memory | held if after else memory - held
    if found.next is None and varied.kinds[first:last].max(initial=0) == 0:
        assert memory == state(taint, end)[1]
    # In order, each once.
    order = np.diff(found.transition.astype(np.int64))
    assert (order > 0).all() if forward else (order < 0).all()


@many
@given(stretches(), registers)
def test_pages_of_accesses_are_parts_of_the_whole(
    varied: Everything, stretch: tuple[float, int, float], register: int | None
) -> None:
    first, _, last = contexts(varied, stretch)
    taint = run(varied.trace, seeds_at(varied, first, register, 64), first, last, True)
    whole = taint.accesses(first, 1 << 20, changes_only=False)
    assert (len(whole), int(whole.changes.sum())) == (taint.access_count, taint.change_count)
    at: int | None = first
    parts: list[int] = []
    while at is not None:
        page = taint.accesses(at, 3, changes_only=False)
        parts += [int(number) for number in page.transition]
        at = page.next
    assert parts == [int(number) for number in whole.transition]
