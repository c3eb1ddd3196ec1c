# SPDX-License-Identifier: Apache-2.0
"""Copy the binaries that a program maps into its trace, so that it moves whole.

Each becomes `binaries/<sha256>.zst` in the trace directory, one zstd frame.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zstandard

from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_header import BinaryError
from reven.ossi.stored_binaries import BinaryEntry, SourceEntry
from reven.printable import storable
from reven.record.sources import FOLDER as SOURCES
from reven.record.sources import SourceOptions, debug_file_of, sources_of

FOLDER = "binaries"
_LEVEL = 3
_ELF_MAGIC = b"\x7fELF"


@dataclass(frozen=True)
class Copied:
    """What a trace got of a binary."""

    binary: BinaryEntry
    debug_file: BinaryEntry | None = None
    sources: tuple[SourceEntry, ...] = ()


class BinaryCopier:
    """Copies binaries into the traces of one recording session, each compressed once; with
    them what explains them: separate debug files and sources."""

    def __init__(self, options: SourceOptions | None = None) -> None:
        self._options = options or SourceOptions(False, ())
        self._left = self._options.most_bytes
        self.source_folders = self._options.folders
        self._copies: dict[tuple[int, int, int, int], tuple[Copied, Path]] = {}

    def copy(self, path: str, trace: Path) -> Copied | None:
        """Copy an ELF file whole. None for what is no ELF file, or is gone by now.

        `path`: as the program mapped it. Raises OSError when the copy cannot be written.
        """
        try:
            status = Path(path).stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            with Path(path).open("rb") as file:
                if file.read(len(_ELF_MAGIC)) != _ELF_MAGIC:
                    return None
        except OSError:
            return None
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if identity in self._copies:
            copied, other = self._copies[identity]
            return _linked(copied, path, other, trace)
        try:
            data = Path(path).read_bytes()
        except OSError:
            return None
        copied = self._copied(data, path, trace)
        self._copies[identity] = copied, trace
        return copied

    def _copied(self, data: bytes, path: str, trace: Path) -> Copied:
        path = storable(path)
        sha256 = hashlib.sha256(data).hexdigest()
        _write(data, trace / FOLDER / f"{sha256}.zst")
        try:
            image = ElfImage(data, path, self._options.host)
            build_id = image.build_id
        except BinaryError:
            return Copied(BinaryEntry(path, sha256, len(data)))
        binary = BinaryEntry(path, sha256, len(data), build_id)
        debug = debug_file_of(image, self._options)
        debug_entry = None
        if debug is not None:
            digest = hashlib.sha256(debug.data).hexdigest()
            debug_entry = BinaryEntry(path, digest, len(debug.data), debug.build_id)
            _write(debug.data, trace / FOLDER / f"{digest}.zst")
        sources = []
        for source, text in sources_of(image, debug, self._options, self._left):
            self._left -= source.size
            _write(text, trace / SOURCES / f"{source.sha256}.zst")
            sources.append(source)
        return Copied(binary, debug_entry, tuple(sources))


def _linked(copied: Copied, path: str, other: Path, trace: Path) -> Copied:
    """The same for another trace of the session, or another path."""
    debug = copied.debug_file
    for entry in (copied.binary, debug):
        if entry is not None:
            _link(Path(FOLDER) / f"{entry.sha256}.zst", other, trace)
    for source in copied.sources:
        _link(Path(SOURCES) / f"{source.sha256}.zst", other, trace)
    path = storable(path)
    return Copied(
        msgspec.structs.replace(copied.binary, path=path),
        None if debug is None else msgspec.structs.replace(debug, path=path),
        copied.sources,
    )


def _write(data: bytes | memoryview, copy: Path) -> None:
    if copy.exists():
        return
    copy.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(zstandard.ZstdCompressor(level=_LEVEL).compress(data))
            file.close()
            temporary.chmod(0o644)
            temporary.replace(copy)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _link(name: Path, other: Path, trace: Path) -> None:
    target = trace / name
    if target.exists():
        return
    target.parent.mkdir(exist_ok=True)
    try:
        target.hardlink_to(other / name)
    except OSError:
        shutil.copyfile(other / name, target)
