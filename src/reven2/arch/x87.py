# SPDX-License-Identifier: Apache-2.0
"""x87 floating-point registers: st0 … st7 (counted from the top of the stack), mm0 … mm7,
and the control, status and tag words fcw, fsw, ftw.

The recorder keeps the registers as IEEE doubles: `ctx.read(st0)` is a Python float and
`ctx.read(st0, raw=True)` the 10 bytes of its 80-bit extended encoding. Of the control
word the rounding control is recorded, the rest is what a program starts with
(0x037f); of the status word, the condition bits and the top of the stack. In the tag
word an MMX value is classified as if it were a double.
"""

from __future__ import annotations

from reven2.arch.register import Category, Field, FloatRegister, Register, computed, stored

_ROUND, _C3210, _TOP, _TAGS, _REGISTERS = 216, 224, 232, 240, 248

_ROUND_FIELD = Field(_ROUND, 8, 3)
_C3210_FIELD = Field(_C3210, 8, 0x4700)
_TOP_FIELD = Field(_TOP, 4, 7)
_TAG_FIELD = Field(_TAGS, 8, (1 << 64) - 1)
_REGISTER_FIELDS = (
    Field(_REGISTERS, 32, (1 << 256) - 1),
    Field(_REGISTERS + 32, 32, (1 << 256) - 1),
)


def _physical(view: bytes, number: int) -> int:
    offset = _REGISTERS + 8 * number
    return int.from_bytes(view[offset : offset + 8], "little")


def _stack(number: int) -> FloatRegister:
    name = f"st{number}"
    return FloatRegister(
        name,
        80,
        Category.FloatingPoint,
        name,
        fields=(_TOP_FIELD, *_REGISTER_FIELDS),
        _decode=lambda view: _physical(view, (view[_TOP] + number) & 7),
    )


def _mmx(number: int) -> Register:
    return stored(f"mm{number}", _REGISTERS + 8 * number, 64, Category.Vector)


def _control(view: bytes) -> int:
    return 0x037F | (view[_ROUND] & 3) << 10


def _status(view: bytes) -> int:
    condition = int.from_bytes(view[_C3210 : _C3210 + 8], "little") & 0x4700
    return condition | (view[_TOP] & 7) << 11


def _tag(view: bytes) -> int:
    """Two bits for each physical register: 0 valid, 1 zero, 2 special, 3 empty
    (Intel SDM volume 1, 8.1.7)."""
    word = 0
    for number in range(8):
        bits = _physical(view, number) & ~(1 << 63)
        if not view[_TAGS + number]:
            tag = 3
        elif bits == 0:
            tag = 1
        elif bits >> 52 == 0x7FF:
            tag = 2
        else:
            tag = 0
        word |= tag << 2 * number
    return word


st0, st1, st2, st3, st4, st5, st6, st7 = (_stack(number) for number in range(8))
mm0, mm1, mm2, mm3, mm4, mm5, mm6, mm7 = (_mmx(number) for number in range(8))
fcw = computed("fcw", 16, Category.FloatingPoint, (_ROUND_FIELD,), _control)
fsw = computed("fsw", 16, Category.FloatingPoint, (_C3210_FIELD, _TOP_FIELD), _status)
ftw = computed("ftw", 16, Category.FloatingPoint, (_TAG_FIELD, *_REGISTER_FIELDS), _tag)
