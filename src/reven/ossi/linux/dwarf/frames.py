# SPDX-License-Identifier: Apache-2.0
"""Frames of a stack by call frame information: .eh_frame and .debug_frame.

Source: DWARF 5, §6.4 "Call Frame Information"; Linux Standard Base Core 5.0, §10.6 "Exception
Frames" for .eh_frame and its pointer encodings.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reven.ossi.linux.budgets import section_data
from reven.ossi.linux.dwarf.expression import Machine, UnavailableError, _Reader, value_of
from reven.ossi.linux.elf_header import tolerate_damage

if TYPE_CHECKING:
    from reven.ossi.linux.elf import ElfImage

RETURN_ADDRESS, STACK_POINTER = 16, 7
_CALLEE_SAVED = (3, 6, 12, 13, 14, 15)  # rbx, rbp, r12 … r15
_SEARCH_ENTRY = struct.Struct("<ii")


@dataclass(frozen=True)
class Rule:
    """How to find a caller's register. `kind`: `at` (memory, CFA + number), `value` (CFA +
    number), `register` (in another), `expression` (address), `value expression`, `same`,
    `undefined`; for the CFA itself `offset` (register + number) or `value expression`."""

    kind: str
    number: int = 0
    register: int = 0
    expression: bytes = b""


@dataclass
class Row:
    """The rules that hold at an address."""

    cfa: Rule = field(default_factory=lambda: Rule("undefined"))
    rules: dict[int, Rule] = field(default_factory=dict)
    is_signal: bool = False


@dataclass
class _Common:
    """A CIE."""

    code_factor: int
    data_factor: int
    return_register: int
    encoding: int
    is_signal: bool
    has_augmentation: bool
    instructions: bytes


class CallFrames:
    """The call frame information of one binary. Holders of the image's lock only."""

    def __init__(self, image: ElfImage) -> None:
        self._commons: dict[tuple[str, int], _Common] = {}
        self._sections: dict[str, tuple[bytes, int]] = {}
        for source in (image, image.debug_image):
            if source is None:
                continue
            for name in (".eh_frame", ".eh_frame_hdr", ".debug_frame"):
                section = source.elf.get_section_by_name(name)
                if section is None or section["sh_type"] == "SHT_NOBITS":
                    continue
                self._sections.setdefault(name, (section_data(section), section["sh_addr"]))
        self._ranges: list[tuple[int, int, str, int]] | None = None
        self._path = image.path

    def row(self, address: int) -> Row | None:
        """The rules at a virtual address of the file; None without information."""
        with tolerate_damage(self._path, "the call frame information"):
            found = self._find(address)
            if found is None:
                return None
            name, position = found
            return self._run(name, position, address)
        return None

    def _find(self, address: int) -> tuple[str, int] | None:
        """Section and position of the FDE that covers an address."""
        position = self._search_table(address)
        if position is not None:
            return ".eh_frame", position
        if self._ranges is None:
            self._ranges = sorted(
                entry for name in (".eh_frame", ".debug_frame") for entry in self._list(name)
            )
        index = bisect_right(self._ranges, (address, 1 << 64, "", 0)) - 1
        if index >= 0 and address < self._ranges[index][1]:
            return self._ranges[index][2:]
        return None

    def _search_table(self, address: int) -> int | None:
        """By the table in .eh_frame_hdr, where it is the usual one."""
        data, at = self._sections.get(".eh_frame_hdr", (b"", 0))
        # version, encodings: udata4 count, pc-relative pointer, data-relative sdata4 table
        if data[:4] != b"\x01\x1b\x03\x3b" or ".eh_frame" not in self._sections:
            return None
        count = int.from_bytes(data[8:12], "little")
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            start, _ = _SEARCH_ENTRY.unpack_from(data, 12 + 8 * middle)
            if start + at <= address:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return None
        _, offset = _SEARCH_ENTRY.unpack_from(data, 12 + 8 * (low - 1))
        position = int(offset) + at - self._sections[".eh_frame"][1]
        first, end, _, _ = self._entry(".eh_frame", position)
        return position if first <= address < end else None

    def _list(self, name: str) -> Iterator[tuple[int, int, str, int]]:
        data, _ = self._sections.get(name, (b"", 0))
        position = 0
        while position + 4 <= len(data):
            length, header = _length(data, position)
            if length == 0:
                return
            if not self._is_common(name, position + header):
                first, end, _, _ = self._entry(name, position)
                if first:
                    yield first, end, name, position
            position += header + length

    def _is_common(self, name: str, position: int) -> bool:
        data = self._sections[name][0]
        word = int.from_bytes(data[position : position + 4], "little")
        return word == (0 if name == ".eh_frame" else 0xFFFFFFFF)

    def _entry(self, name: str, position: int) -> tuple[int, int, _Common, bytes]:
        """Code range, CIE and instructions of the FDE at a position."""
        data, at = self._sections[name]
        length, header = _length(data, position)
        reader = _Reader(data[: position + header + length])
        reader.at = position + header
        pointer = reader.fixed(4)
        is_eh = name == ".eh_frame"
        common = self._common(name, position + header - pointer if is_eh else pointer)
        if is_eh:
            first = _pointer(reader, common.encoding, at)
            size = _pointer(reader, common.encoding & 0x0F, at)
        else:
            first, size = reader.fixed(8), reader.fixed(8)
        if common.has_augmentation:
            reader.block(reader.uleb())
        return first, first + size, common, reader.data[reader.at :]

    def _common(self, name: str, position: int) -> _Common:
        known = self._commons.get((name, position))
        if known is None:
            known = self._commons[name, position] = self._read_common(name, position)
        return known

    def _read_common(self, name: str, position: int) -> _Common:
        data, at = self._sections[name]
        length, header = _length(data, position)
        reader = _Reader(data[: position + header + length])
        reader.at = position + header + 4
        version = reader.fixed(1)
        end = data.index(0, reader.at)
        augmentation = data[reader.at : end].decode("ascii", "replace")
        reader.at = end + 1
        if version >= 4:
            reader.fixed(2)  # sizes of addresses and of segment selectors
        code_factor, data_factor = reader.uleb(), reader.sleb()
        return_register = reader.fixed(1) if version == 1 else reader.uleb()
        encoding, is_signal = 0, False
        if augmentation.startswith("z"):
            extra = _Reader(reader.block(reader.uleb()))
            for letter in augmentation[1:]:
                if letter == "R":
                    encoding = extra.fixed(1)
                elif letter == "P":
                    _pointer(extra, extra.fixed(1) & 0x7F, at)
                elif letter == "L":
                    extra.fixed(1)
                is_signal |= letter == "S"
        return _Common(
            code_factor,
            data_factor,
            return_register,
            encoding,
            is_signal,
            augmentation.startswith("z"),
            reader.data[reader.at :],
        )

    def _run(self, name: str, position: int, address: int) -> Row:
        first, _, common, instructions = self._entry(name, position)
        row = Row(is_signal=common.is_signal)
        _Program(common, row, first, address, {}).run(common.instructions)
        program = _Program(common, row, first, address, dict(row.rules))
        program.run(instructions)
        return row


