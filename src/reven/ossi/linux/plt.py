# SPDX-License-Identifier: Apache-2.0
"""Names for PLT stubs: the jumps through the GOT by which a binary calls into others.

A stub has no symbol. It is recognised by its `jmp [rip+slot]`, and named after the
relocation that fills the slot. Source: System V ABI AMD64 supplement, "Procedure Linkage
Table"; for .plt.sec its appendix on Intel CET; entries as laid out by GNU ld, gold, lld
and mold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reven.ossi.linux.symbol_entries import dynamic_tables, names_at

if TYPE_CHECKING:
    from reven.ossi.linux.elf_file import ElfFile

_RELA = np.dtype([("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
_GLOB_DAT, _JUMP_SLOT, _IRELATIVE = 6, 7, 37  # R_X86_64_…
_JUMP = re.compile(rb"\xff\x25(....)", re.DOTALL)
_ENDBR64 = b"\xf3\x0f\x1e\xfa"


@dataclass(frozen=True, slots=True)
class PltStub:
    name: str  # of the function it jumps to
    vaddr: int
    size: int


def read_plt(image: ElfFile, symbol_name: Callable[[int], str | None]) -> Iterator[PltStub]:
    """Find the PLT stubs of an x86-64 binary.

    `symbol_name`: the name of the function that starts at a virtual address. It names the
    stubs of IFUNCs in static programs, whose relocation says only where their resolver is;
    without a name they are called `*ABS*+0x…`, as in objdump.
    """
    if image.machine != "EM_X86_64":
        return
    slots = _slot_names(image, symbol_name)
    if not slots:
        return
    for vaddr, code, entry_size in _plt_ranges(image):
        for jump in _JUMP.finditer(code):
            slot = vaddr + jump.end() + int.from_bytes(jump[1], "little", signed=True)
            name = slots.get(slot)
            if name is None:
                continue
            offset = _stub_start(code, jump.start(), vaddr)
            if entry_size:
                yield PltStub(name, vaddr + offset, entry_size)
            elif offset == jump.start() or code[offset : offset + 4] == _ENDBR64:
                yield PltStub(name, vaddr + offset, jump.end() - offset)


def _stub_start(code: bytes, jump: int, vaddr: int) -> int:
    """Offset of the stub that contains the jump: stubs are 16 bytes and begin with the jump,
    a prefix of it, endbr64 or a load of r11d; those of .plt.got may be 8 bytes."""
    return jump if (vaddr + jump) % 8 == 0 else max(0, ((vaddr + jump) & -16) - vaddr)


def _plt_ranges(image: ElfFile) -> Iterator[tuple[int, bytes, int]]:
    """Virtual address, code and stub size (0: not known) of what may hold stubs."""
    sections = [
        section.header
        for section in image.elf.iter_sections("SHT_PROGBITS")
        if section.name.startswith((".plt", ".iplt"))
    ]
    for header in sections:
        low = header["sh_offset"]
        entry_size = header["sh_entsize"] if header["sh_entsize"] in (8, 16) else 16
        yield header["sh_addr"], bytes(image.data[low : low + header["sh_size"]]), entry_size
    if not image.elf.num_sections():
        for segment in image.segments:
            if segment.executable:
                low = segment.offset
                yield segment.vaddr, bytes(image.data[low : low + segment.file_size]), 0


def _slot_names(image: ElfFile, symbol_name: Callable[[int], str | None]) -> dict[int, str]:
    """GOT slot (virtual address) → name of the function whose address it gets."""
    slots: dict[int, str] = {}
    symbols, strings = dynamic_tables(image)
    for low, size in _relocation_tables(image):
        data = image.data[low : low + size]
        table = np.frombuffer(data[: len(data) // _RELA.itemsize * _RELA.itemsize], _RELA)
        for entry in table[table["type"] == _IRELATIVE].tolist():
            slots[entry[0]] = symbol_name(entry[3]) or f"*ABS*+{entry[3]:#x}"
        named = table[np.isin(table["type"], [_GLOB_DAT, _JUMP_SLOT])]
        named = named[(named["symbol"] > 0) & (named["symbol"] < len(symbols))]
        names = names_at(strings, symbols["name"][named["symbol"]].tolist())
        slots.update(zip(named["offset"].tolist(), names, strict=True))
    return slots


def _relocation_tables(image: ElfFile) -> Iterator[tuple[int, int]]:
    """File offset and size of the RELA tables."""
    if image.elf.num_sections():
        for section in image.elf.iter_sections("SHT_RELA"):
            yield section["sh_offset"], section["sh_size"]
        return
    for table, size_tag in (("DT_RELA", "DT_RELASZ"), ("DT_JMPREL", "DT_PLTRELSZ")):
        _, offset = image.dynamic.get_table_offset(table) if image.dynamic else (0, None)
        if offset is not None:
            yield offset, image.dynamic_value(size_tag) or 0
