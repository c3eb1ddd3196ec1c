# SPDX-License-Identifier: Apache-2.0
"""Searches of memory, code and values equal a walk over everything in the trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reven import _engine
from tests.engine.conftest import Everything

RAX, YMM0 = 0, 320
QUICK = settings(
    deadline=None,
    max_examples=50,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def occurrences(data: bytes, known: bytes, pattern: bytes) -> list[int]:
    found, at = [], data.find(pattern)
    while at >= 0:
        if 0 not in known[at : at + len(pattern)]:
            found.append(at)
        at = data.find(pattern, at + 1)
    return found


def patterns(varied: Everything) -> st.SearchStrategy[bytes]:
    """Bytes that some access moved, or nearly."""

    def pattern(number: int, offset: int, length: int) -> bytes:
        access = varied.accesses[number]
        address = int(access["address"]) + offset
        data, _ = varied.trace.read_known_memory(int(access["transition"]) + 1, address, length)
        return data

    return st.builds(
        pattern,
        st.integers(0, len(varied.accesses) - 1),
        st.integers(-3, 3),
        st.sampled_from([1, 2, 3, 4, 7, 8, 12, 33]),
    )


def created(varied: Everything, pattern: bytes, start: int, stop: int) -> set[tuple[int, int]]:
    """Where and when a write makes the pattern, from memory around each before and after."""
    reach = len(pattern) - 1
    found = set()
    accesses = varied.accesses
    inside = accesses[(accesses["transition"] >= start) & (accesses["transition"] < stop)]
    for transition, address, length in inside[inside["is_write"]][
        ["transition", "address", "length"]
    ].tolist():
        low = max(address - reach, 0)
        size = address + length + reach - low
        before = occurrences(*varied.trace.read_known_memory(transition, low, size), pattern)
        after = occurrences(*varied.trace.read_known_memory(transition + 1, low, size), pattern)
        found |= {(transition, low + at) for at in after if at not in before}
    return found


@QUICK
@given(data=st.data())
def test_what_comes_into_memory_at_one_context(varied: Everything, data: st.DataObject) -> None:
    pattern = data.draw(patterns(varied))
    context = data.draw(st.integers(0, varied.count))
    address = varied.buffer + data.draw(st.integers(-5000, 9000))
    size = data.draw(st.integers(0, 10000))
    expected = occurrences(*varied.trace.read_known_memory(context, address, size), pattern)
    search = _engine.MemorySearch(varied.trace)
    found = search.find(pattern, context, address, size, 1 << 20)
    assert found.tolist() == [address + at for at in expected]
    assert search.find(pattern, context, address, size, 3).tolist() == found.tolist()[:3]


@pytest.mark.parametrize("number", range(6))
def test_what_writes_make_of_memory(varied: Everything, number: int) -> None:
    """Mappings are left to the mapped files' own test."""
    writes = varied.accesses[varied.accesses["is_write"]]
    write = writes[len(writes) * (2 * number + 1) // 12]
    length = [1, 3, 8, 8, 12, 24][number]
    pattern = varied.trace.read_known_memory(
        int(write["transition"]) + 1, int(write["address"]), length
    )[0]
    middle = int(write["transition"])
    start, stop = max(middle - 1500, 0), min(middle + 1500, varied.count)
    search = _engine.MemorySearch(varied.trace)
    found = search.created(pattern, start, stop, 1 << 20)
    by_write = [
        row
        for row, is_mapping in zip(
            zip(found.transition.tolist(), found.address.tolist(), strict=True),
            found.is_mapping.tolist(),
            strict=True,
        )
        if not is_mapping
    ]
    assert len(set(by_write)) == len(by_write)
    assert set(by_write) == created(varied, pattern, start, stop)
    assert found.transition.tolist() == sorted(found.transition.tolist())
    paged: list[tuple[int, int]] = []
    begin = start
    while len(page := search.created(pattern, begin, stop, 1)):
        assert len(set(page.transition.tolist())) == 1
        paged += zip(page.transition.tolist(), page.address.tolist(), strict=True)
        begin = int(page.transition[-1]) + 1
    assert paged == list(zip(found.transition.tolist(), found.address.tolist(), strict=True))


def test_what_stands_at_a_context_and_is_accessed_later(varied: Everything) -> None:
    pattern = bytes(4)
    context = varied.count // 2
    search = _engine.MemorySearch(varied.trace)
    found = search.standing(pattern, context, varied.count, limit=1 << 20).tolist()
    assert found == sorted(found)
    for address in found[:50]:
        assert varied.trace.read_memory(context, address, 4) == pattern
    later = varied.accesses[varied.accesses["transition"] >= context]
    for address, length in set(later[["address", "length"]].tolist()):
        data, known = varied.trace.read_known_memory(context, address, length)
        for at in occurrences(data, known, pattern):
            assert address + at in found
    some = found[: len(found) // 2]
    rest = search.standing(pattern, context, varied.count, some[-1] + 1, 1 << 20).tolist()
    assert some + rest == found


@pytest.mark.parametrize("every", [3, 50])
@pytest.mark.parametrize("forward", [True, False])
def test_chosen_instructions(varied: Everything, every: int, forward: bool) -> None:
    search = _engine.CodeSearch(varied.trace)
    instructions = search.instructions
    assert instructions == sorted(set(instructions))
    columns = varied.trace.transitions(0, varied.count)
    numbers = list(range(0, len(instructions), every))
    wanted = {instructions[number] for number in numbers}
    start, stop = varied.count // 5, varied.count * 4 // 5
    expected = [
        number
        for number in range(start, stop)
        if columns.kind[number] == _engine.KIND_INSTRUCTION
        and (int(columns.pc[number]), columns.code[number][: columns.size[number]].tobytes())
        in wanted
    ]
    expected = expected if forward else expected[::-1]
    found = search.find(numbers, start, stop, forward=forward, limit=1 << 30)
    assert found.tolist() == expected
    assert search.find(numbers, start, stop, forward=forward, limit=7).tolist() == expected[:7]
    assert search.find([], start, stop).tolist() == []
    with pytest.raises(IndexError):
        search.find([len(instructions)], start, stop)


Row = tuple[int, int, int, int, bool]


def values(varied: Everything, value: int, size: int) -> list[Row]:
    start, stop = varied.count // 6, varied.count * 5 // 6
    found = _engine.find_value(
        varied.trace,
        value.to_bytes(32, "little"),
        start,
        stop,
        general_width=(size or 8) if size <= 8 else 0,
        vector_width=size or 16,
        access_size=size,
        limit=1 << 30,
    )
    rows = list(
        zip(
            found.transition.tolist(),
            found.register.tolist(),
            found.address.tolist(),
            found.size.tolist(),
            map(bool, found.is_write.tolist()),
            strict=True,
        )
    )
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    return [row for row in rows if start <= row[0] < stop]


@QUICK
@given(data=st.data())
def test_a_value_in_registers(varied: Everything, data: st.DataObject) -> None:
    """Where a register comes to hold it is found, and it does hold it where it is found."""
    size = data.draw(st.sampled_from([0, 1, 2, 4, 8]))
    width = size or 8
    register = data.draw(st.integers(0, 15))
    context = data.draw(st.integers(varied.count // 6, varied.count * 5 // 6 - 1))
    column = varied.views[:, RAX + 8 * register : RAX + 8 * register + width]
    value = int.from_bytes(column[context].tobytes(), "little")
    same = (column == column[context]).all(axis=1)
    came = np.flatnonzero(same[1:] & ~same[:-1])
    came = came[varied.kinds[came] == _engine.KIND_INSTRUCTION]
    start, stop = varied.count // 6, varied.count * 5 // 6
    found = [row[0] for row in values(varied, value, size) if row[1] == register]
    assert set(came[(came >= start) & (came < stop)].tolist()) <= set(found)
    assert same[np.array(found, dtype=int) + 1].all()


@QUICK
@given(data=st.data())
def test_a_value_in_accesses(varied: Everything, data: st.DataObject) -> None:
    """Each is found exactly where memory before (reads) or after (writes) has it; what the
    kernel reads is not looked at, as docs/reference/limits.md says."""
    accesses = of_instructions(varied)
    inside = accesses[
        (accesses["transition"] >= varied.count // 6)
        & (accesses["transition"] < varied.count * 5 // 6)
    ]
    row = inside[data.draw(st.integers(0, len(inside) - 1))]
    length = min(int(row["length"]), 32)
    size = data.draw(st.sampled_from([0, length]))
    held = int(row["transition"]) + bool(row["is_write"])
    value = int.from_bytes(
        varied.trace.read_known_memory(held, int(row["address"]), length)[0], "little"
    )
    found = {row[0::1] for row in values(varied, value, size) if row[1] == 255}
    assert {(t, a, n, w) for t, _, a, n, w in found} == {
        (t, a, n, w)
        for t, a, n, w in inside.tolist()
        if n <= 32
        and n >= max(1, (value.bit_length() + 7) // 8)
        and size in (0, n)
        and moved(varied, t, a, n, w) == value
    }


def of_instructions(varied: Everything) -> npt.NDArray[Any]:
    """All accesses but the kernel's reads: `syscall` itself accesses no memory."""
    accesses = varied.accesses
    columns = varied.trace.transitions(0, varied.count)
    is_call = (columns.size == 2) & (columns.code[:, :2] == (0x0F, 0x05)).all(axis=1)
    by_kernel = is_call[accesses["transition"]] & ~accesses["is_write"]
    assert by_kernel.any()
    kept: npt.NDArray[Any] = accesses[~by_kernel]
    return kept


_moved: dict[tuple[int, int, int, bool], int] = {}


def moved(varied: Everything, transition: int, address: int, size: int, is_write: bool) -> int:
    key = transition, address, size, is_write
    if key not in _moved:
        data, _ = varied.trace.read_known_memory(transition + is_write, address, size)
        _moved[key] = int.from_bytes(data, "little")
    return _moved[key]


def test_a_value_in_a_vector_register(varied: Everything) -> None:
    seen = 0
    for number in range(16):
        begin = YMM0 + 32 * number
        column = varied.views[:, begin : begin + 16]
        changed = np.flatnonzero((column[1:] != column[:-1]).any(axis=1))
        inside = (changed >= varied.count // 6) & (changed < varied.count * 5 // 6)
        for transition in changed[inside & (varied.kinds[changed] == 0)][:3].tolist():
            value = int.from_bytes(column[transition + 1].tobytes(), "little")
            assert (transition, 16 + number, 0, 16, True) in values(varied, value, 0)
            seen += 1
    assert seen > 3


def test_a_value_too_long_is_refused(varied: Everything) -> None:
    with pytest.raises(ValueError, match="at most 32 bytes"):
        _engine.find_value(
            varied.trace, bytes(33), 0, 9, general_width=8, vector_width=16, access_size=0
        )
