# SPDX-License-Identifier: Apache-2.0
"""What parts of foreign ELF files may cost. A few kilobytes can be made to stand for gigabytes:
how much is asked before anything is unpacked, and too much is not read."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING

from reven.ossi.linux.debug_section import section_bytes
from reven.ossi.linux.elf_header import TooLargeError

if TYPE_CHECKING:
    from elftools.dwarf.abbrevtable import AbbrevTable
    from elftools.dwarf.dwarfinfo import DWARFInfo
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import Section

__all__ = ["Budget", "check_unpacked", "dwarf_info", "section_data"]

_ALWAYS = 64 << 20  # bytes
_RATIO = 32
"""Debug information of compilers becomes 2 to 12 times as large when it is unpacked."""
_LARGEST = 4 << 30  # bytes; the debug information of a browser has 3 GiB
_OLD = b"ZLIB"
_ABBREVIATIONS_ALWAYS = 64 << 10  # bytes
_MOST_ATTRIBUTES = 256  # compilers write up to 30
_LONGEST_STRING = 1 << 20


class Budget:
    """What may be made of so many bytes, where they can be made to stand for more again and again.

    Parameters:
        size: the bytes.
        what: for the error text.
    """

    def __init__(self, size: int, what: str) -> None:
        self._left, self._what = _ALWAYS + _RATIO * size, what

    def spend(self, amount: int) -> None:
        """Take that much of it. Raises TooLargeError if it is used up."""
        self._left -= amount
        if self._left < 0:
            raise TooLargeError(f"{self._what} would take too much to be read")


def check_unpacked(size: int, packed: int, what: str) -> None:
    """Raises TooLargeError if so many bytes packed are too few for what they become.

    `what`: for the error text.
    """
    if size > min(_ALWAYS + _RATIO * packed, _LARGEST):
        raise TooLargeError(f"{what} would take {size:,} bytes, too many to be read")


def section_data(section: Section) -> bytes:
    """The contents of a section, unpacked. Raises TooLargeError."""
    check_unpacked(_unpacked_size(section), int(section["sh_size"]), section.name)
    return section.data()


def dwarf_info(elf: ELFFile) -> DWARFInfo:
    """The debug information of a file. Raises TooLargeError."""
    total = packed = 0
    for section in elf.iter_sections():
        if section.name.startswith((".debug_", ".zdebug_", ".eh_frame")):
            size = int(section["sh_size"])
            check_unpacked(_unpacked_size(section), size, section.name)
            total += _unpacked_size(section)
            packed += size
    check_unpacked(total, packed, "its debug information")
    found = elf.get_dwarf_info(follow_links=False)
    _bound_abbreviations(found)
    _bound_strings(found)
    return found


def _bound_abbreviations(dwarf: DWARFInfo) -> None:
    """Attributes may take no bytes, and compile units name any place as their abbreviations: a
    kilobyte of each can be made to stand for millions of attributes."""
    section = dwarf.debug_abbrev_sec
    if section is None:
        return
    stream, known = section.stream, set[int]()
    # Tables that lie in each other are made to cost; some that are shared are not.
    left = _ABBREVIATIONS_ALWAYS + 2 * len(section_bytes(section))
    read = dwarf.get_abbrev_table

    def get(offset: int) -> AbbrevTable:
        nonlocal left
        if offset not in known:
            if left < 0:
                raise TooLargeError("its abbreviations would take too much to be read")
            try:
                table = read(offset)
            finally:
                left -= stream.tell() - offset
            if any(len(one["attr_spec"]) > _MOST_ATTRIBUTES for one in table._abbrev_map.values()):
                left = -1
                raise TooLargeError("its abbreviations have too many attributes to be read")
            known.add(offset)
        return read(offset)

    setattr(dwarf, read.__name__, get)


def _bound_strings(dwarf: DWARFInfo) -> None:
    """Any number of entries may name one long text."""
    for name, section in (
        ("get_string_from_table", dwarf.debug_str_sec),
        ("get_string_from_linetable", dwarf.debug_line_str_sec),
    ):
        if section is not None:
            setattr(dwarf, name, partial(_string, section_bytes(section)))


def _string(data: bytes, offset: int) -> bytes:
    if not 0 <= offset < len(data):
        raise ValueError("a text that is in no section")
    end = data.find(b"\0", offset, offset + _LONGEST_STRING)
    if end < 0:
        raise TooLargeError("a text of its debug information is too long to be read")
    return data[offset:end]


def _unpacked_size(section: Section) -> int:
    if section["sh_type"] == "SHT_NOBITS":
        return 0
    if section.compressed:
        return int(section.data_size)
    size = int(section["sh_size"])
    if section.name.startswith(".zdebug_") and size >= 12:
        return _old_size(section, size)
    return size


def _old_size(section: Section, size: int) -> int:
    """Of a section of the older form: what its header says is not what is unpacked, so it is
    tried, up to the most that would be taken."""
    section.stream.seek(section["sh_offset"])
    data = section.stream.read(size)
    if data[:4] != _OLD:
        return size
    said: int = struct.unpack(">Q", data[4:12])[0]
    most = _ALWAYS + _RATIO * size
    if said > most:
        return said
    unpacking, left, total = zlib.decompressobj(), data[12:], 0
    while total <= most and left:
        part = unpacking.decompress(left, 1 << 20)
        total += len(part)
        left = unpacking.unconsumed_tail
        if not part:
            break
    return total
