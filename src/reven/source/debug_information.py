# SPDX-License-Identifier: Apache-2.0
"""The debug information of one binary of a trace, opened once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from elftools.elf.relocation import RelocationSection

from reven.ossi import Binary
from reven.ossi.linux.dwarf.debug_info import DebugInfo, read_debug_info
from reven.ossi.linux.dwarf.frames import CallFrames, Row
from reven.ossi.linux.dwarf.scopes import Scopes
from reven.ossi.linux.dwarf.types import Types
from reven.ossi.linux.elf_header import tolerate_damage
from reven.trace.stopping import keep_going

if TYPE_CHECKING:
    from reven.ossi import ElfImage

_DTPMOD64 = 16  # R_X86_64_DTPMOD64


@dataclass(frozen=True)
class Source:
    """The parts of a binary's debug information."""

    info: DebugInfo
    types: Types
    scopes: Scopes


class BinaryDebug:
    """What debug information says of a binary. Methods hold its image's lock."""

    def __init__(self, binary: Binary, number: int) -> None:
        self.binary, self.number = binary, number

    @cached_property
    def image(self) -> ElfImage | None:
        return self.binary.image

    def lock(self) -> AbstractContextManager[object]:
        """Held around every use of `source`."""
        return nullcontext() if self.image is None else self.image.lock

    @cached_property
    def source(self) -> Source | None:
        """None without debug information."""
        image = self.image
        if image is not None:
            with image.lock, tolerate_damage(image.path, ".debug_info", image.left_out):
                info = read_debug_info(image, keep_going)
                return None if info is None else Source(info, Types(info), Scopes(info))
        return None

    @cached_property
    def _frames(self) -> CallFrames | None:
        return None if self.image is None else CallFrames(self.image)

    @property
    def image_vaddr(self) -> int:
        """Virtual address of RVA 0."""
        return self.binary.header.image_vaddr if self.binary.header else 0

    def row(self, rva: int) -> Row | None:
        """The call frame information that holds at an offset."""
        with self.lock():
            return None if self._frames is None else self._frames.row(rva + self.image_vaddr)

    def thread_local_size(self) -> int | None:
        """Of an executable, bytes of its thread-local block up to the thread pointer."""
        image = self.image
        if image is None or (image.header.type != "ET_EXEC" and not image.is_pie):
            return None
        with image.lock:
            for segment in image.elf.iter_segments("PT_TLS"):
                size, align = segment["p_memsz"], max(segment["p_align"], 1)
                return int((size + align - 1) & -align)
        return None

    def tls_module(self, memory: Callable[[int, int], bytes], base: int) -> int | None:
        """A library's number in the dynamic thread vector, from one of its own relocations."""
        image = self.image
        if image is None:
            return None
        with image.lock, tolerate_damage(image.path, "the relocations"):
            for section in image.elf.iter_sections("SHT_RELA"):
                if not isinstance(section, RelocationSection):
                    continue
                for relocation in section.iter_relocations():
                    if relocation["r_info_type"] == _DTPMOD64 and not relocation["r_info_sym"]:
                        slot = relocation["r_offset"] - self.image_vaddr + base
                        return int.from_bytes(memory(slot, 8), "little")
        return None
