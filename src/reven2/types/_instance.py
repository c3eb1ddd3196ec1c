# SPDX-License-Identifier: Apache-2.0
"""Values that remember their type and where they were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

from reven2.address import LogicalAddress, _AbstractAddress
from reven2.arch import x64
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2.trace import Context
    from reven2.types._base import Type

Value = TypeVar("Value")
Other = TypeVar("Other")


class PointerInstance(LogicalAddress, Generic[Value]):
    """A pointer that was read: the address it holds, usable wherever an address is, that
    also knows the type of what it points to."""

    __slots__ = ("_context", "_pointee")

    def __init__(
        self,
        offset: int,
        segment_register: Register = x64.ds,
        *,
        pointee: Type[Value],
        context: Context | None = None,
    ) -> None:
        super().__init__(offset, segment_register)
        self._pointee, self._context = pointee, context

    @property
    def address(self) -> LogicalAddress:
        """The address it holds; equals 0 for a null pointer."""
        return LogicalAddress(self.offset, self.segment_register)

    @property
    def pointee_type(self) -> Type[Value]:
        """Type of what it points to."""
        return self._pointee

    def deref(self) -> Value:
        """What it points to, at the context where the pointer was read.

        Raises:
            MemoryReadError (a RuntimeError): nothing known is there.
            InvalidArgumentError (a ValueError): it was parsed without a context.
        """
        if self._context is None:
            raise InvalidArgumentError("This pointer was parsed without a context: pass one.")
        return self._context.read(self.address, self._pointee)

    def cast_inner(self, pointee: Type[Other]) -> PointerInstance[Other]:
        """The same pointer to another type."""
        return PointerInstance(
            self.offset, self.segment_register, pointee=pointee, context=self._context
        )

    def _at(self, offset: int) -> Self:
        return type(self)(
            offset, self.segment_register, pointee=self._pointee, context=self._context
        )

    @classmethod
    def _based(
        cls,
        base: _AbstractAddress | None,
        value: int,
        pointee: Type[Value],
        context: Context | None,
    ) -> PointerInstance[Value]:
        segment = base.segment_register if isinstance(base, LogicalAddress) else x64.ds
        offset = value + (base.offset if base is not None else 0)
        return PointerInstance(offset, segment, pointee=pointee, context=context)
