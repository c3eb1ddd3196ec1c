# SPDX-License-Identifier: Apache-2.0
"""Pointers that were read are numbers too."""

from __future__ import annotations

import copy
import json
import operator
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reven2
from reven2.address import LinearAddress, LogicalAddress
from reven2.preview.prototypes import PointerValue, RevenPrototypes
from reven2.types import U8, U64, PointerInstance

from .prototype_programs import KNOWN

numbers = st.integers(0, (1 << 64) - 1)
OPERATIONS: list[Callable[[Any, Any], Any]] = [
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
    operator.and_, operator.or_, operator.xor, operator.mul, operator.floordiv, operator.mod,
    operator.truediv, divmod,
]  # fmt: skip


def pointer(number: int) -> PointerInstance[int]:
    return PointerInstance(number, pointee=U8)


@given(numbers, st.integers(1, (1 << 64) - 1))
def test_a_pointer_calculates_as_its_number(left: int, right: int) -> None:
    one = pointer(left)
    for operate in OPERATIONS:
        assert operate(one, right) == operate(left, right)
        if left:
            assert operate(right, one) == operate(right, left)
        assert operate(one, pointer(right)) == operate(left, right)
    assert (one << 3, one >> 3, ~one, -one, +one, abs(one)) == (
        left << 3, left >> 3, ~left, -left, left, left,
    )  # fmt: skip
    assert one - pointer(right) == left - right
    assert right - one == right - left


@given(numbers)
def test_a_pointer_shows_as_its_number(number: int) -> None:
    one = pointer(number)
    assert (hex(one), int(one), f"{one:#x}", f"{one:016x}") == (
        hex(number), number, f"{number:#x}", f"{number:016x}",
    )  # fmt: skip
    assert f"{one}" == str(one) == f"ds:{number:#x}"
    assert "%x" % one == f"{number:x}"  # type: ignore[str-format]  # noqa: UP031
    assert (bool(one), hash(one)) == (number != 0, hash(number))
    assert {one: "x"}[number] == "x"  # type: ignore[index]
    assert struct.pack("<Q", one) == number.to_bytes(8, "little")
    assert LinearAddress(one).offset == number


def test_a_pointer_stays_one_where_bytes_are_added() -> None:
    one = pointer(0x1000) + 8
    assert isinstance(one, PointerInstance)
    assert [one, one - 8, 8 + one, one + np.uint8(1)] == [0x1008, 0x1000, 0x1010, 0x1009]
    assert list(range(16))[pointer(3)] == 3
    with pytest.raises(TypeError):
        one + "8"  # type: ignore[operator]
    with pytest.raises(TypeError):
        one < "8"  # noqa: B015


@pytest.fixture
def known(record_program: Any, open_trace: Any) -> RevenPrototypes:
    return RevenPrototypes(open_trace(record_program(KNOWN, "-lm")))


def test_arguments_that_are_pointers_are_ints(known: RevenPrototypes) -> None:
    call = next(call for call in known.calls("is_yes"))
    raw = call.arg_n(1)
    assert isinstance(raw, PointerValue)
    assert isinstance(raw, int)
    context = call.call_transition.context_after()
    assert raw == context.read(reven2.arch.x64.rsi)
    assert (hex(raw), f"{raw:#x}", raw > 5, raw & 0xFF) == (
        f"{int(raw):#x}", f"{int(raw):#x}", True, int(raw) % 256,
    )  # fmt: skip
    assert json.dumps({"raw": raw}) == f'{{"raw": {int(raw)}}}'
    assert repr(call.args()) == f"{{'what': 'yes', 'raw': {int(raw)}}}"
    assert raw.deref() == ord("r")
    assert raw.address == LogicalAddress(raw)
    assert raw.cast_inner(U64).pointee_type == U64
    assert copy.copy(raw).deref() == ord("r")
    assert context.read(raw + 1, U8) == ord("a")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        raw.nothing  # noqa: B018
