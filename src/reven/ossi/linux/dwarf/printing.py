# SPDX-License-Identifier: Apache-2.0
"""Values as gdb prints them with its default settings.

Source: gdb manual, "Print Settings": at most 200 elements, long runs of equal ones as
`<repeats n times>`, addresses with symbols.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Protocol

from reven.ossi.linux.dwarf.types import Types
from reven2._service.source import MemberData, TypeData

_ELEMENTS = 200
_REPEATS = 10
_DEEPEST = 20
_LARGEST = 64 << 10  # bytes of one member
_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\033"}
_STRUCTURES = ("struct", "class", "union")


class Memory(Protocol):
    """What printing asks of the moment."""

    def known(self, address: int, size: int) -> bytes | None:
        """The bytes there, None if not all are known."""

    def symbol(self, address: int) -> str | None:
        """`main+4`, or None where no symbol is."""

    def static_address(self, owner: TypeData, name: str) -> int | None:
        """Where a static member is."""

    def virtual_base(self, owner: TypeData, address: int | None, base: MemberData) -> int | None:
        """Where a virtual base class of an object is, from its start."""


@dataclass(frozen=True)
class Bytes:
    """The bytes of a value: `known` has a byte for each, 0 where nobody knows it; None: all are
    known. `address`: where they stand, None for nowhere."""

    data: bytes
    address: int | None = None
    known: bytes | None = None

    def part(self, offset: int, size: int) -> Bytes:
        """Some of them."""
        return Bytes(
            self.data[offset : offset + size],
            None if self.address is None else self.address + offset,
            None if self.known is None else self.known[offset : offset + size],
        )

    def has(self, size: int) -> bool:
        """Whether the first bytes are all known."""
        return len(self.data) >= size and (self.known is None or 0 not in self.known[:size])


@dataclass
class Printer:
    """Prints the values of one binary's types. `unknown` stands for what is not known."""

    types: Types
    memory: Memory
    unknown: str = "<optimized out>"

    def text(self, number: int, value: Bytes, count: int | None = None) -> str:
        """A value. `count`: elements of an array whose type does not say it."""
        return self._value(number, value, 0, count)

    def _value(self, number: int, value: Bytes, depth: int, count: int | None = None) -> str:
        type_ = self.types.stripped(number)
        if depth > _DEEPEST:
            return "..."
        if type_.kind in _STRUCTURES:
            return self._structure(type_, value, depth, set())
        if type_.kind == "array":
            elements = count if type_.count is None else type_.count
            if elements is None:
                return self.unknown if value.address is None else f"{value.address:#x}"
            return self._array(type_, elements, value, depth)
        if type_.kind == "function" and value.address is not None:
            return f"{{{type_.name}}} {self._code(value.address)}"
        if type_.size is None:
            return "<incomplete type>"
        if not value.has(type_.size):
            return self.unknown
        return self._scalar(type_, value.data[: type_.size], depth)

    def _scalar(self, type_: TypeData, data: bytes, depth: int) -> str:
        number = int.from_bytes(data, "little", signed=type_.is_signed)
        match type_.kind:
            case "integer":
                return str(number)
            case "character":
                return _character(type_, number)
            case "boolean":
                return {0: "false", 1: "true"}.get(number, str(number))
            case "float":
                return float_text(data)
            case "complex":
                return complex_text(data)
            case "enumeration":
                return enumeration_text(type_, number)
            case "pointer":
                return self._pointer(type_, int.from_bytes(data, "little"))
            case "reference" | "rvalue reference":
                return self._reference(type_, int.from_bytes(data, "little"), depth)
            case "member pointer" if type_.size == 8:
                return self._member_pointer(type_, int.from_bytes(data, "little", signed=True))
        return f"{int.from_bytes(data, 'little'):#x}"

    def _pointer(self, type_: TypeData, address: int) -> str:
        target = self.types.stripped(type_.target)
        if target.kind == "function":
            return self._code(address)
        text = f"{address:#x}"
        if not address:
            return text
        if target.kind == "character" and target.size == 1:
            return f"{text} {self._string_at(address)}"
        name = self.memory.symbol(address)
        return text if name is None else f"{text} <{name}>"

    def _code(self, address: int) -> str:
        name = self.memory.symbol(address) if address else None
        return f"{address:#x}" + (f" <{name}>" if name else "")

    def _reference(self, type_: TypeData, address: int, depth: int) -> str:
        if depth:
            return f"@{address:#x}"
        size = self.types.stripped(type_.target).size
        data = b"" if size is None else self.memory.known(address, size)
        if data is None:
            return f"@{address:#x}: {_error(address)}"
        return f"@{address:#x}: {self._value(type_.target, Bytes(data, address), 1)}"

    def _member_pointer(self, type_: TypeData, offset: int) -> str:
        if offset < 0:
            return "NULL"
        for owner in type_.parameters or ():
            if (name := self._member_at(self.types.stripped(owner), offset)) is not None:
                return f"&{name}"
        return str(offset)

    def _member_at(self, owner: TypeData, offset: int) -> str | None:
        """The qualified name of the member at an offset, also of a base class."""
        for member in owner.members or ():
            if member.kind == "field" and member.offset == offset:
                return f"{owner.tag}::{member.name}"
            if member.kind == "base" and member.offset is not None and member.offset <= offset:
                base = self.types.stripped(member.type)
                if (found := self._member_at(base, offset - member.offset)) is not None:
                    return found
        return None

    def _string_at(self, address: int) -> str:
        """A C string, up to the limit of elements."""
        data = b""
        while len(data) < _ELEMENTS:
            at = address + len(data)
            room = min(64, _ELEMENTS - len(data), 4096 - at % 4096)
            part = self.memory.known(at, room)
            is_whole = part is not None
            if part is None:
                part = _longest_known(self.memory.known, at, room)
            end = part.find(0)
            if end >= 0:
                return characters_text(data + part[:end])
            data += part
            if not is_whole:
                error = _error(address + len(data))
                return f"{characters_text(data)}{error}" if data else error
        following = self.memory.known(address + len(data), 1)
        return characters_text(data, is_cut=following != b"\0")

    def _structure(self, type_: TypeData, value: Bytes, depth: int, seen: set[int]) -> str:
        """`seen`: the virtual base classes of the object that were printed already."""
        if type_.members is None:
            type_ = self.types.type(type_.id)
        if type_.members is None:
            return "<incomplete type>"
        parts = [
            self._member(type_, one, value, depth, seen)
            for one in type_.members
            if one.offset is not None or one.kind == "static" or one.type not in seen
        ]
        return "{" + ", ".join(parts) + "}"

    def _member(
        self, owner: TypeData, member: MemberData, value: Bytes, depth: int, seen: set[int]
    ) -> str:
        if member.kind == "static":
            text = self._static(member, self.memory.static_address(owner, member.name), depth)
            return f"static {member.name} = {text}"
        if member.kind == "base":
            name = self.types.type(member.type).name
            return f"<{name}> = {self._base(owner, member, value, depth, seen)}"
        if member.bit_size:
            return f"{member.name} = {self._bits(member, value)}"
        size = self.types.stripped(member.type).size or 0
        text = self._value(member.type, self._part(value, member.offset or 0, size), depth + 1)
        return f"{member.name} = {text}" if member.name else text

    def _base(
        self, owner: TypeData, member: MemberData, value: Bytes, depth: int, seen: set[int]
    ) -> str:
        base = self.types.stripped(member.type)
        size, offset = base.size or 0, member.offset
        if offset is not None:
            return self._structure(base, self._part(value, offset, size), depth + 1, seen)
        seen.add(member.type)
        offset = self.memory.virtual_base(owner, value.address, member)
        if offset is None or value.address is None:
            return "<invalid address>"
        # It may stand behind what was read of the object.
        place = value.address + offset
        data = self.memory.known(place, size)
        return self._structure(base, Bytes(data or b"", place), depth + 1, seen)

    def _part(self, value: Bytes, offset: int, size: int) -> Bytes:
        """Some of a value's bytes; those behind what was read come from memory."""
        part = value.part(offset, size)
        if len(part.data) == size or part.address is None or value.known is not None:
            return part
        data = self.memory.known(part.address, min(size, _LARGEST))
        return part if data is None else Bytes(data, part.address)

    def _static(self, member: MemberData, address: int | None, depth: int) -> str:
        size = self.types.stripped(member.type).size
        if address is None or size is None:
            return "<optimized out>"
        data = self.memory.known(address, size)
        return self._value(member.type, Bytes(data or b"", address), depth + 1)

    def _bits(self, member: MemberData, value: Bytes) -> str:
        type_ = self.types.stripped(member.type)
        first = member.bit_offset // 8
        size = (member.bit_offset + member.bit_size + 7) // 8 - first
        part = value.part(first, size)
        if not part.has(size):
            return self.unknown
        bits = int.from_bytes(part.data, "little") >> member.bit_offset % 8
        bits &= (1 << member.bit_size) - 1
        if type_.is_signed and bits >> member.bit_size - 1:
            bits -= 1 << member.bit_size
        if type_.kind == "enumeration":
            return enumeration_text(type_, bits)
        width = type_.size or 8
        return self._scalar(type_, (bits & (1 << 8 * width) - 1).to_bytes(width, "little"), 1)

    def _array(self, type_: TypeData, count: int, value: Bytes, depth: int) -> str:
        element = self.types.stripped(type_.target)
        size = element.size or 0
        if element.kind == "character" and element.size == 1 and value.has(count):
            # A zero at the very end only ends the string.
            data = value.data[:count]
            return characters_text(data[:-1] if data.endswith(b"\0") else data)
        if element.kind == "character" and element.size == 1 and value.has(len(value.data)):
            return characters_text(value.data, is_cut=True) if value.data else self.unknown
        if count == 0 or size == 0:
            return "{}"
        here = min(count, len(value.data) // size)
        if not here:
            return self.unknown
        words: list[str] = []
        number = printed = 0
        while number < here and printed < _ELEMENTS:
            part = value.part(number * size, size)
            end = number + 1
            while end < here:
                other = value.part(end * size, size)
                if (other.data, other.known) != (part.data, part.known):
                    break
                end += 1
            text = self._value(type_.target, part, depth + 1)
            if end - number > _REPEATS:
                words.append(f"{text} <repeats {end - number} times>")
                number, printed = end, printed + _REPEATS
            else:
                words.append(text)
                number, printed = number + 1, printed + 1
        return "{" + ", ".join(words) + ("..." if number < count else "") + "}"


def _error(address: int) -> str:
    return f"<error: Cannot access memory at address {address:#x}>"


def _character(type_: TypeData, value: int) -> str:
    if type_.size == 1:
        return f"{value} {quoted_character(value & 0xFF)}"
    prefix = {"wchar_t": "L", "char16_t": "u"}.get(type_.name, "U")
    is_text = 31 < value < 0x110000 and not 0xD800 <= value < 0xE000
    shown = chr(value) if is_text else f"\\{value:03o}"
    return f"{value} {prefix}'{shown}'"


def _longest_known(known: Callable[[int, int], bytes | None], address: int, size: int) -> bytes:
    data = b""
    for at in range(address, address + size):
        part = known(at, 1)
        if part is None:
            break
        data += part
    return data


def enumeration_text(type_: TypeData, value: int) -> str:
    """An enumerator's name; of flags all that are set."""
    names = type_.enumerators or []
    scope = type_.tag if type_.is_scoped else type_.tag.rpartition("::")[0]
    prefix = f"{scope}::" if scope else ""
    for one in names:
        if one.value == value:
            return prefix + one.name
    # Flags have a bit each, another one.
    flags = [one for one in names if one.value]
    are_flags = all(one.value > 0 and one.value.bit_count() == 1 for one in flags)
    if not flags or not are_flags or len({one.value for one in flags}) < len(flags):
        return str(value)
    if value == 0:
        return "0"
    rest, words = value, []
    for one in flags:
        if one.value & rest:
            words.append(prefix + one.name)
            rest &= ~one.value
    if rest:
        words.append(f"unknown: {rest:#x}")
    return "(" + " | ".join(words) + ")"


def quoted_character(byte: int) -> str:
    """`97` as `'a'`, `0` as `'\\000'`."""
    return f"'{_character_text(byte, chr(39))}'"


def _character_text(byte: int, quote: str) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    if 32 <= byte < 127:
        character = chr(byte)
        return "\\" + character if character in (quote, "\\") else character
    return f"\\{byte:03o}"


def characters_text(data: bytes, is_cut: bool = False) -> str:
    """A string of UTF-8 in quotes, long runs of a character apart from it. `is_cut`: it goes
    on."""
    if not data:
        return '""'
    characters = list(_characters(data))
    parts: list[str] = []
    text = ""
    at = 0
    while at < len(characters) and at < _ELEMENTS:
        end = at
        while end < len(characters) and characters[end] == characters[at]:
            end += 1
        if end - at > _REPEATS:
            if text:
                parts.append(f'"{text}"')
                text = ""
            parts.append(f"'{_escaped(characters[at])}' <repeats {end - at} times>")
        else:
            text += _escaped(characters[at]) * (end - at)
        at = end
    if text:
        parts.append(f'"{text}"')
    return ", ".join(parts) + ("..." if is_cut or at < len(characters) else "")


def _characters(data: bytes) -> Iterator[bytes]:
    """The bytes of each character; those that are none alone."""
    at = 0
    while at < len(data):
        first = data[at]
        size = 1 if first < 0xC2 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        try:
            data[at : at + size].decode()
        except UnicodeDecodeError:
            size = 1
        yield data[at : at + size]
        at += size


def _escaped(character: bytes) -> str:
    if len(character) > 1 and (text := character.decode()).isprintable():
        return text
    return "".join(_character_text(byte, '"') for byte in character)


def complex_text(data: bytes) -> str:
    """`1 + 2i`."""
    half = len(data) // 2
    imaginary = float_text(data[half:])
    sign = "-" if imaginary.startswith("-") else "+"
    return f"{float_text(data[:half])} {sign} {imaginary.lstrip('-')}i"


def float_text(data: bytes) -> str:
    """A float with as many digits as its type needs to be read back."""
    if len(data) == 4:
        return _digits(struct.unpack("<f", data)[0], 9, data)
    if len(data) == 8:
        return _digits(struct.unpack("<d", data)[0], 17, data)
    if len(data) == 16:
        return extended_text(data)
    return f"{int.from_bytes(data, 'little'):#x}"


def _digits(value: float, digits: int, data: bytes) -> str:
    if math.isnan(value):
        bits = int.from_bytes(data, "little")
        sign, width = bits >> 8 * len(data) - 1, 23 if len(data) == 4 else 52
        return f"{'-' if sign else ''}nan({bits & (1 << width) - 1:#x})"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return f"{value:.{digits}g}"


def extended_text(data: bytes) -> str:
    """An x87 float of 80 bits, with 21 digits."""
    fraction = int.from_bytes(data[:8], "little")
    exponent = int.from_bytes(data[8:10], "little")
    sign = "-" if exponent & 0x8000 else ""
    exponent &= 0x7FFF
    if exponent == 0x7FFF:
        rest = fraction & (1 << 63) - 1
        return f"{sign}nan({fraction:#x})" if rest else f"{sign}inf"
    if fraction == 0:
        return f"{sign}0"
    context = Context(prec=6000, Emin=-20000, Emax=20000)
    power = exponent - 16383 - 63
    scale = context.power(Decimal(2), abs(power))
    value = (
        context.multiply(Decimal(fraction), scale)
        if power >= 0
        else context.divide(Decimal(fraction), scale)
    )
    rounded = Context(prec=21, Emin=-20000, Emax=20000).plus(value)
    return sign + general_text(rounded, 21)


def general_text(value: Decimal, digits: int) -> str:
    """Like `%.{digits}Lg` of C."""
    exponent = value.adjusted()
    if -5 < exponent < digits:
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa = f"{value.scaleb(-exponent):f}"
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{exponent:+03d}"
