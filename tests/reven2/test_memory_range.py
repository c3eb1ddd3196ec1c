# SPDX-License-Identifier: Apache-2.0
"""Memory ranges, their sets and maps, against sets and dicts of single bytes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven2.address import LinearAddress, LogicalAddress, PhysicalAddress
from reven2.errors import InvalidArgumentError
from reven2.memory_range import MemoryRange, MemoryRangeMap, MemoryRangeSet


def _range(begin: int, size: int) -> MemoryRange:
    return MemoryRange(LinearAddress(begin), size)


ranges = st.builds(_range, st.integers(0, 60), st.integers(1, 20))
lists = st.lists(ranges, max_size=12)


def _bytes_of(*items: MemoryRange) -> set[int]:
    return {item.address.offset + offset for item in items for offset in range(item.size)}


def test_text() -> None:
    memory_range = MemoryRange(LogicalAddress(0x1000), 4096)
    assert str(memory_range) == "[ds:0x1000; 4096]"
    assert str(MemoryRange(PhysicalAddress(0x59CE000), 4096)) == "[phy:0x59ce000; 4096]"


@pytest.mark.parametrize(("begin", "size"), [(0, 0), (0, -1), ((1 << 64) - 1, 2)])
def test_impossible_ranges_are_refused(begin: int, size: int) -> None:
    with pytest.raises(InvalidArgumentError):
        _range(begin, size)


@given(ranges, ranges)
def test_union_is_one_range_or_none(a: MemoryRange, b: MemoryRange) -> None:
    both = _bytes_of(a) | _bytes_of(b)
    union = a.union(b)
    if len(both) == max(both) - min(both) + 1:
        assert union is not None
        assert _bytes_of(union) == both
    else:
        assert union is None


@given(ranges, ranges)
def test_intersection(a: MemoryRange, b: MemoryRange) -> None:
    common = a.intersection(b)
    assert (_bytes_of(common) if common else set()) == _bytes_of(a) & _bytes_of(b)
    assert (b in a) == (_bytes_of(b) <= _bytes_of(a))


@given(st.integers(0, 20000), st.integers(1, 20000))
def test_pages_cover_the_range_and_cross_no_boundary(begin: int, size: int) -> None:
    pages = list(_range(begin, size).pages())
    position = begin
    for page in pages:
        assert page.address.offset == position
        assert position // 4096 == (position + page.size - 1) // 4096
        position += page.size
    assert position == begin + size


def test_ranges_of_different_kinds_never_meet() -> None:
    linear, physical = _range(0, 8), MemoryRange(PhysicalAddress(0), 8)
    assert linear.union(physical) is None
    assert linear.intersection(physical) is None
    assert physical not in linear
    assert len(MemoryRangeSet([linear, physical])) == 2


@given(lists)
def test_a_set_holds_the_bytes_in_the_fewest_ranges(items: list[MemoryRange]) -> None:
    merged = list(MemoryRangeSet(items))
    assert _bytes_of(*merged) == _bytes_of(*items)
    for before, after in pairwise(merged):
        assert before.address.offset + before.size < after.address.offset


@given(lists, lists)
def test_set_algebra(a: list[MemoryRange], b: list[MemoryRange]) -> None:
    left, right = MemoryRangeSet(a), MemoryRangeSet(b)
    x, y = _bytes_of(*a), _bytes_of(*b)
    assert _bytes_of(*(left | right)) == x | y
    assert _bytes_of(*(left & right)) == x & y
    assert _bytes_of(*(left - right)) == x - y
    assert (left == right) == (x == y)


@given(lists, ranges, st.integers(0, 90))
def test_membership(items: list[MemoryRange], probe: MemoryRange, address: int) -> None:
    members = MemoryRangeSet(items)
    assert (LinearAddress(address) in members) == (address in _bytes_of(*items))
    assert (probe in members) == (_bytes_of(probe) <= _bytes_of(*items))


@given(st.lists(st.tuples(ranges, st.text(max_size=2)), max_size=12))
def test_a_map_gives_each_byte_the_last_value(items: list[tuple[MemoryRange, str]]) -> None:
    mapping = MemoryRangeMap(items)
    assert _values(mapping) == {
        address: value for item, value in items for address in sorted(_bytes_of(item))
    }


@given(st.lists(ranges, max_size=10))
def test_a_map_merges_what_overlaps(items: list[MemoryRange]) -> None:
    mapping = MemoryRangeMap(
        [(item, frozenset({number})) for number, item in enumerate(items)],
        subtract=lambda value: value,
        merge=lambda old, new: old | new,
    )
    expected: dict[int, set[int]] = {}
    for number, item in enumerate(items):
        for address in _bytes_of(item):
            expected.setdefault(address, set()).add(number)
    assert _values(mapping) == expected


@given(lists, ranges)
def test_removing_from_a_map(items: list[MemoryRange], removed: MemoryRange) -> None:
    mapping = MemoryRangeMap([(item, 1) for item in items])
    mapping.remove(removed)
    assert set(_values(mapping)) == _bytes_of(*items) - _bytes_of(removed)


def test_what_is_left_of_a_range_gets_its_subtracted_value() -> None:
    mapping = MemoryRangeMap(
        [(_range(0, 10), "a"), (_range(5, 10), "b")],
        subtract=lambda value: f"rest of {value}",
        merge=lambda old, new: f"{old} and {new}",
    )
    assert [(str(item), value) for item, value in mapping] == [
        ("[lin:0x0; 5]", "rest of a"),
        ("[lin:0x5; 5]", "a and b"),
        ("[lin:0xa; 5]", "rest of b"),
    ]
    assert mapping.at(LinearAddress(7)) == "a and b"
    assert mapping.at(LinearAddress(15)) is None


@pytest.mark.parametrize("kind", [LogicalAddress, LinearAddress, PhysicalAddress])
def test_the_documented_example_of_a_map(kind: type[LogicalAddress]) -> None:
    ranges_ = [MemoryRange(kind(low), 0x1000) for low in (0x1000, 0x1500, 0x5000)]
    mapping = MemoryRangeMap(
        items=((one, f"from r{number}") for number, one in enumerate(ranges_, 1)),
        subtract=lambda a: None,
        merge=lambda a, b: a + ", " + b,
    )
    prefix = str(kind(0)).removesuffix("0x0")
    assert [f"{item} {source}" for item, source in mapping] == [
        f"[{prefix}0x1000; 1280] from r1",
        f"[{prefix}0x1500; 2816] from r1, from r2",
        f"[{prefix}0x2000; 1280] from r2",
        f"[{prefix}0x5000; 4096] from r3",
    ]


@given(st.lists(st.tuples(ranges, st.booleans()), max_size=12))
def test_no_subtraction_leaves_values_as_they_are(steps: list[tuple[MemoryRange, bool]]) -> None:
    mapping: MemoryRangeMap[tuple[int, ...]] = MemoryRangeMap(
        subtract=lambda value: None, merge=lambda old, new: old + new
    )
    model: dict[int, tuple[int, ...]] = {}
    for number, (item, is_added) in enumerate(steps):
        for address in _bytes_of(item):
            if is_added:
                model[address] = (*model.get(address, ()), number)
            else:
                model.pop(address, None)
        if is_added:
            mapping.add(item, (number,))
        else:
            mapping.remove(item)
        assert _values(mapping) == model
        assert all(mapping.at(LinearAddress(one)) == model.get(one) for one in range(100))


def _values(mapping: MemoryRangeMap[Any]) -> dict[int, Any]:
    pairs = list(mapping)
    result = {address: value for item, value in pairs for address in _bytes_of(item)}
    assert len(result) == sum(item.size for item, _ in pairs), "ranges overlap"
    return result
