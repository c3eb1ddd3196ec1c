# SPDX-License-Identifier: Apache-2.0
"""Booleans, integers and floats."""

from __future__ import annotations

import enum
import math
import struct
from typing import TYPE_CHECKING, Final, Literal

from reven2.errors import InvalidArgumentError
from reven2.types._base import Buffer, Type, address_size

if TYPE_CHECKING:
    from reven2.trace import Context


class Signedness(enum.Enum):
    """Whether an integer has a sign (two's complement)."""

    Signed = "signed"
    Unsigned = "unsigned"


class Endianness(enum.Enum):
    """Order of an integer's bytes in memory."""

    Little = "little"
    Big = "big"


class BoolType(Type[bool]):
    """One byte; true unless it is 0."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return "Bool"

    def size(self, context: Context | None = None) -> int:
        return 1

    def parse(self, source: Buffer, context: Context | None = None) -> bool:
        return self._first_bytes(source, context) != b"\0"

    def _key(self) -> tuple[object, ...]:
        return ()


class Integer(Type[int]):
    """An integer; see `FixedWidthInteger` and `USize`."""

    __slots__ = ("_endianness", "_signedness")

    def __init__(self, signedness: Signedness, endianness: Endianness) -> None:
        self._signedness, self._endianness = signedness, endianness

    @property
    def signedness(self) -> Signedness:
        """Whether it has a sign."""
        return self._signedness

    @property
    def endianness(self) -> Endianness:
        """Order of its bytes."""
        return self._endianness

    def parse(self, source: Buffer, context: Context | None = None) -> int:
        order: Literal["little", "big"] = (
            "little" if self._endianness is Endianness.Little else "big"
        )
        signed = self._signedness is Signedness.Signed
        return int.from_bytes(self._first_bytes(source, context), order, signed=signed)

    def with_endianness(self, endianness: Endianness) -> Integer:
        """The same integer with its bytes in that order."""
        raise NotImplementedError

    def _spelled(self, width: str) -> str:
        text = ("I" if self._signedness is Signedness.Signed else "U") + width
        return text if self._endianness is Endianness.Little else f"BigEndian({text})"


class FixedWidthInteger(Integer):
    """An integer of any number of bytes.

    Parameters:
        size_in_bytes: at least 1.
        signedness: whether it has a sign.
        endianness: order of its bytes.

    Raises:
        InvalidArgumentError (a ValueError): fewer than one byte.
    """

    __slots__ = ("_size",)

    def __init__(
        self,
        size_in_bytes: int,
        signedness: Signedness = Signedness.Unsigned,
        endianness: Endianness = Endianness.Little,
    ) -> None:
        super().__init__(signedness, endianness)
        if size_in_bytes < 1:
            raise InvalidArgumentError(f"An integer has at least one byte, not {size_in_bytes}.")
        self._size = size_in_bytes

    @property
    def name(self) -> str:
        return self._spelled(str(self._size * 8))

    def size(self, context: Context | None = None) -> int:
        return self._size

    def with_endianness(self, endianness: Endianness) -> FixedWidthInteger:
        return FixedWidthInteger(self._size, self._signedness, endianness)

    def _key(self) -> tuple[object, ...]:
        return (self._size, self._signedness, self._endianness)


class AddressSizedInteger(Integer):
    """An integer of the size of an address: 8 bytes in 64-bit mode, 4 in 32-bit mode. Sizing
    and parsing it need a context."""

    __slots__ = ()

    def __init__(self, signedness: Signedness, endianness: Endianness = Endianness.Little) -> None:
        super().__init__(signedness, endianness)

    @property
    def name(self) -> str:
        return self._spelled("Size")

    def size(self, context: Context | None = None) -> int:
        return address_size(context, self.name)

    def with_endianness(self, endianness: Endianness) -> AddressSizedInteger:
        return AddressSizedInteger(self._signedness, endianness)

    def _key(self) -> tuple[object, ...]:
        return (self._signedness, self._endianness)


def LittleEndian(integer: Integer) -> Integer:  # noqa: N802
    """An integer type with its low byte first."""
    return integer.with_endianness(Endianness.Little)


def BigEndian(integer: Integer) -> Integer:  # noqa: N802
    """An integer type with its high byte first: `BigEndian(U16)` for a port number."""
    return integer.with_endianness(Endianness.Big)


class Float(Type[float]):
    """An IEEE 754 binary float, little endian, of 2, 4 or 8 bytes."""

    __slots__ = ("_size",)
    _FORMATS: Final = {2: "<e", 4: "<f", 8: "<d"}

    def __init__(self, size_in_bytes: int) -> None:
        if size_in_bytes not in self._FORMATS:
            raise InvalidArgumentError(f"There is no float of {size_in_bytes} bytes: 2, 4 or 8.")
        self._size = size_in_bytes

    @property
    def name(self) -> str:
        return f"F{self._size * 8}"

    def size(self, context: Context | None = None) -> int:
        return self._size

    def parse(self, source: Buffer, context: Context | None = None) -> float:
        data = self._first_bytes(source, context)
        value: float = struct.unpack(self._FORMATS[self._size], data)[0]
        return value

    def _key(self) -> tuple[object, ...]:
        return (self._size,)


class ExtendedFloat(Type[float]):
    """The x87 float of 80 bits, `long double` of C: 16 bytes in memory, read as the nearest
    Python float. An addition to the documented interface."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return "F80"

    def size(self, context: Context | None = None) -> int:
        return 16

    def parse(self, source: Buffer, context: Context | None = None) -> float:
        data = self._first_bytes(source, context)
        fraction = int.from_bytes(data[:8], "little")
        exponent = int.from_bytes(data[8:10], "little")
        sign = -1.0 if exponent & 0x8000 else 1.0
        exponent &= 0x7FFF
        if exponent == 0x7FFF:
            return sign * (math.inf if fraction << 1 & (1 << 64) - 1 == 0 else math.nan)
        try:
            return sign * math.ldexp(fraction, exponent - 16383 - 63)
        except OverflowError:
            return sign * math.inf

    def _key(self) -> tuple[object, ...]:
        return ()
