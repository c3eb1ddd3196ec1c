# SPDX-License-Identifier: Apache-2.0
"""Variables of the source at a moment: where they are and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from reven.ossi.linux.dwarf.expression import Place, UnavailableError, evaluate, value_of
from reven.ossi.linux.dwarf.printing import Bytes, Memory, Printer
from reven.ossi.linux.dwarf.scopes import Declared
from reven.source.debug_information import BinaryDebug, Source
from reven.source.frames import REGISTERS, Frame, FrameMachine
from reven2._service.source import MemberData, PieceData, TypeData, VariableData
from reven2.arch.register import Register

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE

    from reven.trace.symbols import Symbols

_LARGEST = 64 << 10
_MASK = (1 << 64) - 1
_MOST_GLOBALS = 2000
Kind = Literal["parameter", "local", "static", "global"]


class Variables(Memory):
    """Variables in one frame. Holders of the lock of the binary's image only."""

    def __init__(self, frame: Frame, debug: BinaryDebug, source: Source, symbols: Symbols) -> None:
        """`debug`, `source`: of the binary that the frame is in."""
        self._frame, self._source, self._symbols = frame, source, symbols
        self._number = debug.number
        self._vaddr = frame.rva + debug.image_vaddr

    def in_scope(self) -> list[VariableData]:
        """Variables of the functions that the frame stands in, the innermost block's first."""
        return [self._variable(one) for one in self._declared() if self._name(one.die)]

    def named(self, name: str) -> VariableData | None:
        """The variable that a name means in the frame, also one of its compile unit."""
        for one in self._declared():
            if self._name(one.die) == name:
                return self._variable(one)
        for die in self._unit_globals():
            if self._name(die) == name:
                return self._global(die)
        return None

    def globals(self) -> list[VariableData]:
        """Variables outside of functions in the frame's compile unit."""
        return [self._global(die) for die in self._unit_globals()]

    def global_named(self, name: str) -> VariableData | None:
        """A variable outside of functions, by its qualified name."""
        for place in self._source.info.index.variables(name):
            return self._global(self._source.info.entry(place.offset))
        return None

    def text(self, type_: int, data: bytes, address: int | None) -> str:
        """A value as gdb prints it."""
        printer = Printer(self._source.types, self, "<unavailable>")
        return printer.text(type_, Bytes(data, address))

    def _name(self, die: DIE) -> str:
        return self._source.info.name(die)

    def _declared(self) -> list[Declared]:
        return self._source.scopes.declared_at(self._vaddr)

    def _unit_globals(self) -> Iterator[DIE]:
        index = self._source.info.index
        place = index.function_at(self._vaddr)
        if place is not None:
            for variable in index.unit_variables(place.unit)[:_MOST_GLOBALS]:
                yield self._source.info.entry(variable.offset)

    def _global(self, die: DIE) -> VariableData:
        return self._described(die, "global", None, None)

    def _variable(self, declared: Declared) -> VariableData:
        scopes = self._source.scopes
        function = scopes.function_at(self._vaddr)
        base = None
        if function is not None:
            base = scopes.expression(function, "DW_AT_frame_base", self._vaddr)
        return self._described(declared.die, declared.kind, declared, base)

    def _described(
        self,
        die: DIE,
        kind: Kind,
        declared: Declared | None,
        frame_base: bytes | None,
    ) -> VariableData:
        info, types = self._source.info, self._source.types
        machine = FrameMachine(self._frame, frame_base, die.cu)
        type_ = types.of(die)
        stripped = types.stripped(type_)
        elements, size = None, stripped.size or 0
        if stripped.kind == "array" and stripped.count is None:
            elements = self._elements(stripped, machine)
            size = (elements or 0) * (types.stripped(stripped.target).size or 0)
        expression = self._expression(die)
        if kind == "local" and expression is not None and expression[:1] == b"\x03":
            kind = "static"
        places = self._places(die, expression, machine, size)
        value, unknown = self._value(places, size)
        text = unknown
        is_pointer = any(place.kind == "pointer" for place in places)
        if is_pointer and len(places) == 1:
            text = "<synthetic pointer>"
        elif value is not None:
            text = Printer(types, self, unknown).text(type_, value, elements)
        line = info.value(die, "DW_AT_decl_line", 0)
        return VariableData(
            name=info.qualified_name(die) if kind == "global" else info.name(die),
            kind=kind,
            binary=self._number,
            type=type_,
            type_name=types.type(type_).name,
            location=[self._piece(place, size) for place in places],
            data=None if value is None or not value.has(min(size, _LARGEST)) else value.data,
            text=text,
            function="" if declared is None else declared.function,
            is_inlined=declared is not None and declared.is_inlined,
            elements=elements,
            line=line if isinstance(line, int) else 0,
            level=0 if declared is None else declared.level,
        )

    def _expression(self, die: DIE) -> bytes | None:
        for one in self._source.info.with_origins(die):
            if "DW_AT_location" in one.attributes:
                return self._source.scopes.expression(one, "DW_AT_location", self._vaddr)
        return None

    def _places(
        self, die: DIE, expression: bytes | None, machine: FrameMachine, size: int
    ) -> list[Place]:
        if expression is None:
            constant = self._source.info.value(die, "DW_AT_const_value")
            if constant is None:
                return [Place("nowhere")]
            if isinstance(constant, int):
                data = (constant & (1 << 8 * max(size, 1)) - 1).to_bytes(max(size, 1), "little")
            else:
                data = bytes(constant)
            return [Place("data", data=data)]
        try:
            return evaluate(expression, machine)
        except UnavailableError:
            return [Place("nowhere")]

    def _value(self, places: list[Place], size: int) -> tuple[Bytes | None, str]:
        """The bytes, as many as are shown, and how to call what is not known."""
        wanted = min(size, _LARGEST)
        if len(places) == 1 and places[0].kind == "memory" and places[0].bits is None:
            address = places[0].number
            data, known = self._known_bytes(address, wanted)
            return Bytes(data, address, known), "<unavailable>"
        if size > _LARGEST:
            # Only an array whose bound has no value yet looks that large without memory.
            return None, "<optimized out>"
        known = b""
        total = bits = 0
        for place in places:
            width = 8 * size if place.bits is None else place.bits
            found = self._bits_of(place, width)
            if found is not None:
                total |= found << bits
            byte = b"\0" if found is None else b"\1"
            known += byte * ((bits + width + 7) // 8 - len(known))
            bits += width
        known = (known + b"\0" * size)[:size]
        if 1 not in known:
            return (Bytes(b"") if not size else None), "<optimized out>"
        data = (total & (1 << 8 * size) - 1).to_bytes(size, "little")
        return Bytes(data, None, known if 0 in known else None), "<optimized out>"

    def _known_bytes(self, address: int, size: int) -> tuple[bytes, bytes | None]:
        data = self._frame.state.known(address, size) if size else b""
        if data is not None:
            return data, None
        parts = [self._frame.state.known(address + at, 1) for at in range(min(size, 4096))]
        known = bytes(part is not None for part in parts)
        return b"".join(part or b"\0" for part in parts), known

    def _bits_of(self, place: Place, width: int) -> int | None:
        mask = (1 << width) - 1
        if place.kind == "register":
            data = self._register_bytes(place.number)
            if data is None:
                return None
            return int.from_bytes(data, "little") >> place.shift & mask
        if place.kind == "memory":
            found = self._frame.state.known(place.number, (place.shift + width + 7) // 8)
            return None if found is None else int.from_bytes(found, "little") >> place.shift & mask
        if place.kind == "value":
            return place.number >> place.shift & mask
        if place.kind == "data":
            return int.from_bytes(place.data, "little") >> place.shift & mask
        return None

    def _register_bytes(self, number: int) -> bytes | None:
        frame = self._frame
        if frame.view is not None and number in REGISTERS:
            return Register.from_name(REGISTERS[number]).raw_value(frame.view)
        value = frame.registers.get(number)
        return None if value is None else value.to_bytes(8, "little")

    def _piece(self, place: Place, size: int) -> PieceData:
        length = size if place.bits is None else (place.bits + 7) // 8
        match place.kind:
            case "register":
                return PieceData(length, "register", REGISTERS.get(place.number, "?"))
            case "memory":
                return PieceData(length, "memory", address=place.number)
            case "value":
                value = (place.number & _MASK).to_bytes(8, "little")[:length]
                return PieceData(length, "value", value=value)
            case "data":
                return PieceData(length, "value", value=place.data[:length])
        return PieceData(length, "optimized out")

    def _elements(self, type_: TypeData, machine: FrameMachine) -> int | None:
        """Elements of an array whose bound only the program knows."""
        info, scopes = self._source.info, self._source.scopes
        for child in info.entry(type_.id).iter_children():
            for attribute, extra in (("DW_AT_upper_bound", 1), ("DW_AT_count", 0)):
                if attribute not in child.attributes:
                    continue
                try:
                    if child.attributes[attribute].form.startswith("DW_FORM_ref"):
                        bound = child.get_DIE_from_attribute(attribute)
                        expression = scopes.expression(bound, "DW_AT_location", self._vaddr)
                        if expression is None:
                            return None
                        places = evaluate(expression, machine)
                        found, _ = self._value(places, 8)
                        if found is None or not found.has(8):
                            return None
                        return max(0, int.from_bytes(found.data, "little", signed=True) + extra)
                    expression = scopes.expression(child, attribute, None)
                    if expression is not None:
                        count = value_of(expression, machine) + extra & _MASK
                        return 0 if count >> 63 else count
                except UnavailableError:
                    return None
        return None

    def known(self, address: int, size: int) -> bytes | None:
        return self._frame.state.known(address, size)

    def symbol(self, address: int) -> str | None:
        found = self._symbols.locate(self._frame.state.context, address)
        if found is None or found.symbol is None or found.binary is None:
            return None
        name = found.symbol.demangled_name or found.symbol.name
        offset = found.rva - found.symbol.rva
        return f"{name}+{offset}" if offset else name

    def static_address(self, owner: TypeData, name: str) -> int | None:
        info, scopes = self._source.info, self._source.scopes
        for place in info.index.variables(f"{owner.tag}::{name}"):
            expression = scopes.expression(info.entry(place.offset), "DW_AT_location", None)
            try:
                if expression is not None:
                    return value_of(expression, FrameMachine(self._frame))
            except UnavailableError:
                continue
        return None

    def virtual_base(self, owner: TypeData, address: int | None, base: MemberData) -> int | None:
        if address is None:
            return None
        info, scopes = self._source.info, self._source.scopes
        for child in info.entry(owner.id).iter_children():
            if child.tag != "DW_TAG_inheritance" or self._source.types.of(child) != base.type:
                continue
            expression = scopes.expression(child, "DW_AT_data_member_location", None)
            try:
                if expression is not None:
                    return value_of(expression, FrameMachine(self._frame), [address]) - address
            except UnavailableError:
                return None
        return None
