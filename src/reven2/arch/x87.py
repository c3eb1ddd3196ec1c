# SPDX-License-Identifier: Apache-2.0
"""x87 floating-point registers: st0 … st7 (counted from the top of the stack), mm0 … mm7,
and the control, status and tag words fcw, fsw, ftw.

The recorder keeps the registers as IEEE doubles: `ctx.read(st0)` is a Python float and
`ctx.read(st0, raw=True)` the 10 bytes of its 80-bit extended encoding. Of the control
word the rounding control is recorded, the rest is what a program starts with
(0x037f); of the status word, the condition bits and the top of the stack. In the tag
word an MMX value is classified as if it were a double. The trace of a machine holds all 80 bits
of the registers and the whole of fcw and fsw.
"""

from __future__ import annotations

from reven2.arch._table import REGISTERS
from reven2.arch.register import (
    Category,
    Field,
    FloatRegister,
    computed,
    field_of,
    stored,
)

_ROUND, _C3210, _TOP, _TAGS, _VALUES, _EXPONENTS, _FCW, _FSW = (
    REGISTERS[name].offset
    for name in (
        *("fpu_round", "fpu_c3210", "fpu_top", "fpu_tags", "fpu_regs"),
        *("fpu_exponents", "machine_fcw", "machine_fsw"),
    )
)
# All eight, since any may be at the top of the stack; a field has at most 32 bytes.
_VALUE_FIELDS = tuple(Field(_VALUES + at, 32, (1 << 256) - 1) for at in (0, 32))


def _word(view: bytes, offset: int, size: int = 8) -> int:
    return int.from_bytes(view[offset : offset + size], "little")


def _extended(view: bytes, number: int) -> int:
    """The 80 bits of a physical register of a machine."""
    exponent = _word(view, _EXPONENTS + 2 * number, 2)
    return exponent << 64 | _word(view, _VALUES + 8 * number)


def _stack(number: int) -> FloatRegister:
    name = f"st{number}"

    def decode(view: bytes) -> int:
        return _word(view, _VALUES + 8 * ((view[_TOP] + number) & 7))

    def decode_extended(view: bytes) -> int | None:
        if len(view) <= _EXPONENTS:
            return None
        return _extended(view, (view[_TOP] + number) & 7)

    return FloatRegister(
        name,
        80,
        Category.FloatingPoint,
        name,
        fields=(field_of("fpu_top", 7), *_VALUE_FIELDS, field_of("fpu_exponents")),
        _decode=decode,
        _decode_extended=decode_extended,
    )


def _control(view: bytes) -> int:
    if len(view) > _FCW:
        return _word(view, _FCW, 2)
    return 0x037F | (view[_ROUND] & 3) << 10


def _status(view: bytes) -> int:
    if len(view) > _FSW:
        return _word(view, _FSW, 2)
    return (_word(view, _C3210) & 0x4700) | (view[_TOP] & 7) << 11


def _tag(view: bytes) -> int:
    """Two bits for each physical register: 0 valid, 1 zero, 2 special, 3 empty
    (Intel SDM volume 1, 8.1.7)."""
    return sum(_tag_of(view, number) << 2 * number for number in range(8))


def _tag_of(view: bytes, number: int) -> int:
    if not view[_TAGS + number]:
        return 3
    if len(view) > _EXPONENTS:
        bits = _extended(view, number) & ~(1 << 79)
        has_integer_bit = bits >> 63 & 1
        special = bits >> 64 == 0x7FFF or (bits >> 64 != 0) != bool(has_integer_bit)
    else:
        bits = _word(view, _VALUES + 8 * number) & ~(1 << 63)
        special = bits >> 52 == 0x7FF
    return 1 if bits == 0 else 2 if special else 0


st0, st1, st2, st3, st4, st5, st6, st7 = (_stack(number) for number in range(8))
mm0, mm1, mm2, mm3, mm4, mm5, mm6, mm7 = (stored(f"mm{number}") for number in range(8))
fcw = computed(
    "fcw",
    16,
    Category.FloatingPoint,
    (field_of("fpu_round", 3), field_of("machine_fcw")),
    _control,
)
fsw = computed(
    "fsw",
    16,
    Category.FloatingPoint,
    (field_of("fpu_c3210", 0x4700), field_of("fpu_top", 7), field_of("machine_fsw")),
    _status,
)
ftw = computed(
    "ftw",
    16,
    Category.FloatingPoint,
    (field_of("fpu_tags"), *_VALUE_FIELDS, field_of("fpu_exponents")),
    _tag,
)
