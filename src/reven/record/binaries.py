# SPDX-License-Identifier: Apache-2.0
"""Copy the binaries that a program maps into its trace, so that it moves whole.

Each becomes `binaries/<sha256>.zst` in the trace directory, one zstd frame.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import zstandard

from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_header import BinaryError
from reven.ossi.stored_binaries import BinaryEntry

FOLDER = "binaries"
_LEVEL = 3
_ELF_MAGIC = b"\x7fELF"


class BinaryCopier:
    """Copies binaries into the traces of one recording session, each compressed once."""

    def __init__(self) -> None:
        self._copies: dict[tuple[int, int, int, int], tuple[BinaryEntry, Path]] = {}

    def copy(self, path: str, trace: Path) -> BinaryEntry | None:
        """Copy an ELF file whole. None for what is no ELF file, or is gone by now.

        `path`: as the program mapped it. Raises OSError when the copy cannot be written.
        """
        try:
            status = Path(path).stat()
            with Path(path).open("rb") as file:
                if file.read(len(_ELF_MAGIC)) != _ELF_MAGIC:
                    return None
        except OSError:
            return None
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if identity in self._copies:
            entry, copy = self._copies[identity]
            _link(copy, trace)
            return BinaryEntry(path, entry.sha256, entry.size, entry.build_id)
        try:
            data = Path(path).read_bytes()
        except OSError:
            return None
        entry = BinaryEntry(
            path, hashlib.sha256(data).hexdigest(), len(data), _build_id(data, path)
        )
        self._copies[identity] = entry, _write(data, entry.sha256, trace)
        return entry


def _build_id(data: bytes, path: str) -> str | None:
    try:
        return ElfImage(data, path).build_id
    except BinaryError:
        return None


def _write(data: bytes, sha256: str, trace: Path) -> Path:
    folder = trace / FOLDER
    folder.mkdir(exist_ok=True)
    copy = folder / f"{sha256}.zst"
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(zstandard.ZstdCompressor(level=_LEVEL).compress(data))
            file.close()
            temporary.chmod(0o644)
            temporary.replace(copy)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return copy


def _link(copy: Path, trace: Path) -> None:
    target = trace / FOLDER / copy.name
    if target.exists():
        return
    target.parent.mkdir(exist_ok=True)
    try:
        target.hardlink_to(copy)
    except OSError:
        shutil.copyfile(copy, target)
