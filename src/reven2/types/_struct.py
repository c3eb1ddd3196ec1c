# SPDX-License-Identifier: Apache-2.0
"""Structures and enumerations of the program's source."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reven2._printable import printable
from reven2.errors import InvalidArgumentError, TypeNotFoundError
from reven2.types._base import Buffer, Type
from reven2.types._field import EnumerationInstance, StructInstance

if TYPE_CHECKING:
    from reven2._service import TraceService
    from reven2.trace import Context


class StructKind(enum.Enum):
    """How a structure was declared."""

    Struct = "struct"
    Class = "class"
    Union = "union"


@dataclass(frozen=True)
class FieldInfo:
    """A member of a structure.

    Attributes:
        name: "" for an anonymous structure or union, and for a C++ base class.
        type: its type.
        offset: bytes from the start of the structure; of a bit field, of its first bit.
        bit_size: number of bits of a bit field, else 0.
        bit_offset: of a bit field, its lowest bit, counted from the start of the structure.
        is_base: whether it is a C++ base class.
        is_virtual: whether only the object tells where that base class is.
    """

    name: str
    type: Type[Any]
    offset: int
    bit_size: int = 0
    bit_offset: int = 0
    is_base: bool = False
    is_virtual: bool = False


@dataclass(frozen=True)
class Origin:
    """Where in the debug information a type is."""

    service: Callable[[], TraceService | None]
    binary: int
    id: int


class Struct(Type[StructInstance]):
    """A structure, class or union, as `Binary.exact_type` gives it. `str` is its layout.

    Parameters:
        name: its name.
        kind: how it was declared.
        size: bytes; None if it is only declared.
        fields: its members in their order, or a function that gives them when needed.
    """

    __slots__ = ("_fields", "_kind", "_make_fields", "_name", "_origin", "_size")

    def __init__(
        self,
        name: str,
        kind: StructKind,
        size: int | None,
        fields: Sequence[FieldInfo] | Callable[[], Sequence[FieldInfo]],
    ) -> None:
        self._name, self._kind, self._size = name, kind, size
        self._make_fields = fields if callable(fields) else None
        self._fields = None if callable(fields) else tuple(fields)
        self._origin: Origin | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> StructKind:
        """How it was declared."""
        return self._kind

    @property
    def fields(self) -> tuple[FieldInfo, ...]:
        """Its members, in the order of their declaration."""
        if self._fields is None:
            assert self._make_fields is not None
            self._fields = tuple(self._make_fields())
        return self._fields

    def field(self, name: str) -> FieldInfo:
        """The member of that name, also one of an anonymous member or of a base class.

        Raises:
            InvalidArgumentError (a ValueError): there is none.
        """
        for found in self._all_fields(0):
            if found.name == name:
                return found
        known = ", ".join(field.name for field in self._all_fields(0) if field.name)
        raise InvalidArgumentError(f"{self.name} has no field {name!r}. It has: {known}.")

    def size(self, context: Context | None = None) -> int:
        if self._size is None:
            raise TypeNotFoundError(
                f"{self.name} is only declared here: read it as the type of a binary that "
                "defines it."
            )
        return self._size

    def parse(self, source: Buffer, context: Context | None = None) -> StructInstance:
        return StructInstance(self, self._first_bytes(source, context), context, None)

    def _parse_at(self, data: bytes, context: Context, address: int | None) -> StructInstance:
        return StructInstance(self, self._first_bytes(data, context), context, address)

    def _all_fields(self, offset: int) -> Iterator[FieldInfo]:
        """Its fields, then those of what has no name of its own, with offsets from `offset`."""
        for one in self.fields:
            if one.name:
                yield FieldInfo(
                    one.name,
                    one.type,
                    offset + one.offset,
                    one.bit_size,
                    8 * offset + one.bit_offset if one.bit_size else 0,
                )
        for one in self.fields:
            if not one.name and isinstance(one.type, Struct) and not one.is_virtual:
                yield from one.type._all_fields(offset + one.offset)

    def _key(self) -> tuple[object, ...]:
        where = (self._origin.binary, self._origin.id) if self._origin else (0, id(self))
        return (self._name, self._size, *where)

    def __str__(self) -> str:
        size = "" if self._size is None else f" /* {self._size:#x} */"
        lines = [f"{self._kind} {self._name}{size} {{"]
        lines += [f"    {_field_line(field)}" for field in self.fields]
        return "\n".join(map(printable, [*lines, "}"]))


def _field_line(field: FieldInfo) -> str:
    name = f"<{field.type.name}>" if field.is_base else field.name
    where = "virtual" if field.is_virtual else f"{field.offset:#x}"
    bits = ""
    if field.bit_size:
        where += f":{field.bit_offset % 8}"
        bits = f" : {field.bit_size}"
    return f"/* {where} */ {name} : {field.type.name}{bits},"


class Enumeration(Type[EnumerationInstance]):
    """An enumeration. Its values are ints that know their names.

    Parameters:
        name: its name.
        underlying_type: the integer it is stored as.
        enumerators: value of each name, in the order of their declaration.
    """

    __slots__ = ("_enumerators", "_name", "_underlying_type")

    def __init__(self, name: str, underlying_type: Type[int], enumerators: dict[str, int]) -> None:
        self._name, self._underlying_type = name, underlying_type
        self._enumerators = dict(enumerators)

    @property
    def name(self) -> str:
        return self._name

    @property
    def underlying_type(self) -> Type[int]:
        """The integer that it is stored as."""
        return self._underlying_type

    @property
    def enumerators(self) -> dict[str, int]:
        """Value of each name, in the order of their declaration."""
        return dict(self._enumerators)

    def size(self, context: Context | None = None) -> int:
        return self._underlying_type.size(context)

    def parse(self, source: Buffer, context: Context | None = None) -> EnumerationInstance:
        return EnumerationInstance(self._underlying_type.parse(source, context), self)

    def _key(self) -> tuple[object, ...]:
        return (self._name, self._underlying_type, *self._enumerators.items())

    def __str__(self) -> str:
        lines = [f"    {name} = {value:#x}," for name, value in self._enumerators.items()]
        head = f"enum {self._name} : {self._underlying_type.name} {{"
        return "\n".join(map(printable, [head, *lines, "}"]))


class Incomplete(Type[Any]):
    """What can be pointed to but not read: void, functions, and what has no size.

    Parameters:
        name: as the source spells it.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def size(self, context: Context | None = None) -> int:
        raise InvalidArgumentError(
            f"{self._name} has no size: cast the pointer to the type that is there."
        )

    def parse(self, source: Buffer, context: Context | None = None) -> Any:
        self.size(context)

    def _key(self) -> tuple[object, ...]:
        return (self._name,)
