# SPDX-License-Identifier: Apache-2.0
"""Headers of line number programs, with what they make of their bytes bounded: a count stands for
entries that take no bytes, and a string for as many copies as it is referred to.

Source: DWARF 5, §6.2.4 "The Line Number Program Header"; DWARF 2 to 4, same section.
"""

from __future__ import annotations

from dataclasses import dataclass

from reven.ossi.linux.budgets import Budget

__all__ = ["LineHeader", "line_extent", "read_line_header"]

_PATH, _DIRECTORY = 1, 2  # DW_LNCT_…
_BLOCK1, _BLOCK2, _BLOCK4, _BLOCK = 0x0A, 0x03, 0x04, 0x09  # DW_FORM_…
_STRING, _STRP, _LINE_STRP, _UDATA = 0x08, 0x0E, 0x1F, 0x0F
_SIZES = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}  # DW_FORM_data…


@dataclass(frozen=True, slots=True)
class LineHeader:
    """What a line number program says of itself. `files`: name, and number of its directory."""

    version: int
    unit: int  # minimum_instruction_length
    default_is_statement: bool
    line_base: int
    line_range: int
    opcode_base: int
    lengths: bytes  # standard_opcode_lengths
    directories: list[bytes]
    files: list[tuple[bytes, int]]
    start: int  # of the program, in the section
    end: int


class _Reader:
    """Reads a section from a position on, and not beyond an end. Raises ValueError there."""

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self.data, self.position, self.end = data, position, end

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if size < 0 or self.position > self.end:
            raise ValueError("a line table that ends too soon")
        return self.data[start : self.position]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def uleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number in .debug_line is too long")

    def string(self) -> bytes:
        found = self.data.find(b"\0", self.position, self.end)
        if found < 0:
            raise ValueError("a text in .debug_line does not end")
        start, self.position = self.position, found + 1
        return self.data[start:found]


def read_line_header(
    section: bytes, offset: int, strings: dict[int, bytes], budget: Budget
) -> LineHeader:
    """The header at an offset of .debug_line.

    Parameters:
        section: the whole of it.
        offset: where the header begins.
        strings: the sections that texts may be in, by the forms that lead there.
        budget: for the characters of texts.

    Raises:
        ValueError, IndexError: it is damaged.
        TooLargeError: its texts are too long.
    """
    extent = line_extent(section, offset)
    reader = _Reader(section, extent[0], extent[1])
    wide = 8 if extent[0] - offset == 12 else 4
    version = reader.number(2)
    if not 2 <= version <= 5:
        raise ValueError(f"version {version} of .debug_line")
    if version >= 5:
        reader.take(2)  # sizes of addresses and of segment selectors
    length = reader.number(wide)
    start = reader.position + length
    unit = reader.number(1)
    if version >= 4:
        reader.take(1)  # maximum_operations_per_instruction
    default_is_statement = reader.number(1) != 0
    line_base = int.from_bytes(reader.take(1), "little", signed=True)
    line_range, opcode_base = reader.number(1), reader.number(1)
    if line_range == 0 or opcode_base == 0:
        raise ValueError("a line table without special opcodes")
    lengths = reader.take(opcode_base - 1)
    if version >= 5:
        directories = [name for name, _ in _entries(reader, wide, strings, budget)]
        files = _entries(reader, wide, strings, budget)
    else:
        directories, files = _old_entries(reader)
    return LineHeader(
        version, unit, default_is_statement, line_base, line_range, opcode_base, lengths,
        directories, files, min(max(start, reader.position), extent[1]), extent[1],
    )  # fmt: skip


def line_extent(section: bytes, offset: int) -> tuple[int, int]:
    """Where what follows the length of a line table begins, and where it ends."""
    reader = _Reader(section, offset, len(section))
    size = reader.number(4)
    if size == 0xFFFFFFFF:
        size = reader.number(8)
    if size > len(section) - reader.position:
        raise ValueError("a line table that is longer than its section")
    return reader.position, reader.position + size


def _old_entries(reader: _Reader) -> tuple[list[bytes], list[tuple[bytes, int]]]:
    directories = list(iter(reader.string, b""))
    files = []
    while name := reader.string():
        files.append((name, reader.uleb()))
        reader.uleb()
        reader.uleb()
    return directories, files


def _entries(
    reader: _Reader, wide: int, strings: dict[int, bytes], budget: Budget
) -> list[tuple[bytes, int]]:
    """Names and directories' numbers of entries in the format of version 5."""
    formats = [(reader.uleb(), reader.uleb()) for _ in range(reader.number(1))]
    count = reader.uleb()
    # Each form takes a byte at least.
    if count and (not formats or count > reader.end - reader.position):
        raise ValueError("a line table with more files than it has bytes")
    found = []
    for _ in range(count):
        name, directory = b"", 0
        for kind, form in formats:
            value = _value(reader, form, wide, strings, budget)
            if kind == _PATH and isinstance(value, bytes):
                name = value
            elif kind == _DIRECTORY and isinstance(value, int):
                directory = value
        found.append((name, directory))
    return found


def _value(
    reader: _Reader, form: int, wide: int, strings: dict[int, bytes], budget: Budget
) -> bytes | int:
    if form == _STRING:
        return reader.string()
    if form == _UDATA:
        return reader.uleb()
    if form in _SIZES:
        return reader.number(_SIZES[form])
    if form in (_STRP, _LINE_STRP):
        section, at = strings.get(form, b""), reader.number(wide)
        end = section.find(b"\0", at)
        if not at <= end:
            raise ValueError("a text that is in no section")
        budget.spend(end - at)
        return section[at:end]
    if form in (_BLOCK, _BLOCK1, _BLOCK2, _BLOCK4):
        sizes = {_BLOCK1: 1, _BLOCK2: 2, _BLOCK4: 4}
        return reader.take(reader.number(sizes[form]) if form in sizes else reader.uleb())
    raise ValueError(f"the form {form:#x} in a line table")
