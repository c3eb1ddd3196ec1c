# SPDX-License-Identifier: Apache-2.0
"""What every type can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from reven2._printable import printable
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2.trace import Context

Value_co = TypeVar("Value_co", covariant=True)
Buffer = bytes | bytearray | memoryview


class Type(ABC, Generic[Value_co]):
    """How bytes become a value. Types are immutable and compare by what they mean."""

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """The type's name, as `U32` or `U16*`."""

    @abstractmethod
    def size(self, context: Context | None = None) -> int:
        """Bytes that a value takes.

        Parameters:
            context: needed by types whose size depends on the machine's mode.

        Raises:
            InvalidArgumentError (a ValueError): that context is missing, or values of the
                type have no fixed size.
        """

    @abstractmethod
    def parse(self, source: Buffer, context: Context | None = None) -> Value_co:
        """The value that the first bytes of a buffer hold.

        Parameters:
            source: at least `size(context)` bytes.
            context: needed by types whose size depends on the machine's mode.

        Raises:
            InvalidArgumentError (a ValueError): too few bytes, or the context is missing.
        """

    def _load(self, context: Context, address: int) -> bytes:
        """The bytes of the value at a linear address."""
        return context._read_memory(address, self.size(context))

    def _parse_at(self, data: bytes, context: Context, address: int | None) -> Value_co:
        """The value that `_load` gave the bytes of. `address`: where they stand in memory."""
        return self.parse(data, context)

    def _first_bytes(self, source: Buffer, context: Context | None) -> bytes:
        size = self.size(context)
        if len(source) < size:
            raise InvalidArgumentError(f"{self.name} takes {size} bytes, not {len(source)}.")
        return bytes(source[:size])

    @abstractmethod
    def _key(self) -> tuple[object, ...]:
        """What makes two types of one class equal."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Type):
            return NotImplemented
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __str__(self) -> str:
        return printable(self.name)

    def __repr__(self) -> str:
        return printable(self.name)


def address_size(context: Context | None, name: str) -> int:
    """Bytes of an address at a context."""
    if context is None:
        raise InvalidArgumentError(
            f"The size of {name} depends on the machine's mode: pass a context."
        )
    return 8 if context.is64b() else 4
