# SPDX-License-Identifier: Apache-2.0
"""Register slices against sets of (root register, bit)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven2.arch import helpers, sse2, x64
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError
from reven2.register_slice import RegisterSlice

# Few roots, so that slices meet.
REGISTERS = [r for r in helpers.registers() if r.root_name in {"rax", "rflags", "ymm0"}]


@st.composite
def slices(draw: st.DrawFn) -> RegisterSlice:
    register = draw(st.sampled_from(REGISTERS))
    begin = draw(st.integers(0, register.bit_size - 1))
    return RegisterSlice(register, begin, draw(st.integers(begin + 1, register.bit_size)))


def _bits(item: RegisterSlice) -> set[tuple[str, int]]:
    root = item.register
    return {(root.root_name, root.root_begin + bit) for bit in range(item.begin, item.end)}


def _bits_of(items: RegisterSlice | tuple[RegisterSlice, ...] | None) -> set[tuple[str, int]]:
    if items is None:
        return set()
    if isinstance(items, RegisterSlice):
        return _bits(items)
    return {bit for item in items for bit in _bits(item)}


@given(slices(), slices())
def test_algebra_is_that_of_sets(a: RegisterSlice, b: RegisterSlice) -> None:
    x, y = _bits(a), _bits(b)
    assert _bits_of(a & b) == x & y
    assert _bits_of(a - b) == x - y
    assert (a == b) == (x == y)
    assert (b in a) == a.issuperset(b) == b.issubset(a) == (y <= x)
    assert a.isdisjoint(b) == x.isdisjoint(y)
    union = a | b
    numbers = sorted(bit for _, bit in x | y)
    one_piece = a.register.root is b.register.root and len(numbers) == numbers[-1] - numbers[0] + 1
    assert _bits_of(union) == (x | y if one_piece else set())


@given(slices())
def test_other_forms_hold_the_same_bits(item: RegisterSlice) -> None:
    canonical, minimal = item.canonicalize(), item.minimize()
    assert canonical == item == minimal
    assert hash(canonical) == hash(item) == hash(minimal)
    assert canonical.is_canonical
    assert minimal.is_minimal
    assert minimal.register.bit_size <= item.register.bit_size
    assert len(canonical) == len(item) == len(_bits(item))
    assert item.is_same_form(item)
    assert item.is_canonical == item.is_same_form(canonical)


def test_forms() -> None:
    assert RegisterSlice(x64.ah).canonicalize().is_same_form(RegisterSlice(x64.rax, 8, 16))
    assert RegisterSlice(x64.rax, 8, 16).minimize().is_same_form(RegisterSlice(x64.ah))
    assert x64.al in RegisterSlice(x64.eax)
    assert x64.rax not in RegisterSlice(x64.eax)
    assert sse2.xmm0 in RegisterSlice(sse2.ymm0)


def test_text() -> None:
    assert str(RegisterSlice(x64.rax)) == "rax"
    assert str(RegisterSlice(x64.rax, 8, 16)) == "rax[8-16]"
    assert repr(RegisterSlice(x64.rax, 8, 16)) == "RegisterSlice(rax, 8, 16)"


def test_flags_inside_a_slice() -> None:
    low_byte = RegisterSlice(x64.rflags, 0, 8)
    assert [flag.name for flag in low_byte.flags()] == ["cf", "pf", "af", "zf", "sf"]
    assert list(RegisterSlice(x64.rax).flags()) == []


@pytest.mark.parametrize(
    ("register", "begin", "end"), [(x64.rax, 0, 65), (x64.al, 3, 3), (x64.al, -1, 4)]
)
def test_empty_and_impossible_slices_are_refused(register: Register, begin: int, end: int) -> None:
    with pytest.raises(InvalidArgumentError, match=register.name):
        RegisterSlice(register, begin, end)
