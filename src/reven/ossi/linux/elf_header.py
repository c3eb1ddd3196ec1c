# SPDX-License-Identifier: Apache-2.0
"""The part of an ELF file that the loader reads: what goes where in memory.

Addresses inside a file are RVAs: the ELF virtual address less the page of the lowest
PT_LOAD segment, so that `base address + rva` is the address in a process, for executables
at fixed addresses and for relocated ones alike. Source: System V ABI, "Object Files";
System V ABI AMD64 supplement.
"""

from __future__ import annotations

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from elftools.common.exceptions import DWARFError, ELFError
from elftools.common.utils import struct_parse
from elftools.construct import ConstructError
from elftools.elf.structs import ELFStructs

from reven.errors import CommandError
from reven.printable import printable

PAGE = 4096
_log = logging.getLogger(__name__)
_ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_MOST_SEGMENTS = 4096
_READ, _WRITE, _EXECUTE = 4, 2, 1  # PF_R, PF_W, PF_X


class BinaryError(CommandError):
    """A binary cannot be used: no ELF file of a supported kind, truncated or damaged, or its
    copy in the trace is missing."""


class TooLargeError(BinaryError):
    """A part of a binary is not read because of what it would cost."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD segment: a piece of the file that is mapped into memory."""

    offset: int  # of its first byte in the file
    vaddr: int
    file_size: int  # bytes that come from the file; the rest of memory_size is zeros
    memory_size: int
    protection: int  # 1 read, 2 write, 4 execute

    @property
    def executable(self) -> bool:
        return bool(self.protection & 4)


@dataclass(frozen=True, slots=True)
class ElfHeader:
    """What the loader reads first: enough to know where a mapped file's parts are."""

    type: str  # ET_EXEC, ET_DYN, …
    machine: str  # EM_X86_64, …
    segments: tuple[Segment, ...]  # at least one, in file order

    @property
    def image_vaddr(self) -> int:
        """Virtual address that has RVA 0."""
        return min(segment.vaddr for segment in self.segments) & -PAGE

    @property
    def image_size(self) -> int:
        """Bytes of address space, whole pages, from RVA 0 to the end of the last segment."""
        end = max(segment.vaddr + segment.memory_size for segment in self.segments)
        return (end - self.image_vaddr + PAGE - 1) & -PAGE

    def rvas_of_offset(self, offset: int) -> list[int]:
        """RVAs at which the loader maps the page with this file offset (two when the end of
        one segment and the start of the next share the page)."""
        return [
            offset - segment.offset + segment.vaddr - self.image_vaddr
            for segment in self.segments
            if segment.offset & -PAGE <= offset < segment.offset + max(segment.file_size, 1)
        ]

    def in_segment(self, rva: int) -> bool:
        """Whether the loader gives memory to this RVA."""
        vaddr = rva + self.image_vaddr
        return any(
            segment.vaddr & -PAGE
            <= vaddr
            < (segment.vaddr + segment.memory_size + PAGE - 1) & -PAGE
            for segment in self.segments
        )


@contextmanager
def elf_errors(path: str) -> Iterator[None]:
    """Turn what pyelftools raises on damaged files into BinaryError."""
    try:
        yield
    except (
        ELFError,
        DWARFError,
        ConstructError,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise BinaryError(f"{path or 'the file'} is a damaged ELF file") from error


@contextmanager
def tolerate_damage(path: str, part: str, left_out: list[str] | None = None) -> Iterator[None]:
    """Log, and go on without, a part of an ELF file that cannot be read.

    `left_out` gets a sentence if it is one that costs too much.

    What runs need not be well-formed: packers leave nonsense in the parts that only
    debuggers read.
    """
    try:
        with elf_errors(path):
            yield
    except BinaryError as error:
        if isinstance(error, TooLargeError) and left_out is not None:
            said = f"{path}: {error}"
            if said not in left_out:
                left_out.append(said)
        why = printable(str(error.__cause__ or error))
        _log.warning("%s: %s cannot be read (%s)", printable(path), part, why)


def header_extent(data: bytes | memoryview, path: str = "") -> int:
    """How many bytes from the file's start `read_header` needs.

    `data`: the start of the file, at least 64 bytes if it has them. `path`: for the error text.
    Raises BinaryError if it is no 64-bit little-endian ELF file.
    """
    if bytes(data[:6]) != _ELF64_LITTLE_ENDIAN or len(data) < 64:
        raise BinaryError(f"{path or 'the file'} is not a 64-bit little-endian ELF file")
    header = _structs().Elf_Ehdr.parse(bytes(data[:64]))
    if header["e_phnum"] > _MOST_SEGMENTS:
        raise BinaryError(f"{path or 'the file'} has too many program headers")
    return max(64, int(header["e_phoff"] + header["e_phnum"] * header["e_phentsize"]))


def read_header(data: bytes | memoryview, path: str = "") -> ElfHeader:
    """Read the ELF header and the program headers, and nothing else.

    `data`: the start of the file, `header_extent` bytes or more. `path`: for the error text.
    Raises BinaryError, also for a file that has nothing to load (an object file).
    """
    with elf_errors(path):
        extent = header_extent(data[:64], path)
        if len(data) < extent:
            raise BinaryError(f"{path or 'the file'} is a truncated ELF file")
        structs = _structs()
        stream = io.BytesIO(bytes(data[:extent]))
        header = struct_parse(structs.Elf_Ehdr, stream, 0)
        segments = []
        for index in range(header["e_phnum"]):
            position = header["e_phoff"] + index * header["e_phentsize"]
            entry = struct_parse(structs.Elf_Phdr, stream, position)
            if entry["p_type"] == "PT_LOAD" and entry["p_memsz"]:
                flags = entry["p_flags"]
                protection = (
                    bool(flags & _READ) | bool(flags & _WRITE) << 1 | bool(flags & _EXECUTE) << 2
                )
                segments.append(
                    Segment(
                        entry["p_offset"],
                        entry["p_vaddr"],
                        entry["p_filesz"],
                        entry["p_memsz"],
                        protection,
                    )
                )
        if not segments:
            raise BinaryError(f"{path or 'the file'} has no segments to load")
        return ElfHeader(str(header["e_type"]), str(header["e_machine"]), tuple(segments))


def _structs() -> ELFStructs:
    structs = ELFStructs(little_endian=True, elfclass=64)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs
