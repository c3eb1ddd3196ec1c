# SPDX-License-Identifier: Apache-2.0
"""What parts of foreign ELF files may cost. A few kilobytes can be made to stand for gigabytes:
how much is asked before anything is unpacked, and too much is not read."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from reven.ossi.linux.elf_header import TooLargeError

if TYPE_CHECKING:
    from elftools.dwarf.dwarfinfo import DWARFInfo
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import Section

__all__ = ["check_unpacked", "dwarf_info", "section_data"]

_ALWAYS = 64 << 20  # bytes
_RATIO = 32
"""Debug information of compilers becomes 2 to 12 times as large when it is unpacked."""
_LARGEST = 4 << 30  # bytes; the debug information of a browser has 3 GiB
_OLD = b"ZLIB"


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
    return elf.get_dwarf_info(follow_links=False)


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
