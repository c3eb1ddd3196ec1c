# SPDX-License-Identifier: Apache-2.0
"""Find the separate debug file of a binary, where gdb looks for it.

Source: gdb manual, "Debugging Information in Separate Files": by build-id below
/usr/lib/debug/.build-id, or by .gnu_debuglink, whose CRC-32 the file must have.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from reven.ossi.foreign_files import read_foreign_file
from reven.ossi.linux.elf_file import ElfFile
from reven.ossi.linux.elf_header import BinaryError

DEBUG_ROOT = Path("/usr/lib/debug")
LARGEST_DEBUG_FILE = 4 << 30  # bytes; a browser's has 3 GiB
_LARGEST_MINI_DEBUG_FILE = 256 << 20  # bytes; a guard against damage


def find_debug_file(image: ElfFile) -> ElfFile | None:
    """The debug file that was made together with `image`, or None.

    A file that does not match (another build-id, another checksum) or that cannot be read
    is passed over.
    """
    for path, crc in _candidates(image):
        try:
            data = read_foreign_file(path, LARGEST_DEBUG_FILE)
        except OSError:
            continue
        if crc is not None and zlib.crc32(data) != crc:
            continue
        try:
            debug = ElfFile(data, str(path))
            if crc is not None or debug.build_id == image.build_id:
                return debug
        except BinaryError:
            continue
    return None


def decompress_xz(data: bytes) -> bytes:
    """Raises ValueError for data that is damaged, or larger than a symbol table can be."""
    decompressor = lzma.LZMADecompressor()
    try:
        found = decompressor.decompress(data, _LARGEST_MINI_DEBUG_FILE)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof:
        raise ValueError("it is truncated, or too large")
    return found


def _candidates(image: ElfFile) -> Iterator[tuple[Path, int | None]]:
    """Paths to try, with the checksum the file must have where the link says it."""
    build_id = image.build_id
    if build_id:
        yield DEBUG_ROOT / ".build-id" / build_id[:2] / (build_id[2:] + ".debug"), None
    with image.lock:
        section = image.elf.get_section_by_name(".gnu_debuglink")
        link = image.elf.get_dwarf_link() if section is not None else None
    if link is None or not image.path:
        return
    name = PurePosixPath(link["filename"].decode("utf-8", "replace")).name
    folder = Path(image.path).parent
    for place in (folder, folder / ".debug", DEBUG_ROOT / folder.relative_to(folder.anchor)):
        yield place / name, link["checksum"]
