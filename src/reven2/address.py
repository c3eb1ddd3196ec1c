# SPDX-License-Identifier: Apache-2.0
"""Addresses of the recorded machine.

A user program's trace has one address space, in which the physical address of a byte
is its linear address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, SupportsIndex, TypeAlias

from reven2._arguments import integer, whole, wrong_type
from reven2.arch import msr, x64
from reven2.arch.register import Category, Register
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2.ossi.ossi import Symbol
    from reven2.place import Place
    from reven2.trace import Context

__all__ = [
    "LinearAddress",
    "LogicalAddress",
    "LogicalAddressSegmentIndex",
    "PhysicalAddress",
]

AnyAddress: TypeAlias = "_AbstractAddress | SupportsIndex | str | Place | Symbol"
"""What may be passed as an address; a str is an expression."""

_MASK = (1 << 64) - 1
_SELECTORS = {0x33: x64.cs, 0x2B: x64.ss, 0: x64.ds}


class _AbstractAddress:
    """What all addresses have in common.

    Adding or subtracting an int gives another address of the same kind, wrapping at
    2^64. Addresses of one kind and segment are ordered; an address also equals the
    plain int of its offset, so `address == 0` works as it does for a pointer in C.
    """

    __slots__ = ("_offset",)
    _prefix = ""

    def __init__(self, offset: SupportsIndex) -> None:
        number = integer(offset, "The offset of an address")
        if not -(1 << 63) <= number <= _MASK:
            raise InvalidArgumentError(f"{number:#x} is no address: an address has 64 bits.")
        self._offset = number & _MASK

    @property
    def offset(self) -> int:
        """The offset: the address itself, or relative to its segment."""
        return self._offset

    def translate(self, context: Context) -> PhysicalAddress | None:
        """The physical address at a context; None if nothing is mapped there."""
        linear = self._linear(context)
        return PhysicalAddress(linear) if context._is_mapped(linear, 1) else None

    def _linear(self, context: Context, thread: int | None = None) -> int:
        """The linear address as an int, mapped or not, as `thread` sees it (default: the
        current one)."""
        return self._offset

    def _at(self, offset: int) -> Self:
        return type(self)(offset)

    def _space(self) -> tuple[str, ...]:
        """What two addresses must share to be comparable."""
        return (self._prefix,)

    def format_as_html(self) -> str:
        """The same text as `str`, for embedding in HTML. With a server, that last connected,
        as a link that publishes it to the sessions that are tracked when it is clicked."""
        from reven2._client.links import current

        links = current()
        return str(self) if links is None else links.address(self)

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __add__(self, other: SupportsIndex) -> Self:
        number = whole(other)
        return NotImplemented if number is None else self._at(self._offset + number & _MASK)

    __radd__ = __add__

    def __sub__(self, other: SupportsIndex) -> Self:
        number = whole(other)
        return NotImplemented if number is None else self._at(self._offset - number & _MASK)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _AbstractAddress):
            return self._offset == other._offset and self._space() == other._space()
        number = whole(other)
        return NotImplemented if number is None else self._offset == number

    def __hash__(self) -> int:
        return hash(self._offset)

    def __lt__(self, other: _AbstractAddress) -> bool:
        if not isinstance(other, _AbstractAddress) or self._space() != other._space():
            return NotImplemented
        return self._offset < other._offset

    def __le__(self, other: _AbstractAddress) -> bool:
        if not isinstance(other, _AbstractAddress) or self._space() != other._space():
            return NotImplemented
        return self._offset <= other._offset

    def __gt__(self, other: _AbstractAddress) -> bool:
        if not isinstance(other, _AbstractAddress) or self._space() != other._space():
            return NotImplemented
        return self._offset > other._offset

    def __ge__(self, other: _AbstractAddress) -> bool:
        if not isinstance(other, _AbstractAddress) or self._space() != other._space():
            return NotImplemented
        return self._offset >= other._offset

    def __str__(self) -> str:
        return f"{self._prefix}:{self._offset:#x}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(offset={self._offset:#x})"


class PhysicalAddress(_AbstractAddress):
    """A physical address: `phy:0x7ffc0010`."""

    __slots__ = ()
    _prefix = "phy"


class LinearAddress(_AbstractAddress):
    """A linear (virtual) address: `lin:0x7ffc0010`."""

    __slots__ = ()
    _prefix = "lin"


class LogicalAddress(_AbstractAddress):
    """An offset in the segment that a segment register holds: `ds:0x1000`.

    Parameters:
        offset: bytes from the segment's base.
        segment_register: cs, ds, es, fs, gs or ss of `reven2.arch.x64`. Only fs and gs have
            a base other than 0 in 64-bit mode.

    Raises:
        InvalidArgumentError (a ValueError): that is no segment register.
    """

    __slots__ = ("_segment_register",)

    def __init__(self, offset: SupportsIndex, segment_register: Register = x64.ds) -> None:
        super().__init__(offset)
        if not isinstance(segment_register, Register):
            raise wrong_type("A segment register", segment_register, "pass reven2.arch.x64.gs")
        if segment_register.category is not Category.Segment:
            raise InvalidArgumentError(
                f"{segment_register.name} is no segment register: use cs, ds, es, fs, gs or ss."
            )
        self._segment_register = segment_register

    @property
    def segment_register(self) -> Register:
        """The segment register."""
        return self._segment_register

    def _linear(self, context: Context, thread: int | None = None) -> int:
        if self._segment_register is x64.fs:
            base = context._read_bits(msr.fs_base, thread)
        elif self._segment_register is x64.gs:
            base = context._read_bits(msr.gs_base, thread)
        else:
            base = 0
        return base + self._offset & _MASK

    def _at(self, offset: int) -> Self:
        return type(self)(offset, self._segment_register)

    def _space(self) -> tuple[str, ...]:
        return ("logical", self._segment_register.name)

    def __str__(self) -> str:
        return f"{self._segment_register.name}:{self._offset:#x}"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(offset={self._offset:#x}, "
            f"segment_register={self._segment_register.name})"
        )


class LogicalAddressSegmentIndex(_AbstractAddress):
    """An offset in the segment that a selector names: `0x33:0x401000`.

    Parameters:
        offset: bytes from the segment's base.
        segment_index: the selector; for a 64-bit Linux program 0x33 (code), 0x2b (stack) or
            0, all with base 0.

    Raises:
        InvalidArgumentError (a ValueError): no such segment in a user program.
    """

    __slots__ = ("_segment_index",)

    def __init__(self, offset: SupportsIndex, segment_index: int) -> None:
        super().__init__(offset)
        segment_index = integer(segment_index, "A segment's selector")
        if segment_index not in _SELECTORS:
            raise InvalidArgumentError(
                f"A 64-bit Linux program has no segment {segment_index:#x}: use 0x33, 0x2b or 0."
            )
        self._segment_index = segment_index

    @property
    def segment_index(self) -> int:
        """The selector."""
        return self._segment_index

    def _at(self, offset: int) -> Self:
        return type(self)(offset, self._segment_index)

    def _space(self) -> tuple[str, ...]:
        return ("selector", f"{self._segment_index:#x}")

    def __str__(self) -> str:
        return f"{self._segment_index:#x}:{self._offset:#x}"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(offset={self._offset:#x}, "
            f"segment_index={self._segment_index:#x})"
        )


def linear(source: AnyAddress, context: Context, thread: int | None = None) -> int:
    """The linear address, as an int, that an address, a plain int, an expression, a place or a
    symbol names at a context.

    Raises:
        ArgumentTypeError (a TypeError and ValueError): it is nothing of these.
        InvalidArgumentError (a ValueError): more than 64 bits; text that is no address.
    """
    if isinstance(source, _AbstractAddress):
        return source._linear(context, thread)
    number = None if isinstance(source, bool) else whole(source)
    if number is not None:
        if not -(1 << 63) <= number <= _MASK:
            raise InvalidArgumentError(f"{number:#x} is no address: an address has 64 bits.")
        return number & _MASK
    from reven2._client.addresses import address_of

    return address_of(source, context, thread)
