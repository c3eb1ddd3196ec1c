# SPDX-License-Identifier: Apache-2.0
"""Calling conventions: where arguments and return values are.

Sources: System V Application Binary Interface, AMD64 Architecture Processor Supplement 1.0,
§3.2.3 "Parameter Passing"; Microsoft, "x64 calling convention" and "x64 ABI conventions".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reven2.preview.prototypes._types import PrototypeType
from reven2.types import (
    Array,
    ExtendedFloat,
    FieldInfo,
    Float,
    Incomplete,
    Struct,
    Type,
)

__all__ = ["CallConvHelper", "DataModel", "Ms64", "Place", "Sysv64"]

_RETURN_ADDRESS = 8
_MEMORY = "memory"


@dataclass(frozen=True)
class DataModel:
    """Sizes in bytes of the C types that differ between systems."""

    long: int
    wide_character: int
    long_double: int


@dataclass(frozen=True)
class Place:
    """Where a value is: `parts` are registers (with the bytes taken of each) or, for `offset`,
    bytes from the stack pointer at the function's entry. `is_pointer`: what is there is only
    the address of the value."""

    parts: tuple[tuple[str, int], ...] = ()
    offset: int | None = None
    is_pointer: bool = False


class CallConvHelper(ABC):
    """A calling convention."""

    name: str
    """Its name."""
    data_model: DataModel
    """Sizes of types in programs that use it."""

    @abstractmethod
    def arguments(self, returns: PrototypeType, types: Sequence[PrototypeType]) -> list[Place]:
        """Where arguments of these types are when a function is entered.

        Parameters:
            returns: what the function returns, which may need a hidden argument.
            types: of the arguments, those behind the declared ones too.
        """

    @abstractmethod
    def returned(self, returns: PrototypeType) -> Place | None:
        """Where the return value is after the return; None for void."""

    def __repr__(self) -> str:
        return self.name


class Sysv64(CallConvHelper):
    """That of Linux and other Unix-like systems on x86-64."""

    name = "Sysv64"
    data_model = DataModel(long=8, wide_character=4, long_double=16)
    _INTEGERS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
    _FLOATS = tuple(f"xmm{number}" for number in range(8))

    def arguments(self, returns: PrototypeType, types: Sequence[PrototypeType]) -> list[Place]:
        integers, floats = list(self._INTEGERS), list(self._FLOATS)
        result = self.returned(returns)
        if result is not None and result.is_pointer:
            del integers[0]
        offset, places = _RETURN_ADDRESS, []
        for one in types:
            if one.is_by_reference:
                classes, size, alignment = ["integer"], 8, 8
            else:
                classes = classify(one.type)
                size, alignment = _size(one.type), max(8, _alignment(one.type))
            needed = classes.count("integer"), classes.count("sse")
            is_passed = all(name in ("integer", "sse", "none") for name in classes)
            if is_passed and needed[0] <= len(integers) and needed[1] <= len(floats):
                parts = _registers(classes, size, integers, floats)
                places.append(Place(parts, is_pointer=one.is_by_reference))
            else:
                # Arguments count from the stack pointer before the call, which is aligned.
                begin = -(-(offset - _RETURN_ADDRESS) // alignment) * alignment
                places.append(Place(offset=begin + _RETURN_ADDRESS, is_pointer=one.is_by_reference))
                offset = begin + _RETURN_ADDRESS + -(-size // 8) * 8
        return places

    def returned(self, returns: PrototypeType) -> Place | None:
        if isinstance(returns.type, Incomplete):
            return None
        classes = classify(returns.type)
        if returns.is_by_reference or _MEMORY in classes:
            return Place((("rax", 8),), is_pointer=True)
        if classes[:1] == ["x87"]:
            return Place((("st0", 10),))
        size = _size(returns.type)
        return Place(_registers(classes, size, ["rax", "rdx"], ["xmm0", "xmm1"]))


class Ms64(CallConvHelper):
    """That of Windows on x86-64, also `__attribute__((ms_abi))` of gcc."""

    name = "Ms64"
    data_model = DataModel(long=4, wide_character=2, long_double=8)
    _INTEGERS = ("rcx", "rdx", "r8", "r9")

    def arguments(self, returns: PrototypeType, types: Sequence[PrototypeType]) -> list[Place]:
        result = self.returned(returns)
        first = 1 if result is not None and result.is_pointer else 0
        places = []
        for slot, one in enumerate(types, first):
            is_pointer, size = self._is_pointed(one), _size(one.type)
            size = 8 if is_pointer else size
            if slot >= len(self._INTEGERS):
                offset = _RETURN_ADDRESS + 8 * slot
                places.append(Place(offset=offset, is_pointer=is_pointer))
            elif isinstance(one.type, Float) and not is_pointer:
                places.append(Place(((f"xmm{slot}", size),)))
            else:
                places.append(Place(((self._INTEGERS[slot], size),), is_pointer=is_pointer))
        return places

    def returned(self, returns: PrototypeType) -> Place | None:
        if isinstance(returns.type, Incomplete):
            return None
        if self._is_pointed(returns):
            return Place((("rax", 8),), is_pointer=True)
        size = _size(returns.type)
        return Place((("xmm0" if isinstance(returns.type, Float) else "rax", size),))

    def _is_pointed(self, one: PrototypeType) -> bool:
        """Whether values are passed by the address of a copy."""
        return one.is_by_reference or _size(one.type) not in (1, 2, 4, 8)


def classify(type_: Type[Any]) -> list[str]:
    """The System V classes of a value's eightbytes: `integer`, `sse`, `x87`, `none` for padding,
    or `memory` alone for one that is passed on the stack."""
    size = _size(type_)
    if isinstance(type_, ExtendedFloat):
        return ["x87", "x87up"]
    if size > 16 or _is_unaligned(type_, 0):
        return [_MEMORY]
    found: list[str | None] = [None] * (-(-size // 8))
    _merge(type_, 0, found)
    classes = [one or "none" for one in found]
    if "x87" in classes and classes != ["x87", "x87up"]:
        return [_MEMORY]
    return classes


def _registers(
    classes: Sequence[str], size: int, integers: list[str], floats: list[str]
) -> tuple[tuple[str, int], ...]:
    """The next registers for the eightbytes of a value; takes them off the lists."""
    parts = []
    for number, name in enumerate(classes):
        if name != "none":
            register = (integers if name == "integer" else floats).pop(0)
            parts.append((register, min(size - 8 * number, 8)))
    return tuple(parts)


def _merge(type_: Type[Any], offset: int, classes: list[str | None]) -> None:
    if isinstance(type_, Struct):
        for field in type_.fields:
            if field.bit_size:
                first = offset * 8 + field.bit_offset
                for eightbyte in {first // 64, (first + field.bit_size - 1) // 64}:
                    classes[eightbyte] = "integer"
            else:
                _merge(field.type, offset + field.offset, classes)
        return
    if isinstance(type_, Array):
        step = _size(type_.element_type)
        for number in range(type_.count):
            _merge(type_.element_type, offset + number * step, classes)
        return
    if isinstance(type_, ExtendedFloat):
        classes[offset // 8], classes[offset // 8 + 1] = "x87", "x87up"
        return
    name = "sse" if isinstance(type_, Float) else "integer"
    for eightbyte in range(offset // 8, -(-(offset + _size(type_)) // 8)):
        if classes[eightbyte] != "integer":
            classes[eightbyte] = name


def _is_unaligned(type_: Type[Any], offset: int) -> bool:
    if isinstance(type_, Struct):
        return any(
            _is_unaligned(field.type, offset + field.offset)
            for field in type_.fields
            if not field.bit_size
        )
    if isinstance(type_, Array):
        return type_.count > 0 and _is_unaligned(type_.element_type, offset)
    alignment = _alignment(type_)
    return alignment > 0 and offset % alignment != 0


def _alignment(type_: Type[Any]) -> int:
    if isinstance(type_, Struct):
        return max((_field_alignment(field) for field in type_.fields), default=1)
    if isinstance(type_, Array):
        return _alignment(type_.element_type)
    return min(_size(type_), 16) or 1


def _field_alignment(field: FieldInfo) -> int:
    return 1 if field.bit_size else _alignment(field.type)


def _size(type_: Type[Any]) -> int:
    return PrototypeType("", "", type_).size or 0
