# SPDX-License-Identifier: Apache-2.0
"""An ELF file: its bytes, headers and identity; what is in its sections is read elsewhere."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from reven.ossi.linux.elf_header import (
    BinaryError,
    Segment,
    elf_errors,
    read_header,
)

_DF_1_PIE = 0x08000000
_MOST_SECTIONS = 65536


def _parse(data: bytes) -> ELFFile:
    """Raises BinaryError, also for sections that are not where their headers say."""
    with elf_errors(""):
        elf = ELFFile(io.BytesIO(data))
        if elf.num_sections() > _MOST_SECTIONS:
            raise BinaryError("it has too many sections")
        for section in elf.iter_sections():
            if not section.is_null() and section["sh_type"] != "SHT_NOBITS":
                end = section["sh_offset"] + section["sh_size"]
                if end > len(data):
                    raise BinaryError(f"section {section.name} ends behind the file")
        return elf


def _without_sections(data: bytes) -> bytes:
    """The file as if its section headers had been stripped; the loader reads none of them."""
    bare = bytearray(data)
    bare[0x28:0x30] = bytes(8)  # e_shoff
    bare[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    return bytes(bare)


class ElfFile:
    """An ELF executable or shared object. Safe to use from several threads."""

    def __init__(self, data: bytes, path: str = "") -> None:
        """`data`: the whole file. `path`: where the recorded program had it; names it in
        errors and says where to look for its debug file. Raises BinaryError."""
        self.data = memoryview(data)
        self.path = path
        self.left_out: list[str] = []  # sentences: what was not read because of what it costs
        self.header = read_header(self.data, path)
        # pyelftools reads through one seekable stream, so one thread at a time.
        self.lock = threading.RLock()
        with elf_errors(path):
            try:
                self.elf = _parse(data)
            except BinaryError:
                self.elf = _parse(_without_sections(data))

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read a file of this machine. Raises BinaryError, OSError."""
        return cls(Path(path).read_bytes(), str(path))

    @property
    def machine(self) -> str:
        """The ELF name of the instruction set: `EM_X86_64`."""
        return self.header.machine

    @property
    def segments(self) -> Sequence[Segment]:
        return self.header.segments

    @cached_property
    def dynamic(self) -> DynamicSegment | None:
        """What the dynamic linker reads; None in static programs. Holders of the lock only."""
        for segment in self.elf.iter_segments("PT_DYNAMIC"):
            if isinstance(segment, DynamicSegment):
                return segment
        return None

    def dynamic_value(self, tag: str) -> int | None:
        """Value of the first entry of the dynamic segment with this tag (`DT_STRSZ`).
        Holders of the lock only."""
        entries = self.dynamic.iter_tags(tag) if self.dynamic else iter(())
        return next((int(entry["d_val"]) for entry in entries), None)

    @property
    def is_pie(self) -> bool:
        """Whether it is a position-independent executable (DF_1_PIE of DT_FLAGS_1)."""
        with self.lock, elf_errors(self.path):
            flags = self.dynamic_value("DT_FLAGS_1") or 0
        return bool(flags & _DF_1_PIE)

    @property
    def build_id(self) -> str | None:
        """The linker's build-id in hexadecimal, or None."""
        with self.lock, elf_errors(self.path):
            for segment in self.elf.iter_segments("PT_NOTE"):
                for note in segment.iter_notes() if isinstance(segment, NoteSegment) else ():
                    if note["n_type"] == "NT_GNU_BUILD_ID":
                        return str(note["n_desc"])
        return None