class _Program:
    """Runs call frame instructions until the row of an address stands."""

    def __init__(
        self, common: _Common, row: Row, location: int, wanted: int, initial: dict[int, Rule]
    ) -> None:
        self._common, self._row = common, row
        self._location, self._wanted, self._initial = location, wanted, initial
        self._saved: list[tuple[Rule, dict[int, Rule]]] = []

    def run(self, instructions: bytes) -> None:
        reader = _Reader(instructions)
        while reader.at < len(instructions) and self._location <= self._wanted:
            self._step(reader, reader.fixed(1))

    def _advance(self, delta: int) -> None:
        self._location += delta * self._common.code_factor

    def _step(self, reader: _Reader, byte: int) -> None:
        rules, factor = self._row.rules, self._common.data_factor
        high, low = byte & 0xC0, byte & 0x3F
        if high == 0x40:
            self._advance(low)
        elif high == 0x80:
            rules[low] = Rule("at", reader.uleb() * factor)
        elif high == 0xC0:
            self._restore(low)
        elif byte in (0x02, 0x03, 0x04):  # advance_loc1, 2, 4
            self._advance(reader.fixed(1 << byte - 2))
        elif byte == 0x01:  # set_loc
            self._location = reader.fixed(8)
        elif byte in (0x05, 0x11, 0x14, 0x15, 0x2F):
            register = reader.uleb()
            is_signed = byte in (0x11, 0x15)
            offset = (reader.sleb() if is_signed else reader.uleb()) * factor
            offset = -offset if byte == 0x2F else offset
            rules[register] = Rule("value" if byte in (0x14, 0x15) else "at", offset)
        elif byte == 0x06:
            self._restore(reader.uleb())
        elif byte in (0x07, 0x08):
            rules[reader.uleb()] = Rule("undefined" if byte == 0x07 else "same")
        elif byte == 0x09:
            register = reader.uleb()
            rules[register] = Rule("register", register=reader.uleb())
        elif byte == 0x0A:  # remember_state
            self._saved.append((self._row.cfa, dict(rules)))
        elif byte == 0x0B and self._saved:  # restore_state
            self._row.cfa, self._row.rules = self._saved.pop()
        elif byte in (0x0C, 0x12):  # def_cfa
            register = reader.uleb()
            offset = reader.uleb() if byte == 0x0C else reader.sleb() * factor
            self._row.cfa = Rule("offset", offset, register)
        elif byte == 0x0D:
            self._row.cfa = Rule("offset", self._row.cfa.number, reader.uleb())
        elif byte in (0x0E, 0x13):
            offset = reader.uleb() if byte == 0x0E else reader.sleb() * factor
            self._row.cfa = Rule("offset", offset, self._row.cfa.register)
        elif byte == 0x0F:
            self._row.cfa = Rule("value expression", expression=reader.block(reader.uleb()))
        elif byte in (0x10, 0x16):
            register = reader.uleb()
            kind = "expression" if byte == 0x10 else "value expression"
            rules[register] = Rule(kind, expression=reader.block(reader.uleb()))
        elif byte == 0x2E:  # GNU_args_size
            reader.uleb()
        elif byte != 0x00:
            raise ValueError(f"the call frame instruction {byte:#x} is not known")

    def _restore(self, register: int) -> None:
        if register in self._initial:
            self._row.rules[register] = self._initial[register]
        else:
            self._row.rules.pop(register, None)


