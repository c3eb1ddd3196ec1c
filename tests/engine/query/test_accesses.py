# SPDX-License-Identifier: Apache-2.0
"""Memory history and searches equal a filter over all accesses and transitions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reven._engine import Accesses
from tests.engine.conftest import Everything

QUICK = settings(
    deadline=None,
    max_examples=250,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def rows(found: Accesses) -> list[tuple[int, int, int, bool]]:
    columns = found.transition, found.address, found.size, found.is_write
    return list(zip(*(column.tolist() for column in columns), strict=True))


def brute_force(
    table: npt.NDArray[np.void],
    start: int,
    stop: int,
    address: int,
    size: int,
    reads: bool,
    writes: bool,
) -> list[tuple[int, int, int, bool]]:
    wanted = (table["transition"] >= start) & (table["transition"] < stop)
    # The last bytes, so that nothing overflows at the top of the address space.
    wanted &= (table["address"] <= address + size - 1) & (
        table["address"] + (table["length"] - 1) >= address
    )
    wanted &= np.where(table["is_write"], writes, reads)
    return [tuple(row) for row in table[wanted].tolist()]


@QUICK
@given(data=st.data())
def test_history_equals_a_filter_over_all_accesses(varied: Everything, data: st.DataObject) -> None:
    table = varied.accesses
    start = data.draw(st.integers(0, varied.count))
    stop = data.draw(st.integers(start, varied.count))
    base = int(table["address"][data.draw(st.integers(0, len(table) - 1))])
    address = max(0, base + data.draw(st.integers(-40, 40)))
    size = data.draw(st.sampled_from([1, 2, 7, 64, 4096, 1 << 20, (1 << 64) - (address or 1)]))
    reads, writes, forward = (data.draw(st.booleans()) for _ in range(3))
    limit = data.draw(st.sampled_from([1, 2, 10, 1 << 20]))

    expected = brute_force(table, start, stop, address, size, reads, writes)
    if not forward:
        expected.reverse()
    found = rows(
        varied.trace.accesses(
            start, stop, address, size, reads=reads, writes=writes, forward=forward, limit=limit
        )
    )
    assert found == expected[: len(found)]
    # As many as asked for, and the rest of the last one's transition.
    whole = expected[:limit]
    while len(whole) < len(expected) and whole and expected[len(whole)][0] == whole[-1][0]:
        whole.append(expected[len(whole)])
    assert len(found) == len(whole)


@QUICK
@given(data=st.data())
def test_pages_of_history_make_the_whole(varied: Everything, data: st.DataObject) -> None:
    """Continued from the last transition, in both directions."""
    address = varied.buffer + data.draw(st.integers(0, 12000))
    size = data.draw(st.sampled_from([8, 100, 9000]))
    forward = data.draw(st.booleans())
    limit = data.draw(st.integers(1, 400))
    start, stop = 0, varied.count
    pages: list[tuple[int, int, int, bool]] = []
    while page := rows(
        varied.trace.accesses(start, stop, address, size, forward=forward, limit=limit)
    ):
        pages += page
        if forward:
            start = page[-1][0] + 1
        else:
            stop = page[-1][0]
    expected = brute_force(varied.accesses, 0, varied.count, address, size, True, True)
    assert pages == (expected if forward else expected[::-1])


@QUICK
@given(data=st.data())
def test_searches_equal_a_filter_over_all_transitions(
    varied: Everything, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, varied.count))
    stop = data.draw(st.integers(start, varied.count))
    ranges = []
    for _ in range(data.draw(st.integers(1, 3))):
        low = int(varied.pcs[data.draw(st.integers(0, varied.count - 1))])
        ranges.append((low, low + data.draw(st.sampled_from([1, 3, 50, 5000]))))
    forward = data.draw(st.booleans())
    limit = data.draw(st.sampled_from([1, 5, 1 << 20]))

    wanted = np.zeros(varied.count, dtype=bool)
    for low, high in ranges:
        wanted |= (varied.pcs >= low) & (varied.pcs < high)
    wanted &= varied.kinds == 0
    wanted[:start] = wanted[stop:] = False
    expected = np.flatnonzero(wanted)
    expected = (expected if forward else expected[::-1])[:limit]
    found = varied.trace.find_pcs(ranges, start, stop, forward=forward, limit=limit)
    assert found.tolist() == expected.tolist()


def test_executed_ranges_cover_all_instructions(varied: Everything) -> None:
    ranges = varied.trace.executed_ranges()
    lows = np.array([low for low, _ in ranges], dtype=np.uint64)
    highs = np.array([high for _, high in ranges], dtype=np.uint64)
    assert (np.diff(lows.astype(object)) > 0).all()
    pcs = varied.pcs[varied.kinds == 0]
    at = np.searchsorted(lows, pcs, side="right") - 1
    assert ((pcs >= lows[at]) & (pcs < highs[at])).all()
