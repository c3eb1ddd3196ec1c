# SPDX-License-Identifier: Apache-2.0
"""`collate` merges sorted iterables."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from reven2.util import collate


@given(st.lists(st.lists(st.integers()).map(sorted)))
def test_the_result_is_everything_sorted(lists: list[list[int]]) -> None:
    assert list(collate(lists)) == sorted(itertools.chain(*lists))


@given(st.lists(st.lists(st.tuples(st.integers(), st.text()))))
def test_a_key_decides_and_equal_items_keep_their_order(
    lists: list[list[tuple[int, str]]],
) -> None:
    ordered = [sorted(items, key=lambda item: item[0]) for items in lists]
    expected = sorted(itertools.chain(*ordered), key=lambda item: item[0])
    assert list(collate(ordered, lambda item: item[0])) == expected
    assert list(collate(map(iter, ordered), key=lambda item: item[0])) == expected


def test_it_takes_no_more_than_it_needs() -> None:
    merged = collate([itertools.count(0, 2), itertools.count(1, 2)])
    assert list(itertools.islice(merged, 5)) == [0, 1, 2, 3, 4]
