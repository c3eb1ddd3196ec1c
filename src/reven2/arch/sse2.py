# SPDX-License-Identifier: Apache-2.0
"""Vector registers: xmm0 … xmm15, the ymm registers that contain them, and mxcsr.

Of mxcsr the rounding control is recorded; the exception masks are those that a
program starts with (0x1f80) and the sticky exception flags read as 0. A machine's is whole.
"""

from __future__ import annotations

from reven2.arch._table import REGISTERS
from reven2.arch.register import Category, Register, computed, field_of, stored

_ROUND = REGISTERS["sse_round"].offset
_WHOLE = REGISTERS["machine_mxcsr"].offset


def _vector(number: int) -> tuple[Register, Register]:
    return stored(f"xmm{number}"), stored(f"ymm{number}")


def _control(view: bytes) -> int:
    if len(view) > _WHOLE:
        return int.from_bytes(view[_WHOLE : _WHOLE + 4], "little")
    return 0x1F80 | (view[_ROUND] & 3) << 13


xmm0, ymm0 = _vector(0)
xmm1, ymm1 = _vector(1)
xmm2, ymm2 = _vector(2)
xmm3, ymm3 = _vector(3)
xmm4, ymm4 = _vector(4)
xmm5, ymm5 = _vector(5)
xmm6, ymm6 = _vector(6)
xmm7, ymm7 = _vector(7)
xmm8, ymm8 = _vector(8)
xmm9, ymm9 = _vector(9)
xmm10, ymm10 = _vector(10)
xmm11, ymm11 = _vector(11)
xmm12, ymm12 = _vector(12)
xmm13, ymm13 = _vector(13)
xmm14, ymm14 = _vector(14)
xmm15, ymm15 = _vector(15)

mxcsr = computed(
    "mxcsr", 32, Category.Vector, (field_of("sse_round", 3), field_of("machine_mxcsr")), _control
)
