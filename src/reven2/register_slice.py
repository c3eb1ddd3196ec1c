# SPDX-License-Identifier: Apache-2.0
"""A part of a register, counted in bits."""

from __future__ import annotations

from collections.abc import Iterator

from reven2.arch import helpers
from reven2.arch.register import Category, Register
from reven2.errors import InvalidArgumentError

__all__ = ["RegisterSlice"]


class RegisterSlice:
    """Bits [begin, end) of a register. Never empty.

    Slices compare equal when they hold the same bits of the machine, whatever register
    they are expressed on: `RegisterSlice(ah) == RegisterSlice(rax, 8, 16)`.

    Parameters:
        register: the register.
        begin: first bit (default: 0).
        end: bit after the last (default: the register's width).

    Raises:
        InvalidArgumentError (a ValueError): an empty slice, or bits the register lacks.
    """

    __slots__ = ("_begin", "_end", "_register")

    def __init__(self, register: Register, begin: int = 0, end: int | None = None) -> None:
        stop = register.bit_size if end is None else end
        if not 0 <= begin < stop <= register.bit_size:
            raise InvalidArgumentError(
                f"Bits {begin} to {stop} are no slice of {register.name}, "
                f"which has {register.bit_size} bits."
            )
        self._register, self._begin, self._end = register, begin, stop

    @property
    def register(self) -> Register:
        """The register that the slice is expressed on."""
        return self._register

    @property
    def begin(self) -> int:
        """First bit."""
        return self._begin

    @property
    def end(self) -> int:
        """Bit after the last."""
        return self._end

    @property
    def is_canonical(self) -> bool:
        """Whether it is expressed on the root register."""
        return self._register is self._register.root

    @property
    def is_minimal(self) -> bool:
        """Whether no smaller register holds it."""
        return self.minimize()._register is self._register

    def canonicalize(self) -> RegisterSlice:
        """The equal slice on the root register: on rax for one of ah."""
        begin, end = self._root_bits()
        return RegisterSlice(self._register.root, begin, end)

    def minimize(self) -> RegisterSlice:
        """The equal slice on the smallest register that holds it; the one it is expressed on
        if that is as small as any."""
        begin, end = self._root_bits()
        best = self._register
        for other in helpers.registers():
            if other.root is not best.root or other.bit_size >= best.bit_size:
                continue
            if other.root_begin <= begin and end <= other.root_begin + other.bit_size:
                best = other
        return RegisterSlice(best, begin - best.root_begin, end - best.root_begin)

    def is_same_form(self, other: RegisterSlice) -> bool:
        """Whether register, begin and end are all the same."""
        return (
            self._register is other._register
            and self._begin == other._begin
            and self._end == other._end
        )

    def flags(self) -> Iterator[Register]:
        """The flag registers that lie whole inside the slice, lowest first."""
        begin, end = self._root_bits()
        root = self._register.root
        inside = [
            other
            for other in helpers.x64_registers()
            if other.category is Category.Flag
            and other.root is root
            and other.bit_size <= 2
            and begin <= other.root_begin
            and other.root_begin + other.bit_size <= end
        ]
        return iter(sorted(inside, key=lambda register: register.root_begin))

    def intersection(self, other: Register | RegisterSlice) -> RegisterSlice | None:
        """The bits in both, on the root register; None if there are none."""
        that = _as_slice(other)
        (begin, end), (low, high) = self._root_bits(), that._root_bits()
        begin, end = max(begin, low), min(end, high)
        if self._register.root is not that._register.root or begin >= end:
            return None
        return RegisterSlice(self._register.root, begin, end)

    def union(self, other: Register | RegisterSlice) -> RegisterSlice | None:
        """The bits in either, on the root register; None if they are not one slice: another
        register, or a gap between."""
        that = _as_slice(other)
        (begin, end), (low, high) = self._root_bits(), that._root_bits()
        if self._register.root is not that._register.root or max(begin, low) > min(end, high):
            return None
        return RegisterSlice(self._register.root, min(begin, low), max(end, high))

    def difference(self, other: Register | RegisterSlice) -> tuple[RegisterSlice, ...]:
        """The bits that are not in `other`, on the root register: none, one or two slices,
        lowest first."""
        common = self.intersection(other)
        if common is None:
            return (self.canonicalize(),)
        begin, end = self._root_bits()
        bounds = ((begin, common._begin), (common._end, end))
        return tuple(RegisterSlice(common._register, b, e) for b, e in bounds if b < e)

    def isdisjoint(self, other: Register | RegisterSlice) -> bool:
        """Whether no bit is in both."""
        return self.intersection(other) is None

    def issubset(self, other: Register | RegisterSlice) -> bool:
        """Whether every bit of this is in `other`."""
        return self in _as_slice(other)

    def issuperset(self, other: Register | RegisterSlice) -> bool:
        """Whether every bit of `other` is in this."""
        return other in self

    def __contains__(self, other: object) -> bool:
        if not isinstance(other, (Register, RegisterSlice)):
            return False
        return self.intersection(other) == _as_slice(other)

    def __and__(self, other: Register | RegisterSlice) -> RegisterSlice | None:
        return self.intersection(other)

    def __or__(self, other: Register | RegisterSlice) -> RegisterSlice | None:
        return self.union(other)

    def __sub__(self, other: Register | RegisterSlice) -> tuple[RegisterSlice, ...]:
        return self.difference(other)

    def __len__(self) -> int:
        return self._end - self._begin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RegisterSlice):
            return NotImplemented
        return (
            self._register.root is other._register.root and self._root_bits() == other._root_bits()
        )

    def __hash__(self) -> int:
        return hash((self._register.root_name, *self._root_bits()))

    def __str__(self) -> str:
        if len(self) == self._register.bit_size:
            return self._register.name
        return f"{self._register.name}[{self._begin}-{self._end}]"

    def __repr__(self) -> str:
        return f"RegisterSlice({self._register.name}, {self._begin}, {self._end})"

    def _root_bits(self) -> tuple[int, int]:
        shift = self._register.root_begin
        return shift + self._begin, shift + self._end


def _as_slice(value: Register | RegisterSlice) -> RegisterSlice:
    return value if isinstance(value, RegisterSlice) else RegisterSlice(value)
