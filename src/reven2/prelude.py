# SPDX-License-Identifier: Apache-2.0
"""What nearly every script needs, for `from reven2.prelude import *`.

The server, the kinds of addresses and types, the registers' modules, and what searches take.
It shadows no built-in name.
"""

from __future__ import annotations

import reven2
from reven2._client.reven_server import RevenServer
from reven2.address import (
    LinearAddress,
    LogicalAddress,
    LogicalAddressSegmentIndex,
    PhysicalAddress,
)
from reven2.arch import helpers, msr, sse2, x64, x87
from reven2.arch.register import Register
from reven2.filter import RingPolicy
from reven2.memhist import MemoryAccessOperation
from reven2.memory_range import MemoryRange, MemoryRangeMap, MemoryRangeSet
from reven2.register_slice import RegisterSlice
from reven2.trace import TransitionType
from reven2.types import (
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    Array,
    BigEndian,
    Bool,
    CString,
    Encoding,
    ISize,
    LittleEndian,
    Pointer,
    RawBuffer,
    USize,
)
from reven2.util import collate

__all__ = [
    "F16",
    "F32",
    "F64",
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
    "Array",
    "BigEndian",
    "Bool",
    "CString",
    "Encoding",
    "ISize",
    "LinearAddress",
    "LittleEndian",
    "LogicalAddress",
    "LogicalAddressSegmentIndex",
    "MemoryAccessOperation",
    "MemoryRange",
    "MemoryRangeMap",
    "MemoryRangeSet",
    "PhysicalAddress",
    "Pointer",
    "RawBuffer",
    "Register",
    "RegisterSlice",
    "RevenServer",
    "RingPolicy",
    "TransitionType",
    "USize",
    "collate",
    "helpers",
    "msr",
    "reven2",
    "sse2",
    "x64",
    "x87",
]
