# SPDX-License-Identifier: Apache-2.0
"""Types: what `Context.read` and `Context.deref` turn bytes into; also to parse buffers.

`U16.parse(b"\\x10\\x20")` is 8208. Numbers are little endian unless wrapped in
`BigEndian`. The size of `USize`, `ISize` and `Pointer` is that of an address at the
context given.
"""

from __future__ import annotations

from reven2.types._base import Type
from reven2.types._field import EnumerationInstance, FieldInstance, StructInstance
from reven2.types._instance import ArrayInstance, PointerInstance
from reven2.types._number import (
    AddressSizedInteger,
    BigEndian,
    BoolType,
    Endianness,
    ExtendedFloat,
    FixedWidthInteger,
    Float,
    Integer,
    LittleEndian,
    Signedness,
)
from reven2.types._pointer import Pointer
from reven2.types._sequence import Array, CString, Encoding, RawBuffer
from reven2.types._struct import Enumeration, FieldInfo, Incomplete, Struct, StructKind

__all__ = [
    "F16",
    "F32",
    "F64",
    "F80",
    "I8",
    "I16",
    "I32",
    "I64",
    "I128",
    "U8",
    "U16",
    "U32",
    "U64",
    "U128",
    "AddressSizedInteger",
    "Array",
    "ArrayInstance",
    "BigEndian",
    "Bool",
    "BoolType",
    "CString",
    "Encoding",
    "Endianness",
    "Enumeration",
    "EnumerationInstance",
    "ExtendedFloat",
    "FieldInfo",
    "FieldInstance",
    "FixedWidthInteger",
    "Float",
    "ISize",
    "Incomplete",
    "Integer",
    "LittleEndian",
    "Pointer",
    "PointerInstance",
    "RawBuffer",
    "Signedness",
    "Struct",
    "StructInstance",
    "StructKind",
    "Type",
    "USize",
]

Bool = BoolType()
U8 = FixedWidthInteger(1, Signedness.Unsigned)
U16 = FixedWidthInteger(2, Signedness.Unsigned)
U32 = FixedWidthInteger(4, Signedness.Unsigned)
U64 = FixedWidthInteger(8, Signedness.Unsigned)
U128 = FixedWidthInteger(16, Signedness.Unsigned)
I8 = FixedWidthInteger(1, Signedness.Signed)
I16 = FixedWidthInteger(2, Signedness.Signed)
I32 = FixedWidthInteger(4, Signedness.Signed)
I64 = FixedWidthInteger(8, Signedness.Signed)
I128 = FixedWidthInteger(16, Signedness.Signed)
USize = AddressSizedInteger(Signedness.Unsigned)
ISize = AddressSizedInteger(Signedness.Signed)
F16 = Float(2)
F32 = Float(4)
F64 = Float(8)
F80 = ExtendedFloat()
