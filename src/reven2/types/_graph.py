# SPDX-License-Identifier: Apache-2.0
"""From the type descriptions of a service to the types of this package."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from reven2._service import TraceService
from reven2._service.source import MemberData, TypeData, TypeGraph
from reven2.errors import ClosedError
from reven2.types._base import Type
from reven2.types._number import (
    BoolType,
    ExtendedFloat,
    FixedWidthInteger,
    Float,
    Signedness,
)
from reven2.types._pointer import Pointer
from reven2.types._sequence import Array, RawBuffer
from reven2.types._struct import Enumeration, FieldInfo, Incomplete, Origin, Struct, StructKind

_KINDS = {"struct": StructKind.Struct, "class": StructKind.Class, "union": StructKind.Union}
_TRANSPARENT = ("typedef", "const", "volatile", "restrict", "atomic")
_POINTERS = ("pointer", "reference", "rvalue reference")
_FLOATS = (2, 4, 8)

_known: weakref.WeakKeyDictionary[Any, dict[int, BinaryTypes]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def types_of(service: TraceService, binary: int) -> BinaryTypes:
    """The types of a binary, by its number; the same object each time."""
    with _lock:
        by_binary = _known.setdefault(service, {})
        if binary not in by_binary:
            by_binary[binary] = BinaryTypes(service, binary)
        return by_binary[binary]


class BinaryTypes:
    """The types of one binary, made as they are needed."""

    def __init__(self, service: TraceService, binary: int) -> None:
        # Otherwise `_known` would keep the service alive for ever.
        self._reference, self._binary = weakref.ref(service), binary
        self._data: dict[int, TypeData] = {}
        self._made: dict[int, Type[Any]] = {}

    def _service(self) -> TraceService:
        service = self._reference()
        if service is None:
            raise ClosedError("The trace that this type comes from is closed: open it again.")
        return service

    def of_graph(self, graph: TypeGraph) -> Type[Any]:
        """The type that a graph describes."""
        self.add(graph)
        return self.of(graph.root)

    def add(self, graph: TypeGraph) -> None:
        """Take in what a graph describes."""
        for data in graph.types:
            if data.id not in self._data or data.members is not None:
                self._data[data.id] = data

    def data(self, number: int) -> TypeData:
        """The description of a type."""
        if number not in self._data:
            self.add(self._service().type_graph(self._binary, number))
        return self._data[number]

    def of(self, number: int) -> Type[Any]:
        """The type of an id."""
        made = self._made.get(number)
        if made is None:
            made = self._made[number] = self._make(number, "")
        return made

    def _make(self, number: int, alias: str) -> Type[Any]:
        """`alias`: the name of a typedef, for what has none of its own."""
        data = self.data(number)
        kind = data.kind
        if kind in _TRANSPARENT:
            target = self.data(data.target)
            is_nameless = target.kind in (*_KINDS, "enumeration") and not target.tag
            if is_nameless or target.kind in _TRANSPARENT:
                return self._make(data.target, data.name if kind == "typedef" else alias)
            return self.of(data.target)
        if kind in _KINDS:
            name = _plain_name(data) or alias or data.name
            struct = Struct(name, _KINDS[kind], data.size, lambda: self._fields(number))
            struct._origin = Origin(self._reference, self._binary, number)
            return struct
        if kind in _POINTERS:
            return Pointer(self.of(data.target))
        if kind == "array":
            element = self.of(data.target)
            return Array(element, data.count or 0)
        if kind == "enumeration":
            signedness = Signedness.Signed if data.is_signed else Signedness.Unsigned
            names = {one.name: one.value for one in data.enumerators or ()}
            integer = FixedWidthInteger(data.size or 4, signedness)
            return Enumeration(_plain_name(data) or alias or data.name, integer, names)
        return _plain(data)

    def _fields(self, number: int) -> list[FieldInfo]:
        data = self.data(number)
        if data.members is None and data.size is not None:
            self.add(self._service().type_graph(self._binary, number))
            data = self.data(number)
        return [self._field(member) for member in data.members or () if member.kind != "static"]

    def _field(self, member: MemberData) -> FieldInfo:
        return FieldInfo(
            member.name,
            self.of(member.type),
            member.offset or 0,
            member.bit_size,
            member.bit_offset,
            member.kind == "base",
            member.offset is None,
        )


def _plain_name(data: TypeData) -> str:
    """The name of a structure or enumeration without keyword; "" if it has none."""
    if not data.tag:
        return ""
    for keyword in ("struct ", "union ", "class ", "enum "):
        if data.name.startswith(keyword):
            return data.name.removeprefix(keyword)
    return data.name


def _plain(data: TypeData) -> Type[Any]:
    if data.kind == "boolean" and data.size == 1:
        return BoolType()
    if data.kind in ("integer", "character", "boolean") and data.size:
        return FixedWidthInteger(
            data.size, Signedness.Signed if data.is_signed else Signedness.Unsigned
        )
    if data.kind == "float" and data.size in _FLOATS:
        return Float(data.size)
    if data.kind == "float" and data.name == "long double":
        return ExtendedFloat()
    if data.kind == "complex" and data.size in (8, 16):
        return Array(Float(data.size // 2), 2)
    return RawBuffer(data.size) if data.size else Incomplete(data.name)
