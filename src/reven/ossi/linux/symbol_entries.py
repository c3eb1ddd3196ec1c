# SPDX-License-Identifier: Apache-2.0
"""The raw entries of ELF symbol tables.

pyelftools finds the tables; their fixed-size entries are decoded with numpy, because a
Python object per entry takes ten times as long and large C++ programs have 200,000.
Source: System V ABI, "Symbol Table".
"""

from __future__ import annotations

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


def _entries(data: memoryview) -> np.ndarray:
    return np.frombuffer(data[: len(data) // SYMBOL.itemsize * SYMBOL.itemsize], SYMBOL)
