# SPDX-License-Identifier: Apache-2.0
"""Addresses: text, arithmetic, comparison."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven2.address import (
    LinearAddress,
    LogicalAddress,
    LogicalAddressSegmentIndex,
    PhysicalAddress,
    _AbstractAddress,
)
from reven2.arch import x64
from reven2.errors import InvalidArgumentError

offsets = st.integers(0, (1 << 64) - 1)


@pytest.mark.parametrize(
    ("address", "text", "representation"),
    [
        (PhysicalAddress(0x7FC03EC8), "phy:0x7fc03ec8", "PhysicalAddress(offset=0x7fc03ec8)"),
        (LinearAddress(0x10), "lin:0x10", "LinearAddress(offset=0x10)"),
        (
            LogicalAddress(0x1000),
            "ds:0x1000",
            "LogicalAddress(offset=0x1000, segment_register=ds)",
        ),
        (
            LogicalAddress(0x180, x64.gs),
            "gs:0x180",
            "LogicalAddress(offset=0x180, segment_register=gs)",
        ),
        (
            LogicalAddressSegmentIndex(0x10, 0x33),
            "0x33:0x10",
            "LogicalAddressSegmentIndex(offset=0x10, segment_index=0x33)",
        ),
    ],
)
def test_text(address: _AbstractAddress, text: str, representation: str) -> None:
    assert str(address) == text
    assert repr(address) == representation


@given(offsets, st.integers())
def test_arithmetic_keeps_the_kind_and_wraps(offset: int, step: int) -> None:
    for address in (LinearAddress(offset), LogicalAddress(offset, x64.fs)):
        moved = address + step
        assert type(moved) is type(address)
        assert moved.offset == (offset + step) % (1 << 64)
        assert moved - step == address
    assert (LogicalAddress(offset, x64.fs) + step).segment_register is x64.fs


@given(offsets, offsets)
def test_addresses_of_one_kind_are_ordered(a: int, b: int) -> None:
    assert (LinearAddress(a) < LinearAddress(b)) == (a < b)
    assert (LinearAddress(a) >= LinearAddress(b)) == (a >= b)
    assert (LinearAddress(a) == LinearAddress(b)) == (a == b)
    assert LinearAddress(a) == a
    assert hash(LinearAddress(a)) == hash(LinearAddress(a))


def test_addresses_of_different_kinds_are_neither_equal_nor_ordered() -> None:
    assert LinearAddress(1) != PhysicalAddress(1)
    assert LogicalAddress(1, x64.fs) != LogicalAddress(1, x64.gs)
    with pytest.raises(TypeError):
        assert LinearAddress(1) < PhysicalAddress(2)


def test_what_is_no_segment_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="rax is no segment register"):
        LogicalAddress(0, x64.rax)
    with pytest.raises(InvalidArgumentError, match="0x10"):
        LogicalAddressSegmentIndex(0, 0x10)
