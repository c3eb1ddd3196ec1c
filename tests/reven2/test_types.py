# SPDX-License-Identifier: Apache-2.0
"""Types parse bytes."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reven2 import types
from reven2.address import LogicalAddress
from reven2.arch import x64
from reven2.errors import InvalidArgumentError, StringDecodeError
from reven2.types import (
    U8,
    U16,
    U64,
    Array,
    BigEndian,
    CString,
    Encoding,
    Endianness,
    FixedWidthInteger,
    LittleEndian,
    Pointer,
    RawBuffer,
    Signedness,
    USize,
)


class SixtyFour:
    """A context as far as sizes go."""

    _trace = None

    def is64b(self) -> bool:
        return True


CONTEXT: Any = SixtyFour()


def test_documented_values() -> None:
    assert U16.parse(b"\x10\x20") == 8208
    assert BigEndian(U16).parse(b"\x10\x20") == 4128
    assert Array(U8, 2).parse(b"\x10\x20") == [16, 32]


@pytest.mark.parametrize(
    "name", ["U8", "U16", "U32", "U64", "U128", "I8", "I16", "I32", "I64", "I128"]
)
@given(data=st.binary(min_size=16, max_size=20))
def test_integers(name: str, data: bytes) -> None:
    ty = getattr(types, name)
    size, signed = int(name[1:]) // 8, name[0] == "I"
    assert ty.name == name
    assert ty.size() == size
    assert ty.parse(data) == int.from_bytes(data[:size], "little", signed=signed)
    assert BigEndian(ty).parse(data) == int.from_bytes(data[:size], "big", signed=signed)
    assert LittleEndian(BigEndian(ty)) == ty
    assert ty.parse(bytearray(data)) == ty.parse(memoryview(data)) == ty.parse(data)


@given(st.integers(1, 40), st.sampled_from(Signedness), st.sampled_from(Endianness), st.binary())
def test_integers_of_any_width(
    size: int, signedness: Signedness, endianness: Endianness, data: bytes
) -> None:
    ty = FixedWidthInteger(size, signedness, endianness)
    if len(data) < size:
        with pytest.raises(InvalidArgumentError, match=f"takes {size} bytes"):
            ty.parse(data)
        return
    order: Any = endianness.value
    signed = signedness is Signedness.Signed
    assert ty.parse(data) == int.from_bytes(data[:size], order, signed=signed)


@pytest.mark.parametrize(("ty", "code"), [("F16", "e"), ("F32", "f"), ("F64", "d")])
def test_floats(ty: str, code: str) -> None:
    assert getattr(types, ty).parse(struct.pack(f"<{code}", -1.5)) == -1.5


def test_bool() -> None:
    assert types.Bool.parse(b"\0") is False
    assert types.Bool.parse(b"\2") is True


def test_address_sized_types_need_a_context() -> None:
    raw = (1 << 40).to_bytes(8, "little")
    assert USize.parse(raw, CONTEXT) == 1 << 40
    assert types.ISize.parse(b"\xff" * 8, CONTEXT) == -1
    for ty in (USize, types.ISize, Pointer(U8)):
        with pytest.raises(InvalidArgumentError, match="pass a context"):
            ty.parse(raw)


def test_pointers_are_addresses() -> None:
    pointer = Pointer(U16).parse((0x1000).to_bytes(8, "little"), CONTEXT)
    assert pointer == LogicalAddress(0x1000)
    assert pointer + 0x10 == LogicalAddress(0x1010)
    assert pointer.offset == 0x1000
    assert pointer.address != 0
    assert Pointer(U16).parse(bytes(8), CONTEXT).address == 0
    assert Pointer(U16).name == "U16*"
    assert pointer.cast_inner(U64).pointee_type == U64


def test_a_pointer_counts_from_its_base_address() -> None:
    ty = Pointer(U64, base_address=LogicalAddress(0x20, x64.fs))
    pointer = ty.parse((0x1000).to_bytes(8, "little"), CONTEXT)
    assert pointer.address == LogicalAddress(0x1020, x64.fs)


@given(st.lists(st.lists(st.integers(0, 0xFFFF), min_size=3, max_size=3), max_size=5))
def test_arrays_of_arrays(values: list[list[int]]) -> None:
    ty = Array(Array(U16, 3), len(values))
    assert ty.size() == 6 * len(values)
    data = b"".join(struct.pack("<3H", *row) for row in values)
    assert ty.parse(data) == values


def test_raw_buffers() -> None:
    assert RawBuffer(3).parse(b"abcd") == b"abc"


@given(st.text(), st.binary(), st.sampled_from(Encoding))
def test_strings_end_at_nul(text: str, tail: bytes, encoding: Encoding) -> None:
    assume("\0" not in text)
    data = (text + "\0").encode(encoding.value) + tail
    assert CString(encoding).parse(data) == text


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")),
       st.integers(0, 20), st.sampled_from(Encoding))  # fmt: skip
def test_strings_end_at_a_limit(text: str, limit: int, encoding: Encoding) -> None:
    data = (text + "\0").encode(encoding.value)
    assert CString(encoding, max_character_count=limit).parse(data) == text[:limit]
    shortened = CString(encoding, max_size=limit).parse(data)
    assert text.startswith(shortened)
    assert len(shortened.encode(encoding.value)) <= limit


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(StringDecodeError):
        CString(Encoding.Utf8).parse(b"\xff\xfe\0")


def test_types_compare_by_meaning() -> None:
    assert Array(U8, 2) == Array(FixedWidthInteger(1), 2)
    assert Array(U8, 2) != Array(U8, 3)
    assert U8 != types.I8
    assert len({U8, FixedWidthInteger(1), U16}) == 2
