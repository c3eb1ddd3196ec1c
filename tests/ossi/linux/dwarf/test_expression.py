# SPDX-License-Identifier: Apache-2.0
"""DWARF expressions compute what the standard says."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven.ossi.linux.dwarf.expression import Machine, Place, UnavailableError, evaluate, value_of

MASK = (1 << 64) - 1


class Small(Machine):
    """A machine with a few registers and bytes."""

    load_bias = 0x1000

    def register(self, number: int) -> int:
        if number > 16:
            raise UnavailableError("no such register")
        return 100 * number

    def memory(self, address: int, size: int) -> bytes:
        return bytes((address + at) & 0xFF for at in range(size))

    def frame_base(self) -> int:
        return 5000

    def call_frame_address(self) -> int:
        return 7000

    def entry_value(self, expression: bytes) -> int:
        return value_of(expression, self) + 1

    def thread_local(self, offset: int) -> int:
        return 9000 + offset

    def address(self, index: int) -> int:
        return 0x40 * index

    def base_type(self, offset: int) -> tuple[str, int]:
        return {1: ("integer", 4), 2: ("unsigned", 4), 3: ("float", 8)}[offset]


def uleb(value: int) -> bytes:
    found = b""
    while True:
        value, low = value >> 7, value & 0x7F
        found += bytes([low | (0x80 if value else 0)])
        if not value:
            return found


def sleb(value: int) -> bytes:
    found = b""
    while True:
        low, value = value & 0x7F, value >> 7
        if (value == 0 and not low & 0x40) or (value == -1 and low & 0x40):
            return found + bytes([low])
        found += bytes([low | 0x80])


def constant(value: int) -> bytes:
    return b"\x11" + sleb(value)


STACK_VALUE = b"\x9f"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (b"\x03" + (0x2000).to_bytes(8, "little"), Place("memory", 0x3000)),
        (b"\x35", Place("memory", 5)),
        (b"\x55", Place("register", 5)),
        (b"\x90" + uleb(33), Place("register", 33)),
        (b"\x77" + sleb(-8), Place("memory", 692)),
        (b"\x91" + sleb(-24), Place("memory", 4976)),
        (b"\x9c", Place("memory", 7000)),
        (b"\x9c" + STACK_VALUE, Place("value", 7000)),
        (b"\xa3\x01\x55" + STACK_VALUE, Place("value", 501)),
        (b"\xf3\x01\x55" + STACK_VALUE, Place("value", 501)),
        (b"\x9e\x03abc", Place("data", data=b"abc")),
        (constant(16) + b"\xe0", Place("memory", 9016)),
        (b"\xa1\x02", Place("memory", 0x1080)),
        (constant(0x10) + b"\x06" + STACK_VALUE, Place("value", 0x1716151413121110)),
        (constant(0x10) + b"\x94\x02" + STACK_VALUE, Place("value", 0x1110)),
        (b"\xa0" + bytes(4) + b"\x00", Place("pointer")),
        (b"", Place("nowhere")),
        # 0x80000000 as a signed int of 4 bytes, then as the generic type
        (b"\x0c\x00\x00\x00\x80\xa8\x01\xa8\x00" + STACK_VALUE, Place("value", -(1 << 31) & MASK)),
        # if (1) 7 else 8
        (b"\x31\x28\x04\x00\x38\x2f\x01\x00\x37" + STACK_VALUE, Place("value", 7)),
        (b"\x30\x28\x04\x00\x38\x2f\x01\x00\x37" + STACK_VALUE, Place("value", 8)),
        (b"\x31\x32\x33\x17" + STACK_VALUE, Place("value", 2)),  # rot
        (b"\x31\x32\x14" + STACK_VALUE, Place("value", 1)),  # over
        (b"\x31\x32\x33\x15\x02" + STACK_VALUE, Place("value", 1)),  # pick
    ],
)
def test_expressions(expression: bytes, expected: Place) -> None:
    assert evaluate(expression, Small()) == [expected]


def test_pieces() -> None:
    expression = b"\x50\x93\x08" + b"\x93\x04" + b"\x91\x00\x93\x04" + b"\x51\x9d\x05\x03"
    assert evaluate(expression, Small()) == [
        Place("register", 0, bits=64),
        Place("nowhere", bits=32),
        Place("memory", 5000, bits=32),
        Place("register", 1, bits=5, shift=3),
    ]


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


OPERATIONS = {
    0x1A: lambda a, b: a & b,
    0x1C: lambda a, b: a - b,
    0x1E: lambda a, b: a * b,
    0x21: lambda a, b: a | b,
    0x22: lambda a, b: a + b,
    0x27: lambda a, b: a ^ b,
    0x29: lambda a, b: int(a == b),
    0x2A: lambda a, b: int(signed(a) >= signed(b)),
    0x2B: lambda a, b: int(signed(a) > signed(b)),
    0x2C: lambda a, b: int(signed(a) <= signed(b)),
    0x2D: lambda a, b: int(signed(a) < signed(b)),
    0x2E: lambda a, b: int(a != b),
}
numbers = st.integers(-(1 << 63), (1 << 63) - 1)


@given(left=numbers, right=numbers, operation=st.sampled_from(sorted(OPERATIONS)))
def test_arithmetic(left: int, right: int, operation: int) -> None:
    expression = constant(left) + constant(right) + bytes([operation]) + STACK_VALUE
    expected = OPERATIONS[operation](left & MASK, right & MASK) & MASK
    assert evaluate(expression, Small()) == [Place("value", expected)]


@given(left=numbers, right=st.integers(0, 80))
def test_shifts(left: int, right: int) -> None:
    def result(operation: int) -> int:
        expression = constant(left) + constant(right) + bytes([operation]) + STACK_VALUE
        return evaluate(expression, Small())[0].number

    assert result(0x24) == (left << right) & MASK
    assert result(0x25) == (left & MASK) >> right
    assert result(0x26) == (left >> right) & MASK


@given(left=numbers, right=numbers.filter(bool))
def test_division_is_towards_zero(left: int, right: int) -> None:
    expression = constant(left) + constant(right) + b"\x1b" + STACK_VALUE
    quotient = abs(left) // abs(right)
    expected = quotient if (left < 0) == (right < 0) else -quotient
    assert evaluate(expression, Small())[0].number == expected & MASK


@pytest.mark.parametrize(
    "expression",
    [
        b"\x22",  # plus, on an empty stack
        b"\x0c\x01",  # a truncated constant
        b"\x31\x30\x1b",  # a division by zero
        b"\x2f\xfd\xff",  # a jump to itself
        b"\x2f\x00\x10",  # a jump behind the end
        b"\xff",
        b"\x8f\x00",  # a register that is not known
        b"\x31\xa8\x03",  # floats
    ],
)
def test_what_cannot_be_evaluated_says_so(expression: bytes) -> None:
    with pytest.raises(UnavailableError):
        evaluate(expression, Small())


@given(expression=st.binary(max_size=40))
def test_any_bytes_are_a_value_or_unavailable(expression: bytes) -> None:
    with contextlib.suppress(UnavailableError, KeyError):
        evaluate(expression, Small())
