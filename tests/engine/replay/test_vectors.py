# SPDX-License-Identifier: Apache-2.0
"""The engine computes operations on vectors, lane by lane, as Python does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reven._engine import Trace
from reven.recorders.kit import node
from tests.engine.record.stream import (
    NODE_BINARY,
    NODE_SELECT,
    NODE_UNARY,
    Block,
    Slot,
    end,
    key_frame,
    write_trace,
)

AND, OR, XOR, NOT = 3, 4, 5, 10
LOW, HIGH, PAIR = 23, 24, 25
MUL_HIGH_SIGNED, MUL_HIGH_UNSIGNED, LEADING_ZEROS, TRAILING_ZEROS, SIGN_MASK = 27, 28, 29, 30, 31
LANES = 32
SHIFTS = 42
INTERLEAVE_LOW, INTERLEAVE_HIGH, PERMUTE = 45, 46, 47
YMM0 = 320


def signed(value: int, size: int) -> int:
    return value - (1 << 8 * size) if value >> (8 * size - 1) else value


def all_ones(true: bool, size: int) -> int:
    return (1 << 8 * size) - 1 if true else 0


# By the order of REVEN_OP_LANES_ADD …
LANE_OPERATIONS: list[Callable[[int, int, int], int]] = [
    lambda x, y, size: x + y,
    lambda x, y, size: x - y,
    lambda x, y, size: x * y,
    lambda x, y, size: (x % (1 << 4 * size)) * (y % (1 << 4 * size)),
    lambda x, y, size: all_ones(x == y, size),
    lambda x, y, size: all_ones(signed(x, size) > signed(y, size), size),
    lambda x, y, size: min(x, y, key=lambda value: signed(value, size)),
    lambda x, y, size: max(x, y, key=lambda value: signed(value, size)),
    lambda x, y, size: min(x, y),
    lambda x, y, size: max(x, y),
]
SHIFT_OPERATIONS: list[Callable[[int, int, int], int]] = [
    lambda x, count, size: x << count,
    lambda x, count, size: x >> count,
    lambda x, count, size: signed(x, size) >> count,
]


def split(value: bytes, size: int) -> list[int]:
    return [int.from_bytes(value[at : at + size], "little") for at in range(0, len(value), size)]


def join(lanes: list[int], size: int) -> bytes:
    return b"".join((lane % (1 << 8 * size)).to_bytes(size, "little") for lane in lanes)


def computed(directory: Path, nodes: list[bytes], size: int, a: bytes, b: bytes) -> bytes:
    """The last of the nodes; node 1 is a and node 2 is b."""
    block = Block(0x1000, 1, [len(a), len(b)], (), nodes, [(YMM0, size, 2 + len(nodes))])
    records = [key_frame(), end(after=1)]
    status = write_trace(directory, [Slot([(1, 0, a + b)], records, {1: block})])
    assert status.error == ""
    _, view = Trace(str(directory)).registers(1)
    return bytes(view[YMM0 : YMM0 + size])


@st.composite
def operands(draw: st.DrawFn) -> tuple[int, bytes, bytes]:
    """An element's size and two vectors, often with equal and extreme elements."""
    size, element = draw(st.sampled_from((16, 32))), draw(st.sampled_from((1, 2, 4, 8)))
    edge = 1 << 8 * element
    lane = st.one_of(
        st.sampled_from((0, 1, edge - 1, edge // 2, edge // 2 - 1)), st.integers(0, edge - 1)
    )
    vector = st.lists(lane, min_size=size // element, max_size=size // element)
    return element, join(draw(vector), element), join(draw(vector), element)


QUICK = settings(deadline=None, max_examples=25, derandomize=True)
Temporary = pytest.TempPathFactory


@pytest.mark.parametrize("number", range(len(LANE_OPERATIONS)))
def test_lanes(tmp_path_factory: Temporary, number: int) -> None:
    @QUICK
    @given(operands())
    def each(of: tuple[int, bytes, bytes]) -> None:
        element, a, b = of
        nodes = [node(NODE_BINARY, len(a), LANES + number, 1, 2, 0, element)]
        expected = [
            LANE_OPERATIONS[number](x, y, element)
            for x, y in zip(split(a, element), split(b, element), strict=True)
        ]
        found = computed(tmp_path_factory.mktemp("trace"), nodes, len(a), a, b)
        assert found == join(expected, element)

    each()


@pytest.mark.parametrize("number", range(len(SHIFT_OPERATIONS)))
def test_shifts_move_every_lane_by_one_count(tmp_path_factory: Temporary, number: int) -> None:
    @QUICK
    @given(operands(), st.integers(0, 70))
    def each(of: tuple[int, bytes, bytes], count: int) -> None:
        element, a, _ = of
        nodes = [node(NODE_BINARY, len(a), SHIFTS + number, 1, 2, 0, element)]
        expected = [SHIFT_OPERATIONS[number](x, count, element) for x in split(a, element)]
        found = computed(tmp_path_factory.mktemp("trace"), nodes, len(a), a, bytes([count]))
        assert found == join(expected, element)

    each()


@QUICK
@given(operands())
def test_interleaving(tmp_path_factory: Temporary, of: tuple[int, bytes, bytes]) -> None:
    element, a, b = of
    pairs = list(zip(split(b, element), split(a, element), strict=True))
    for operation, half in (
        (INTERLEAVE_LOW, pairs[: len(pairs) // 2]),
        (INTERLEAVE_HIGH, pairs[len(pairs) // 2 :]),
    ):
        nodes = [node(NODE_BINARY, len(a), operation, 1, 2, 0, element)]
        found = computed(tmp_path_factory.mktemp("trace"), nodes, len(a), a, b)
        assert found == join([lane for pair in half for lane in pair], element)


@QUICK
@given(operands())
def test_bits_and_bytes(tmp_path_factory: Temporary, of: tuple[int, bytes, bytes]) -> None:
    _, a, b = of
    size = len(a)

    def result(kind: int, operation: int, given_size: int = size) -> bytes:
        nodes = [node(kind, given_size, operation, 1, 2)]
        return computed(tmp_path_factory.mktemp("trace"), nodes, given_size, a, b)

    pairs = list(zip(a, b, strict=True))
    assert result(NODE_BINARY, AND) == bytes(x & y for x, y in pairs)
    assert result(NODE_BINARY, OR) == bytes(x | y for x, y in pairs)
    assert result(NODE_BINARY, XOR) == bytes(x ^ y for x, y in pairs)
    assert result(NODE_UNARY, NOT) == bytes(x ^ 255 for x in a)
    assert result(NODE_BINARY, PERMUTE) == bytes(0 if y > 127 else a[y % size] for y in b)
    assert result(NODE_UNARY, LOW, size // 2) == a[: size // 2]
    assert result(NODE_UNARY, HIGH, size // 2) == a[size // 2 :]
    mask = sum((x >> 7) << i for i, x in enumerate(a))
    assert result(NODE_UNARY, SIGN_MASK, size // 8) == mask.to_bytes(size // 8, "little")
    if size == 16:
        assert result(NODE_BINARY, PAIR, 32) == b + a


@QUICK
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.sampled_from((4, 8)))
def test_products_and_zeros(tmp_path_factory: Temporary, x: int, y: int, size: int) -> None:
    def result(kind: int, operation: int, width: int = 8) -> int:
        directory = tmp_path_factory.mktemp("trace")
        operand = (x % (1 << 8 * width)).to_bytes(width, "little")
        nodes = [node(kind, 8, operation, 1, 2)]
        found = computed(directory, nodes, 8, operand, y.to_bytes(8, "little"))
        return int.from_bytes(found, "little")

    assert result(NODE_BINARY, MUL_HIGH_UNSIGNED) == x * y >> 64
    assert result(NODE_BINARY, MUL_HIGH_SIGNED) == (signed(x, 8) * signed(y, 8) >> 64) % 2**64
    low = x % (1 << 8 * size)
    assert result(NODE_UNARY, LEADING_ZEROS, size) == 8 * size - low.bit_length()
    zeros = (low & -low).bit_length() - 1 if low else 8 * size
    assert result(NODE_UNARY, TRAILING_ZEROS, size) == zeros


def test_a_condition_selects_whole_vectors(tmp_path: Path) -> None:
    a, b = bytes(range(32)), bytes(range(32, 64))
    for condition, expected in ((0, b), (1, a)):
        nodes = [node(1, 1, immediate=condition), node(NODE_SELECT, 32, 0, 1, 2, 3)]
        assert computed(tmp_path / str(condition), nodes, 32, a, b) == expected
