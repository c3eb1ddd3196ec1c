# SPDX-License-Identifier: Apache-2.0
"""Pointers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from reven2.address import _AbstractAddress
from reven2.types._base import Buffer, Type, address_size
from reven2.types._instance import PointerInstance

if TYPE_CHECKING:
    from reven2.trace import Context

Value = TypeVar("Value")


class Pointer(Type[PointerInstance[Value]], Generic[Value]):
    """A pointer to a value of another type; `Context.deref` follows it.

    Parameters:
        pointee_type: type of what it points to.
        base_address: added to the pointer's value, for pointers relative to something:
            `Pointer(U64, base_address=LogicalAddress(0x20))` is "what lies 0x20 further".
    """

    __slots__ = ("_base_address", "_pointee_type")

    def __init__(
        self, pointee_type: Type[Value], base_address: _AbstractAddress | None = None
    ) -> None:
        self._pointee_type, self._base_address = pointee_type, base_address

    @property
    def pointee_type(self) -> Type[Value]:
        """Type of what it points to."""
        return self._pointee_type

    @property
    def base_address(self) -> _AbstractAddress | None:
        """What is added to its value."""
        return self._base_address

    @property
    def name(self) -> str:
        return f"{self._pointee_type.name}*"

    def size(self, context: Context | None = None) -> int:
        return address_size(context, self.name)

    def parse(self, source: Buffer, context: Context | None = None) -> PointerInstance[Value]:
        value = int.from_bytes(self._first_bytes(source, context), "little")
        return PointerInstance._based(self._base_address, value, self._pointee_type, context)

    def _key(self) -> tuple[object, ...]:
        return (self._pointee_type, self._base_address)