def cfa_of(row: Row, machine: Machine) -> int:
    """The canonical frame address: the stack pointer before the call. Raises
    UnavailableError."""
    if row.cfa.kind == "offset":
        return machine.register(row.cfa.register) + row.cfa.number & (1 << 64) - 1
    if row.cfa.kind == "value expression":
        return value_of(row.cfa.expression, machine)
    raise UnavailableError("the frame's address is not described")


def caller_registers(row: Row, machine: Machine) -> dict[int, int]:
    """The registers that the caller has again after the return, the return address as
    `RETURN_ADDRESS`. Raises UnavailableError if there is no caller."""
    cfa = cfa_of(row, machine)
    found = {STACK_POINTER: cfa}
    for register in {*_CALLEE_SAVED, *row.rules, RETURN_ADDRESS}:
        rule = row.rules.get(register, Rule("same"))
        try:
            value = _restored(register, rule, cfa, machine)
        except UnavailableError:
            continue
        if value is not None:
            found[register] = value
    if RETURN_ADDRESS not in row.rules or RETURN_ADDRESS not in found:
        raise UnavailableError("there is no caller")
    return found


def _restored(register: int, rule: Rule, cfa: int, machine: Machine) -> int | None:
    def read(address: int) -> int:
        return int.from_bytes(machine.memory(address, 8), "little")

    match rule.kind:
        case "at":
            return read(cfa + rule.number)
        case "value":
            return cfa + rule.number
        case "register":
            return machine.register(rule.register)
        case "expression":
            return read(value_of(rule.expression, machine, [cfa]))
        case "value expression":
            return value_of(rule.expression, machine, [cfa])
        case "same":
            return machine.register(register)
    return None


def _length(data: bytes, position: int) -> tuple[int, int]:
    """Length of an entry, and bytes that say it."""
    length = int.from_bytes(data[position : position + 4], "little")
    if length == 0xFFFFFFFF:
        return int.from_bytes(data[position + 4 : position + 12], "little"), 12
    return length, 4


def _pointer(reader: _Reader, encoding: int, section: int) -> int:
    """An encoded pointer of a section at that virtual address."""
    here = section + reader.at
    readers: dict[int, Callable[[], int]] = {
        0x00: lambda: reader.fixed(8),
        0x01: reader.uleb,
        0x02: lambda: reader.fixed(2),
        0x03: lambda: reader.fixed(4),
        0x04: lambda: reader.fixed(8),
        0x09: reader.sleb,
        0x0A: lambda: reader.fixed(2, signed=True),
        0x0B: lambda: reader.fixed(4, signed=True),
        0x0C: lambda: reader.fixed(8, signed=True),
    }
    value = readers[encoding & 0x0F]()
    return value + here if encoding & 0x70 == 0x10 else value
