# SPDX-License-Identifier: Apache-2.0
"""The copies of the mapped binaries that a trace carries.

Each is `binaries/<sha256>.zst` in the trace directory, one zstd frame; the manifest's
`binaries` says which paths they had on the recorded machine (docs/trace-format.md).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import zstandard

from reven.ossi.foreign_files import HostFiles, read_foreign_file
from reven.ossi.linux.budgets import check_unpacked
from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_file import ElfFile
from reven.ossi.linux.elf_header import (
    BinaryError,
    ElfHeader,
    header_extent,
    read_header,
    tolerate_damage,
)

_LARGEST_COPY = 4 << 30  # bytes
_LARGEST_WINDOW = 128 << 20  # bytes
_PREFIX = 4096  # holds the program headers of nearly every file


class BinaryEntry(msgspec.Struct, frozen=True):
    """One element of the manifest's `binaries`."""

    path: str  # on the recorded machine
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)]  # bytes, uncompressed
    build_id: str | None = None  # hexadecimal


class SourceEntry(msgspec.Struct, frozen=True):
    """One element of the manifest's `sources`: a copy of a source file."""

    path: str  # as the line tables of the binaries have it
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)]  # bytes, uncompressed
    is_newer: bool = False  # than the binary that was made of it


class StoredBinaries:
    """Opens a trace's binaries by the path that the recorded program knew."""

    def __init__(
        self,
        trace: Path,
        entries: Iterable[BinaryEntry],
        debug_files: Iterable[BinaryEntry] = (),
        host: HostFiles | None = None,
    ) -> None:
        """`trace`: the trace directory. `debug_files`: copies of separate debug files, by the
        path of their binary. `host`: where others may be looked for."""
        self._folder = trace / "binaries"
        self._debug_files = {entry.path: entry for entry in debug_files}
        self._host = host or HostFiles()
        self._entries = {entry.path: entry for entry in entries}
        self._lock = threading.Lock()
        self._last: tuple[str, bytes] | None = None

    def entry(self, path: str) -> BinaryEntry | None:
        """What the manifest says of a path, or None."""
        return self._entries.get(path)

    def damaged(self) -> list[str]:
        """Verify every copy against its hash: a sentence for each that fails."""
        problems = []
        for path in self._entries:
            try:
                self._verified(self._entries[path])
            except BinaryError as error:
                problems.append(str(error))
        return problems

    def header(self, path: str) -> ElfHeader | None:
        """What the loader needs of a binary, without reading all of it; None if the trace
        has no copy or it is nothing that can be loaded. Raises BinaryError for a damaged
        copy."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        start = self._read(entry, _PREFIX)
        try:
            extent = header_extent(start, path)
            if extent > len(start):
                start = self._read(entry, min(extent, entry.size))
            return read_header(start, path)
        except BinaryError:
            return None

    def image(self, path: str) -> ElfImage | None:
        """The whole binary, or None if the trace has no copy. Raises BinaryError if the copy
        is missing, damaged, or not what was recorded."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        image = ElfImage(self._verified(entry), path, self._host)
        debug = self._debug_files.get(path)
        if debug is not None:
            with tolerate_damage(path, "the copy of its debug file", image.left_out):
                image.own_debug_file = ElfFile(self._verified(debug), f"{path}.debug")
        return image

    def part(self, path: str, offset: int, size: int) -> bytes | None:
        """Bytes of a binary, fewer at its end, or None if the trace has no copy. Raises
        BinaryError as `image` does."""
        entry = self._entries.get(path)
        if entry is None or offset < 0 or size < 0:
            return None
        with self._lock:
            # Whoever reads a file reads it piece by piece.
            if self._last is None or self._last[0] != path:
                self._last = (path, self._verified(entry))
            return self._last[1][offset : offset + size]

    def _verified(self, entry: BinaryEntry) -> bytes:
        data = self._read(entry, entry.size)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise BinaryError(f"the copy of {entry.path} in the trace is damaged; record again")
        return data

    def _read(self, entry: BinaryEntry, size: int) -> bytes:
        try:
            return unpacked_copy(self._folder / f"{entry.sha256}.zst", size, entry.path)
        except OSError as error:
            raise BinaryError(
                f"the copy of {entry.path} in the trace cannot be read: {error}"
            ) from error
        except zstandard.ZstdError as error:
            raise BinaryError(
                f"the copy of {entry.path} in the trace is damaged; record again"
            ) from error


def unpacked_copy(file: Path, size: int, path: str) -> bytes:
    """The first `size` bytes of what a zstd file of a trace holds, or all if that is less.

    `path`: for the error text. Raises OSError, zstandard.ZstdError, and TooLargeError for more
    than a file of that kind can become.
    """
    packed = read_foreign_file(file, _LARGEST_COPY)
    check_unpacked(size, len(packed), f"the copy of {path}")
    # A frame says itself how much memory reading it takes.
    unpacking = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    with unpacking.stream_reader(packed) as reader:
        return reader.read(size)
