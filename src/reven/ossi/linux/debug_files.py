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

from reven.ossi.foreign_files import HostFiles, read_foreign_file
from reven.ossi.linux.elf_file import ElfFile
from reven.ossi.linux.elf_header import BinaryError, TooLargeError

LARGEST_DEBUG_FILE = 4 << 30  # bytes; a browser's has 3 GiB
_LARGEST_MINI_DEBUG_FILE = 64 << 20  # bytes; that of a browser has 5 MB
_XZ_MEMORY = 128 << 20  # bytes; what `xz -9` needs is half of it


def find_debug_file(image: ElfFile, host: HostFiles) -> ElfFile | None:
    """The debug file that was made together with `image`, where one may be looked for, or None.

    A file that does not match (another build-id, another checksum) or that cannot be read
    is passed over.
    """
    for path, crc in _candidates(image, host):
        found = host.debug_file(path)
        try:
            if found is None:
                continue
            data = read_foreign_file(found, LARGEST_DEBUG_FILE)
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
    """Raises ValueError for data that is damaged, TooLargeError for a symbol table that is larger
    than one can be."""
    # The stream itself says how much memory reading it takes.
    decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    try:
        found = decompressor.decompress(data, _LARGEST_MINI_DEBUG_FILE)
    except lzma.LZMAError as error:
        if "limit" in str(error):
            raise TooLargeError("unpacking it would take too much memory") from None
        raise ValueError(str(error)) from error
    if not decompressor.eof:
        if len(found) == _LARGEST_MINI_DEBUG_FILE:
            raise TooLargeError("it is too large to be unpacked")
        raise ValueError("it is truncated")
    return found


def _candidates(image: ElfFile, host: HostFiles) -> Iterator[tuple[Path, int | None]]:
    """Paths to try, with the checksum the file must have where the link says it."""
    build_id = image.build_id
    for root in host.debug if build_id else ():
        assert build_id
        yield root / ".build-id" / build_id[:2] / (build_id[2:] + ".debug"), None
    with image.lock:
        section = image.elf.get_section_by_name(".gnu_debuglink")
        link = image.elf.get_dwarf_link() if section is not None else None
    if link is None or not image.path:
        return
    name = PurePosixPath(link["filename"].decode("utf-8", "replace")).name
    folder = Path(image.path).parent
    below = (root / folder.relative_to(folder.anchor) for root in host.debug)
    for place in (folder, folder / ".debug", *below):
        yield place / name, link["checksum"]
