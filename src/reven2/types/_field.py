# SPDX-License-Identifier: Apache-2.0
"""Values of structures, of their fields and of enumerations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from reven2._printable import printable_lines
from reven2.address import LinearAddress
from reven2.errors import TypeMismatchError
from reven2.types._instance import ArrayInstance, PointerInstance

if TYPE_CHECKING:
    from reven2.trace import Context
    from reven2.types._struct import Enumeration, FieldInfo, Struct

Value = TypeVar("Value")
_MOST_SENT = 64 << 10  # bytes; who prints the value reads the rest where it stands


class EnumerationInstance(int):
    """A value of an enumeration: an int that prints as its name."""

    _type: Enumeration

    def __new__(cls, value: int, type_: Enumeration) -> Self:
        made = super().__new__(cls, value)
        made._type = type_
        return made

    @property
    def type(self) -> Enumeration:
        """The enumeration."""
        return self._type

    @property
    def name(self) -> str | None:
        """The enumerator of that value, None if there is none."""
        found = (name for name, value in self._type.enumerators.items() if value == self)
        return next(found, None)

    def __str__(self) -> str:
        return printable_lines(self.name or int.__repr__(self))

    def __repr__(self) -> str:
        return printable_lines(
            f"<{self._type.name}.{self.name}: {int(self)}>" if self.name else str(self)
        )


def _address(address: int | None, context: Context | None) -> LinearAddress | None:
    if address is None:
        return None
    return LinearAddress(address)._of(None if context is None else context._trace)


class StructInstance:
    """A structure that was read. `str` is its fields, as gdb prints them."""

    __slots__ = ("_address", "_context", "_data", "_type")

    def __init__(
        self, type_: Struct, data: bytes, context: Context | None, address: int | None
    ) -> None:
        self._type, self._data = type_, data
        self._context, self._address = context, address

    @property
    def type(self) -> Struct:
        """Its type."""
        return self._type

    @property
    def address(self) -> LinearAddress | None:
        """Where it was read; None for a register or a buffer. An addition to the documented
        interface."""
        return _address(self._address, self._context)

    def as_bytes(self) -> bytes:
        """Its bytes."""
        return self._data

    def field(self, name: str) -> FieldInstance[Any]:
        """A field by its name, also one of an anonymous member or of a base class.

        Raises:
            InvalidArgumentError (a ValueError): there is none of that name.
        """
        return FieldInstance(self, self._type.field(name))

    def fields(self) -> list[FieldInstance[Any]]:
        """All fields in the order of their declaration, anonymous members and base classes as
        fields. An addition to the documented interface."""
        return [FieldInstance(self, field) for field in self._type.fields if not field.is_virtual]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StructInstance):
            return NotImplemented
        return self._type == other._type and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def __str__(self) -> str:
        origin = self._type._origin
        service = None if self._context is None else self._context._trace._service
        if self._context is not None and origin is not None and origin.service() is service:
            return self._context._trace._service.format_value(
                self._context._id,
                origin.binary,
                origin.id,
                self._address,
                self._data[:_MOST_SENT],
            )
        fields = (f"{field.info.name} = {field}" for field in self.fields())
        return "{" + ", ".join(fields) + "}"

    def __repr__(self) -> str:
        where = "" if self.address is None else f" at {self.address}"
        return printable_lines(f"<{self._type.name}{where}>")


class FieldInstance(Generic[Value]):
    """A field of a structure that was read. Equal fields have the same type and value."""

    __slots__ = ("_info", "_parent")

    def __init__(self, parent: StructInstance, info: FieldInfo) -> None:
        self._parent, self._info = parent, info

    @property
    def info(self) -> FieldInfo:
        """Name, type and offset."""
        return self._info

    @property
    def parent_instance(self) -> StructInstance:
        """The structure that it is a field of."""
        return self._parent

    @property
    def address(self) -> LinearAddress | None:
        """Where it is; None if the structure was not read from memory. An addition to the
        documented interface."""
        base = self._parent._address
        address = None if base is None else base + self._info.offset
        return _address(address, self._parent._context)

    def as_bytes(self) -> bytes:
        """Its bytes; of a bit field, those that it lies in."""
        info, parent = self._info, self._parent
        if info.bit_size:
            end = (info.bit_offset + info.bit_size + 7) // 8
            return parent._data[info.bit_offset // 8 : end]
        size = info.type.size(parent._context)
        return parent._data[info.offset : info.offset + size]

    def read(self) -> Value:
        """The value in the natural Python form of its type: int, float, bool, `StructInstance`,
        `PointerInstance`, `ArrayInstance`, `EnumerationInstance` or bytes."""
        info, parent = self._info, self._parent
        if not info.bit_size:
            data, context = self.as_bytes(), parent._context
            if context is None:
                value: Value = info.type.parse(data, None)
                return value
            address = None if parent._address is None else parent._address + info.offset
            found: Value = info.type._parse_at(data, context, address)
            return found
        bits = int.from_bytes(self.as_bytes(), "little") >> info.bit_offset % 8
        bits &= (1 << info.bit_size) - 1
        size = info.type.size(parent._context)
        probe = info.type.parse(b"\xff" * size, parent._context)
        if isinstance(probe, int) and not isinstance(probe, bool) and probe < 0:
            bits -= (bits >> info.bit_size - 1) << info.bit_size
        mask = (1 << 8 * size) - 1
        widened: Value = info.type.parse((bits & mask).to_bytes(size, "little"), parent._context)
        return widened

    def assert_int(self) -> FieldInstance[int]:
        """Itself, if it is an integer or an enumeration.

        Raises:
            TypeMismatchError (a TypeError): it is none. So do all of `assert_` and `read_`.
        """
        return self._asserted(int, "an integer")

    def assert_float(self) -> FieldInstance[float]:
        """Itself, if it is a float."""
        return self._asserted(float, "a float")

    def assert_bool(self) -> FieldInstance[bool]:
        """Itself, if it is a boolean."""
        return self._asserted(bool, "a boolean")

    def assert_enum(self) -> FieldInstance[EnumerationInstance]:
        """Itself, if it is an enumeration."""
        return self._asserted(EnumerationInstance, "an enumeration")

    def assert_struct(self) -> FieldInstance[StructInstance]:
        """Itself, if it is a structure."""
        return self._asserted(StructInstance, "a structure")

    def assert_ptr(self) -> FieldInstance[PointerInstance[Any]]:
        """Itself, if it is a pointer."""
        return self._asserted(PointerInstance, "a pointer")

    def assert_array(self) -> FieldInstance[ArrayInstance[Any]]:
        """Itself, if it is an array."""
        return self._asserted(ArrayInstance, "an array")

    def assert_bytes(self) -> FieldInstance[bytes]:
        """Itself, if it reads as bytes."""
        return self._asserted(bytes, "a buffer")

    def read_int(self) -> int:
        """Its value, if it is an integer or an enumeration."""
        return self.assert_int().read()

    def read_float(self) -> float:
        """Its value, if it is a float."""
        return self.assert_float().read()

    def read_bool(self) -> bool:
        """Its value, if it is a boolean."""
        return self.assert_bool().read()

    def read_enum(self) -> EnumerationInstance:
        """Its value, if it is an enumeration."""
        return self.assert_enum().read()

    def read_struct(self) -> StructInstance:
        """Its value, if it is a structure."""
        return self.assert_struct().read()

    def read_ptr(self) -> PointerInstance[Any]:
        """Its value, if it is a pointer."""
        return self.assert_ptr().read()

    def read_array(self) -> ArrayInstance[Any]:
        """Its value, if it is an array."""
        return self.assert_array().read()

    def read_bytes(self) -> bytes:
        """Its value, if it reads as bytes."""
        return self.assert_bytes().read()

    def deref(self) -> Any:
        """What it points to.

        Raises:
            TypeMismatchError (a TypeError): it is no pointer, or, of the other `deref_`, one to
                another type.
            MemoryReadError (a RuntimeError): nothing known is there.
        """
        return self.read_ptr().deref()

    def deref_int(self) -> int:
        """What it points to, if that is an integer or an enumeration."""
        return self.read_ptr().assert_int().deref()

    def deref_float(self) -> float:
        """What it points to, if that is a float."""
        return self.read_ptr().assert_float().deref()

    def deref_struct(self) -> StructInstance:
        """What it points to, if that is a structure."""
        return self.read_ptr().assert_struct().deref()

    def deref_ptr(self) -> PointerInstance[Any]:
        """What it points to, if that is a pointer."""
        return self.read_ptr().assert_ptr().deref()

    def deref_array(self) -> ArrayInstance[Any]:
        """What it points to, if that is an array."""
        return self.read_ptr().assert_array().deref()

    def deref_bytes(self) -> bytes:
        """What it points to, if that reads as bytes."""
        return self.read_ptr().assert_bytes().deref()

    def _asserted(self, kind: type[Any], what: str) -> FieldInstance[Any]:
        value = self.read()
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise TypeMismatchError(
                f"{self._parent.type.name}.{self._info.name} is of type "
                f"{self._info.type.name}, not {what}."
            )
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FieldInstance):
            return NotImplemented
        return self._info.type == other._info.type and bool(self.read() == other.read())

    def __hash__(self) -> int:
        return hash((self._info.name, self.as_bytes()))

    def __str__(self) -> str:
        return printable_lines(str(self.read()))

    def __format__(self, options: str) -> str:
        """As the value is formatted: `f"{field:#x}"`."""
        return format(self.read(), options) if options else str(self)

    def __repr__(self) -> str:
        return printable_lines(f"<{self._parent.type.name}.{self._info.name} = {self}>")
