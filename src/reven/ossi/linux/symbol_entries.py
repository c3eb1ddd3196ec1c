# SPDX-License-Identifier: Apache-2.0
"""The raw entries of ELF symbol tables.

pyelftools finds the tables; their fixed-size entries are decoded with numpy, because a
Python object per entry takes ten times as long and large C++ programs have 200,000.
Source: System V ABI, "Symbol Table".
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from elftools.elf.sections import Section

    from reven.ossi.linux.elf_file import ElfFile

SYMBOL = np.dtype(
    [
        ("name", "<u4"),
        ("info", "u1"),
        ("other", "u1"),
        ("section", "<u2"),
        ("value", "<u8"),
        ("size", "<u8"),
    ]
)


def names_at(strings: bytes, offsets: list[int]) -> list[str]:
    """The zero-terminated names at these offsets of a string table."""
    return [
        strings[offset : strings.find(b"\0", offset)].decode("utf-8", "replace")
        for offset in offsets
    ]


def dynamic_tables(image: ElfFile) -> tuple[np.ndarray, bytes]:
    """Entries of the dynamic symbol table (dtype SYMBOL) and its string table."""
    section = image.elf.get_section_by_name(".dynsym")
    if section is not None:
        return section_tables(image, section)
    # A file without section headers still has what its dynamic linker needs.
    if image.dynamic is not None:
        _, symbols = image.dynamic.get_table_offset("DT_SYMTAB")
        _, strings = image.dynamic.get_table_offset("DT_STRTAB")
        if symbols is not None and strings is not None:
            size = image.dynamic.num_symbols() * SYMBOL.itemsize
            end = strings + (image.dynamic_value("DT_STRSZ") or 0)
            return _entries(image.data[symbols : symbols + size]), bytes(image.data[strings:end])
    return np.zeros(0, SYMBOL), b""


def section_tables(image: ElfFile, section: Section) -> tuple[np.ndarray, bytes]:
    """Entries of a symbol table section (dtype SYMBOL) and its string table."""
    header = section.header
    data = image.data[header["sh_offset"] : header["sh_offset"] + header["sh_size"]]
    strings = image.elf.get_section(header["sh_link"]).header
    low = strings["sh_offset"]
    return _entries(data), bytes(image.data[low : low + strings["sh_size"]])


_VERSION_DEFINITION = struct.Struct("<HHHHIII")  # version flags index count hash aux next
_HIDDEN = 0x8000


def defined_versions(image: ElfFile) -> dict[int, str]:
    """The versions that the binary gives its own symbols, by index. Source: Linux Standard
    Base, "Symbol Versioning"."""
    section = image.elf.get_section_by_name(".gnu.version_d")
    if section is None:
        return {}
    low, size = section["sh_offset"], section["sh_size"]
    data = bytes(image.data[low : low + size])
    strings = image.elf.get_section(section["sh_link"]).header
    names = bytes(image.data[strings["sh_offset"] : strings["sh_offset"] + strings["sh_size"]])
    versions: dict[int, str] = {}
    position = 0
    # Bounded by what fits, for a file may say that an entry follows itself.
    for _ in range(len(data) // _VERSION_DEFINITION.size):
        if position + _VERSION_DEFINITION.size > len(data):
            break
        entry = _VERSION_DEFINITION.unpack_from(data, position)
        auxiliary = position + entry[5]
        if auxiliary + 4 <= len(data):
            (offset,) = struct.unpack_from("<I", data, auxiliary)
            versions[entry[2] & ~_HIDDEN] = names_at(names, [offset])[0]
        if not entry[6]:
            break
        position += entry[6]
    return versions


def superseded_versions(image: ElfFile, versions: dict[int, str]) -> dict[int, str]:
    """Which entries of the dynamic symbol table are of a version that is kept for older
    programs only, by index, and which version."""
    section = image.elf.get_section_by_name(".gnu.version")
    if section is None or not versions:
        return {}
    low, size = section["sh_offset"], section["sh_size"] & ~1
    numbers = np.frombuffer(image.data[low : low + size], "<u2")
    return {
        index: versions[number]
        for index in np.flatnonzero(numbers & _HIDDEN).tolist()
        if (number := int(numbers[index]) & ~_HIDDEN) in versions
    }


def _entries(data: memoryview) -> np.ndarray:
    return np.frombuffer(data[: len(data) // SYMBOL.itemsize * SYMBOL.itemsize], SYMBOL)
