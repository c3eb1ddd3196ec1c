# SPDX-License-Identifier: Apache-2.0
"""Values that remember their type and where they were read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from reven2.address import LogicalAddress, _AbstractAddress
from reven2.arch import x64
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError, TypeMismatchError
from reven2.types._numeric import Numeric

if TYPE_CHECKING:
    from reven2.trace import Context
    from reven2.types._base import Type
    from reven2.types._field import FieldInstance, StructInstance

__all__ = ["ArrayInstance", "FieldInstance", "PointerInstance", "StructInstance"]

Value = TypeVar("Value")
Other = TypeVar("Other")


class PointerInstance(Numeric, LogicalAddress, Generic[Value]):
    """A pointer that was read: the address it holds, usable wherever an address is, that
    also knows the type of what it points to.

    It is also the number that it holds: `hex(p)`, `f"{p:#x}"`, `p & 0xfff`, `p > 5`, `if p`.
    Adding or subtracting a number gives a pointer of the same type, so many bytes further; the
    difference of two pointers is a number."""

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

    def assert_int(self) -> PointerInstance[int]:
        """Itself, if it points to an integer or an enumeration.

        Raises:
            TypeMismatchError (a TypeError): it points to something else. So do all of `assert_`.
        """
        _check(self, self._pointee, "an integer", "Integer", "Enumeration")
        return cast("PointerInstance[int]", self)

    def assert_float(self) -> PointerInstance[float]:
        """Itself, if it points to a float."""
        _check(self, self._pointee, "a float", "Float", "ExtendedFloat")
        return cast("PointerInstance[float]", self)

    def assert_struct(self) -> PointerInstance[StructInstance]:
        """Itself, if it points to a structure."""
        _check(self, self._pointee, "a structure", "Struct")
        return cast("PointerInstance[StructInstance]", self)

    def assert_ptr(self) -> PointerInstance[PointerInstance[Any]]:
        """Itself, if it points to a pointer."""
        _check(self, self._pointee, "a pointer", "Pointer")
        return cast("PointerInstance[PointerInstance[Any]]", self)

    def assert_array(self) -> PointerInstance[ArrayInstance[Any]]:
        """Itself, if it points to an array."""
        _check(self, self._pointee, "an array", "Array")
        return cast("PointerInstance[ArrayInstance[Any]]", self)

    def assert_bytes(self) -> PointerInstance[bytes]:
        """Itself, if it points to a buffer."""
        _check(self, self._pointee, "a buffer", "RawBuffer")
        return cast("PointerInstance[bytes]", self)

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


class ArrayInstance(list[Value]):
    """An array that was read: a list that knows its type."""

    def __init__(self, values: Iterable[Value], element_type: Type[Value]) -> None:
        super().__init__(values)
        self._element_type = element_type

    @property
    def element_type(self) -> Type[Value]:
        """Type of the elements."""
        return self._element_type

    def assert_int(self) -> ArrayInstance[int]:
        """Itself, if its elements are integers or enumerations.

        Raises:
            TypeMismatchError (a TypeError): they are something else. So do all of `assert_`.
        """
        _check(self, self._element_type, "integers", "Integer", "Enumeration")
        return cast("ArrayInstance[int]", self)

    def assert_float(self) -> ArrayInstance[float]:
        """Itself, if its elements are floats."""
        _check(self, self._element_type, "floats", "Float", "ExtendedFloat")
        return cast("ArrayInstance[float]", self)

    def assert_struct(self) -> ArrayInstance[StructInstance]:
        """Itself, if its elements are structures."""
        _check(self, self._element_type, "structures", "Struct")
        return cast("ArrayInstance[StructInstance]", self)

    def assert_ptr(self) -> ArrayInstance[PointerInstance[Any]]:
        """Itself, if its elements are pointers."""
        _check(self, self._element_type, "pointers", "Pointer")
        return cast("ArrayInstance[PointerInstance[Any]]", self)

    def assert_array(self) -> ArrayInstance[ArrayInstance[Any]]:
        """Itself, if its elements are arrays."""
        _check(self, self._element_type, "arrays", "Array")
        return cast("ArrayInstance[ArrayInstance[Any]]", self)


def _check(one: object, of: Type[Any], what: str, *names: str) -> None:
    if not any(base.__name__ in names for base in type(of).__mro__):
        kind = "array" if isinstance(one, list) else "pointer"
        raise TypeMismatchError(f"This {kind} is of {of.name}, not of {what}.")


def __getattr__(name: str) -> Any:
    # They live in a module that needs this one.
    if name in ("FieldInstance", "StructInstance"):
        from reven2.types import _field

        return getattr(_field, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
