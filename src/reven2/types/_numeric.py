# SPDX-License-Identifier: Apache-2.0
"""Addresses that calculate as numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from reven2._arguments import whole
from reven2.address import _AbstractAddress


def _number(value: object) -> int | None:
    """The number that something stands for in a calculation; None if it is none."""
    return value.offset if isinstance(value, _AbstractAddress) else whole(value)


def _calculation(operate: Callable[[Any, Any], Any], *, is_swapped: bool = False) -> Any:
    def calculate(self: _AbstractAddress, other: object) -> Any:
        number = _number(other)
        if number is None:
            return NotImplemented
        return operate(number, self.offset) if is_swapped else operate(self.offset, number)

    return calculate


class Numeric(_AbstractAddress):
    """The operators of an int on the offset of an address. Adding and subtracting a number
    stays an address; everything else gives plain numbers."""

    __slots__ = ()

    def __index__(self) -> int:
        return self.offset

    def __int__(self) -> int:
        return self.offset

    def __bool__(self) -> bool:
        return self.offset != 0

    def __format__(self, spec: str) -> str:
        return format(self.offset, spec) if spec else str(self)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, _AbstractAddress):
            return self.offset - other.offset
        return super().__sub__(other)

    def __rsub__(self, other: int) -> int:
        number = _number(other)
        return NotImplemented if number is None else number - self.offset

    __lt__ = _calculation(operator.lt)
    __le__ = _calculation(operator.le)
    __gt__ = _calculation(operator.gt)
    __ge__ = _calculation(operator.ge)
    __and__ = _calculation(operator.and_)
    __rand__ = _calculation(operator.and_)
    __or__ = _calculation(operator.or_)
    __ror__ = _calculation(operator.or_)
    __xor__ = _calculation(operator.xor)
    __rxor__ = _calculation(operator.xor)
    __lshift__ = _calculation(operator.lshift)
    __rlshift__ = _calculation(operator.lshift, is_swapped=True)
    __rshift__ = _calculation(operator.rshift)
    __rrshift__ = _calculation(operator.rshift, is_swapped=True)
    __mul__ = _calculation(operator.mul)
    __rmul__ = _calculation(operator.mul)
    __floordiv__ = _calculation(operator.floordiv)
    __rfloordiv__ = _calculation(operator.floordiv, is_swapped=True)
    __truediv__ = _calculation(operator.truediv)
    __rtruediv__ = _calculation(operator.truediv, is_swapped=True)
    __mod__ = _calculation(operator.mod)
    __rmod__ = _calculation(operator.mod, is_swapped=True)
    __divmod__ = _calculation(divmod)
    __rdivmod__ = _calculation(divmod, is_swapped=True)

    def __neg__(self) -> int:
        return -self.offset

    def __pos__(self) -> int:
        return self.offset

    def __invert__(self) -> int:
        return ~self.offset

    def __abs__(self) -> int:
        return self.offset

    def to_bytes(self, length: int = 8, byteorder: Any = "little") -> bytes:
        """The bytes of the number."""
        return self.offset.to_bytes(length, byteorder)

    def bit_length(self) -> int:
        """How many bits the number takes."""
        return self.offset.bit_length()
