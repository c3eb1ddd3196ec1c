# SPDX-License-Identifier: Apache-2.0
"""Types: from entries of .debug_info to `reven2._service.source.TypeData`.

Source: DWARF 5, chapter 5 "Type Entries"; bit fields of DWARF 2 and 3 as in DWARF 3, §5.6.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from elftools.dwarf.die import DIE

from reven.ossi.linux.dwarf import spelling
from reven.ossi.linux.dwarf.debug_info import DebugInfo
from reven.ossi.linux.dwarf.spelling import Spelling
from reven2._service.source import (
    EnumeratorData,
    MemberData,
    ParameterData,
    TypeData,
    TypeGraph,
    TypeKind,
)

VOID = 0
_DIMENSION = 48
"""An array of several dimensions is one entry but several types: these bits of an id count the
dimension."""
_DIMENSIONS = 0xFF << _DIMENSION
_TYPEDEF = 0x16  # DW_TAG_typedef
_DEEPEST_NAME = 32
_BY_REFERENCE = 4  # DW_CC_pass_by_reference
_POINTER_SIZE = 8

_STRUCTURES: dict[str, Literal["struct", "class", "union"]] = {
    "DW_TAG_structure_type": "struct",
    "DW_TAG_class_type": "class",
    "DW_TAG_union_type": "union",
    "DW_TAG_interface_type": "class",
}
_POINTERS: dict[str, tuple[TypeKind, str]] = {
    "DW_TAG_pointer_type": ("pointer", "*"),
    "DW_TAG_reference_type": ("reference", "&"),
    "DW_TAG_rvalue_reference_type": ("rvalue reference", "&&"),
}
_QUALIFIERS: dict[str, TypeKind] = {
    "DW_TAG_const_type": "const",
    "DW_TAG_volatile_type": "volatile",
    "DW_TAG_restrict_type": "restrict",
    "DW_TAG_atomic_type": "atomic",
    "DW_TAG_immutable_type": "const",
    "DW_TAG_shared_type": "volatile",
    "DW_TAG_packed_type": "typedef",
}
_QUALIFIER_WORDS = {"atomic": "_Atomic"}
_KEYWORDS = ("struct", "union", "class", "enum")
_TAG_OF_KEYWORD = {
    "struct": {0x13, 0x02},
    "class": {0x13, 0x02},
    "union": {0x17},
    "enum": {0x04},
}
# Encodings of base types (DW_ATE_…).
_BASE_KINDS: dict[int, tuple[TypeKind, bool]] = {
    0x02: ("boolean", False),
    0x03: ("complex", True),
    0x04: ("float", True),
    0x05: ("integer", True),
    0x06: ("character", True),
    0x07: ("integer", False),
    0x08: ("character", False),
    0x10: ("character", False),
}

TYPE_ATTRIBUTE = "DW_AT_type"
_VOID = TypeData(VOID, "void", "void")


class Types:
    """The types of one binary. Holders of the image's lock only."""

    def __init__(self, info: DebugInfo) -> None:
        self._info = info
        self._known: dict[int, TypeData] = {VOID: _VOID}
        self._spellings: dict[int, Spelling] = {VOID: Spelling("void")}

    def find(self, name: str) -> int | None:
        """The id of a named type; None if the binary defines none of that name."""
        words = name.split()
        tags = None
        if len(words) > 1 and words[0] in _KEYWORDS:
            tags, name = _TAG_OF_KEYWORD[words[0]], name.split(None, 1)[1]
        for spelled in spelling.spellings(name):
            found = [
                (tag == _TYPEDEF, number)
                for number, tag in self._info.types(spelled)
                if tags is None or tag in tags
            ]
            if found:
                # A structure before a typedef of its name.
                return min(found, key=lambda one: one[0])[1]
        return None

    def of(self, die: DIE) -> int:
        """The id of the type of an entry (a variable, a member …); `VOID` without one."""
        found = self._info.followed(die, TYPE_ATTRIBUTE)
        return VOID if found is None else self._completed(found)

    def graph(self, root: int, others: list[int] | None = None, binary: int = 0) -> TypeGraph:
        """A type (and others) with everything that it is made of."""
        chosen: dict[int, TypeData] = {}
        # What is only pointed to, its members left out.
        waiting = [(type_, True) for type_ in (root, *(others or ()))]
        whole: set[int] = set()
        while waiting:
            number, is_whole = waiting.pop()
            if number in whole or (number in chosen and not is_whole):
                continue
            data = self.type(number)
            if is_whole:
                whole.add(number)
            if data.members is not None:
                if not is_whole:
                    chosen[number] = _without_members(data)
                    continue
                waiting += [(member.type, True) for member in data.members]
            chosen[number] = data
            is_pointer = data.kind in (
                "pointer",
                "reference",
                "rvalue reference",
                "member pointer",
                "function",
            )
            waiting.append((data.target, is_whole and not is_pointer))
            waiting += [(parameter, False) for parameter in data.parameters or ()]
        return TypeGraph(binary, root, list(chosen.values()))

    def type(self, number: int) -> TypeData:
        """A type by its id. Raises BinaryError if the binary has no such entry."""
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = self._read(number)
        return known

    def spelling(self, number: int, depth: int = 0) -> Spelling:
        """How it is spelled."""
        known = self._spellings.get(number)
        if known is None:
            if depth > _DEEPEST_NAME:
                return Spelling("...")
            known = self._spell(number, depth + 1)
            self._spellings[number] = known
        return known

    def stripped(self, number: int) -> TypeData:
        """The type without typedefs and qualifiers."""
        data = self.type(number)
        for _ in range(_DEEPEST_NAME):
            if data.kind not in ("typedef", "const", "volatile", "restrict", "atomic"):
                break
            data = self.type(data.target)
        return data

    def parameters(self, die: DIE) -> tuple[list[ParameterData], bool]:
        """Those of a function or function type, and whether more may follow."""
        found, is_variadic = [], False
        for origin in self._info.with_origins(die):
            for child in origin.iter_children():
                if child.tag == "DW_TAG_formal_parameter":
                    found.append(ParameterData(self._info.name(child), self.of(child)))
                is_variadic |= child.tag == "DW_TAG_unspecified_parameters"
            if found or is_variadic:
                break
        return found, is_variadic

    def _completed(self, die: DIE) -> int:
        """The id of a type; of a declared one that of its definition, in any unit."""
        if "DW_AT_declaration" in die.attributes and die.tag in _STRUCTURES:
            name = self._info.qualified_name(die)
            tags = _TAG_OF_KEYWORD["union" if die.tag == "DW_TAG_union_type" else "struct"]
            for number, tag in self._info.types(name) if name else ():
                if tag in tags:
                    return number
        if "DW_AT_signature" in die.attributes:
            die = die.get_DIE_from_attribute("DW_AT_signature")
        return self._info.number(die)

    def _die(self, number: int) -> DIE:
        return self._info.entry(number & ~_DIMENSIONS)

    def _size(self, die: DIE) -> int | None:
        value = self._info.value(die, "DW_AT_byte_size")
        return value if isinstance(value, int) else None

    def _read(self, number: int) -> TypeData:
        die = self._die(number)
        tag = str(die.tag)
        name = str(self.spelling(number))
        target = self.of(die)
        if tag in _STRUCTURES:
            members = None if "DW_AT_declaration" in die.attributes else list(self._members(die))
            return TypeData(
                number,
                _STRUCTURES[tag],
                name,
                self._size(die) if members is not None else None,
                tag=self._info.qualified_name(die),
                members=members,
                is_by_reference=self._info.value(die, "DW_AT_calling_convention") == _BY_REFERENCE,
            )
        if tag == "DW_TAG_base_type":
            encoding = self._info.value(die, "DW_AT_encoding", 0)
            kind, is_signed = _BASE_KINDS.get(encoding, ("unknown", False))
            size = self._size(die)
            if name == "wchar_t":
                kind = "character"
            elif kind == "character" and size != 1 and encoding != 0x10:
                kind = "integer"
            return TypeData(number, kind, name, size, is_signed=is_signed)
        if tag == "DW_TAG_enumeration_type":
            return self._read_enumeration(number, die, name, target)
        if tag in _POINTERS:
            return TypeData(number, _POINTERS[tag][0], name, _POINTER_SIZE, target)
        if tag == "DW_TAG_array_type":
            return self._read_array(number, die, name, target)
        if tag == "DW_TAG_typedef" or tag in _QUALIFIERS:
            kind = "typedef" if tag == "DW_TAG_typedef" else _QUALIFIERS[tag]
            return TypeData(number, kind, name, self._size_of(target), target)
        if tag == "DW_TAG_subroutine_type":
            parameters, is_variadic = self.parameters(die)
            return TypeData(
                number,
                "function",
                name,
                target=target,
                parameters=[parameter.type for parameter in parameters],
                is_variadic=is_variadic,
            )
        if tag == "DW_TAG_ptr_to_member_type":
            is_function = self.type(target).kind == "function"
            size = 2 * _POINTER_SIZE if is_function else _POINTER_SIZE
            owner = self._info.followed(die, "DW_AT_containing_type")
            owners = [] if owner is None else [self._completed(owner)]
            return TypeData(number, "member pointer", name, size, target, parameters=owners)
        return TypeData(number, "unknown", name, self._size(die), target)

    def _size_of(self, number: int) -> int | None:
        # A structure's size does not need its members read.
        die = None if number == VOID else self._die(number)
        if die is not None and die.tag in _STRUCTURES:
            return None if "DW_AT_declaration" in die.attributes else self._size(die)
        return self.type(number).size

    def _read_enumeration(self, number: int, die: DIE, name: str, target: int) -> TypeData:
        enumerators = [
            EnumeratorData(self._info.name(child), child.attributes["DW_AT_const_value"].value)
            for child in die.iter_children()
            if child.tag == "DW_TAG_enumerator" and "DW_AT_const_value" in child.attributes
        ]
        is_signed = any(one.value < 0 for one in enumerators) or (
            target != VOID and self.stripped(target).is_signed
        )
        return TypeData(
            number,
            "enumeration",
            name,
            self._size(die),
            target,
            is_signed,
            is_scoped="DW_AT_enum_class" in die.attributes,
            tag=self._info.qualified_name(die),
            enumerators=enumerators,
        )

    def _read_array(self, number: int, die: DIE, name: str, element: int) -> TypeData:
        counts = self._counts(die)
        dimension = (number & _DIMENSIONS) >> _DIMENSION
        count = counts[dimension] if dimension < len(counts) else None
        if dimension + 1 < len(counts):
            element = number + (1 << _DIMENSION)
        size = self._size_of(element)
        total = None if size is None else size * (count or 0)
        return TypeData(number, "array", name, total, element, count=count)

    def _counts(self, die: DIE) -> list[int | None]:
        """Elements by dimension; None where only the program knows."""
        counts: list[int | None] = []
        for child in die.iter_children():
            if child.tag == "DW_TAG_subrange_type":
                count = self._info.value(child, "DW_AT_count")
                upper = self._info.value(child, "DW_AT_upper_bound")
                lower = self._info.value(child, "DW_AT_lower_bound", 0)
                if _is_constant(child, "DW_AT_count") and isinstance(count, int):
                    counts.append(count)
                elif _is_constant(child, "DW_AT_upper_bound") and isinstance(upper, int):
                    # All bits set is the bound of an array of no elements.
                    is_empty = upper in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, -1)
                    counts.append(0 if is_empty else upper - lower + 1)
                else:
                    counts.append(None)
        return counts

    def _members(self, die: DIE) -> Iterator[MemberData]:
        for child in die.iter_children():
            if child.tag == "DW_TAG_inheritance":
                type_ = self.of(child)
                yield MemberData("", type_, _member_offset(child), kind="base")
            elif child.tag in ("DW_TAG_member", "DW_TAG_variable"):
                name, type_ = self._info.name(child), self.of(child)
                if child.tag == "DW_TAG_variable" or "DW_AT_external" in child.attributes:
                    yield MemberData(name, type_, None, kind="static")
                else:
                    yield self._field(child, name, type_)

    def _field(self, die: DIE, name: str, type_: int) -> MemberData:
        offset = _member_offset(die)
        if "DW_AT_bit_size" not in die.attributes:
            return MemberData(name, type_, offset)
        bits = die.attributes["DW_AT_bit_size"].value
        if "DW_AT_data_bit_offset" in die.attributes:
            first = die.attributes["DW_AT_data_bit_offset"].value
        else:
            size = self._size(die) or self._size_of(type_) or 0
            from_top = die.attributes["DW_AT_bit_offset"].value if offset is not None else 0
            first = 8 * (offset or 0) + 8 * size - from_top - bits
        return MemberData(name, type_, first // 8, bits, first)

    def _spell(self, number: int, depth: int) -> Spelling:
        die = self._die(number)
        tag = str(die.tag)
        if tag in _STRUCTURES or tag == "DW_TAG_enumeration_type":
            keyword = _STRUCTURES.get(tag, "enum")
            name = spelling.canonical(self._info.qualified_name(die))
            if not name:
                return Spelling(f"{keyword} {{...}}")
            return Spelling(f"{keyword} {name}" if self._info.is_c(die) else name)
        if tag == "DW_TAG_base_type":
            return Spelling(spelling.base_type(self._info.name(die)))
        if tag in ("DW_TAG_typedef", "DW_TAG_unspecified_type"):
            return Spelling(self._info.qualified_name(die) or "?")
        inner = self.spelling(self.of(die), depth)
        if tag in _POINTERS:
            return spelling.pointed(inner, _POINTERS[tag][1])
        if tag in _QUALIFIERS:
            word = _QUALIFIERS[tag]
            return spelling.qualified(inner, _QUALIFIER_WORDS.get(word, word))
        if tag == "DW_TAG_array_type":
            counts = self._counts(die)[(number & _DIMENSIONS) >> _DIMENSION :] or [None]
            for count in reversed(counts):
                inner = spelling.array_of(inner, count)
            return inner
        if tag == "DW_TAG_subroutine_type":
            parameters, is_variadic = self.parameters(die)
            names = [str(self.spelling(one.type, depth)) for one in parameters]
            return spelling.function_of(inner, names, is_variadic)
        if tag == "DW_TAG_ptr_to_member_type":
            owner = self._info.followed(die, "DW_AT_containing_type")
            name = "?" if owner is None else self._info.qualified_name(owner)
            return spelling.pointed(inner, f"{name}::*")
        return Spelling(self._info.qualified_name(die) or "?")


def _member_offset(die: DIE) -> int | None:
    found = die.attributes.get("DW_AT_data_member_location")
    if found is None:
        return 0
    if isinstance(found.value, int):
        return found.value
    # DWARF 2 has an expression: DW_OP_plus_uconst, as far as it is constant.
    operation, *rest = found.value
    if operation != 0x23 or not rest:
        return None
    value = 0
    for shift, byte in enumerate(rest):
        value |= (byte & 0x7F) << 7 * shift
    return value


def _is_constant(die: DIE, attribute: str) -> bool:
    found = die.attributes.get(attribute)
    return found is not None and found.form not in (
        "DW_FORM_exprloc",
        "DW_FORM_block1",
        "DW_FORM_ref4",
        "DW_FORM_ref_addr",
    )


def _without_members(data: TypeData) -> TypeData:
    return msgspec.structs.replace(data, members=None)
