# SPDX-License-Identifier: Apache-2.0
"""Collect a binary's symbols from .symtab, .dynsym and the PLT.

Source: System V ABI, "Symbol Table"; binding and type codes as in <elf.h>.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from elftools.elf.constants import SH_FLAGS

from reven.ossi.linux.elf_header import tolerate_damage
from reven.ossi.linux.plt import read_plt
from reven.ossi.linux.symbol_entries import (
    defined_versions,
    dynamic_tables,
    names_at,
    section_tables,
    superseded_versions,
)
from reven.ossi.symbols import ElfSymbol, SymbolKind, SymbolTable

if TYPE_CHECKING:
    from reven.ossi.linux.elf_file import ElfFile

_NOTYPE, _FUNCTION, _IFUNC = 0, 2, 10
_ADDRESS_TYPES = [_NOTYPE, 1, _FUNCTION, _IFUNC]
_UNDEFINED, _ABSOLUTE, _COMMON = 0, 0xFFF1, 0xFFF2
_Preference = tuple[bool, bool, bool, int, int, bool, bool, int, str]
_BINDING_RANK = {1: 0, 10: 0, 2: 1, 0: 2}  # global, GNU unique, weak, local


@dataclass(slots=True)
class _Candidate:
    symbol: ElfSymbol
    preference: _Preference


def read_symbols(image: ElfFile, *debug_files: ElfFile | None) -> SymbolTable:
    """Collect all symbols of a binary, those of its debug files too. Holders of the lock only."""
    found: dict[tuple[int, str], _Candidate] = {}
    versions: dict[int, str] = {}
    superseded: dict[int, str] = {}
    with tolerate_damage(image.path, "the symbol versions"):
        versions = defined_versions(image)
        superseded = superseded_versions(image, versions)
    own_versions = set(versions.values())
    for source in (image, *debug_files):
        if source is not None:
            with tolerate_damage(source.path, ".symtab"):
                section = source.elf.get_section_by_name(".symtab")
                if section is not None and section["sh_type"] == "SHT_SYMTAB":
                    _collect(image, *section_tables(source, section), found, own_versions, {})
    with tolerate_damage(image.path, "the dynamic symbol table"):
        _collect(image, *dynamic_tables(image), found, own_versions, superseded)

    _drop_needless_versions(found)
    base = image.header.image_vaddr

    @cache
    def names() -> dict[int, str]:
        best: dict[int, str] = {}
        for candidate in sorted(found.values(), key=lambda one: one.preference):
            best.setdefault(candidate.symbol.rva + base, candidate.symbol.name)
        return best

    with tolerate_damage(image.path, "the PLT"):
        for stub in list(read_plt(image, lambda vaddr: names().get(vaddr))):
            symbol = ElfSymbol(stub.name + "@plt", stub.vaddr - base, stub.size, "plt")
            _keep(found, symbol, _NOTYPE, 1)

    ordered = sorted(found.values(), key=lambda one: (one.symbol.rva, one.preference))
    return SymbolTable([candidate.symbol for candidate in ordered], _limits(image))


def _collect(
    image: ElfFile,
    entries: np.ndarray,
    strings: bytes,
    found: dict[tuple[int, str], _Candidate],
    own_versions: set[str],
    superseded: dict[int, str],
) -> None:
    """`superseded`: the versions of those entries that only older programs use."""
    sections = entries["section"]
    wanted = np.isin(entries["info"] & 15, _ADDRESS_TYPES) & (entries["name"] != 0)
    wanted &= ~np.isin(sections, [_UNDEFINED, _ABSOLUTE, _COMMON])
    inside = np.zeros(len(entries), bool)
    in_code = np.zeros(len(entries), bool)
    for segment in image.segments:
        # `<=`: linker marks such as _end stand right behind a segment.
        in_segment = (entries["value"] >= segment.vaddr) & (
            entries["value"] <= segment.vaddr + segment.memory_size
        )
        inside |= in_segment
        if segment.executable:
            in_code |= in_segment
    chosen = np.flatnonzero(wanted & inside)
    entries = entries[chosen]
    base = image.header.image_vaddr
    for index, name, vaddr, size, info, code in zip(
        chosen.tolist(),
        names_at(strings, entries["name"].tolist()),
        entries["value"].tolist(),
        entries["size"].tolist(),
        entries["info"].tolist(),
        in_code[chosen].tolist(),
        strict=True,
    ):
        plain, _, version = name.partition("@")  # memcpy@@GLIBC_2.14, memcpy@GLIBC_2.2.5
        version = superseded.get(index, version)
        if version not in own_versions:
            version = ""
        kind: SymbolKind = "object"
        if info & 15 in (_FUNCTION, _IFUNC) or (info & 15 == _NOTYPE and code):
            kind = "function"
        is_resolver = info & 15 == _IFUNC
        symbol = ElfSymbol(plain or name, vaddr - base, size, kind, is_resolver, version)
        _keep(found, symbol, info & 15, info >> 4)


def _keep(
    found: dict[tuple[int, str], _Candidate], symbol: ElfSymbol, type_: int, binding: int
) -> None:
    """Remember a symbol, unless a better entry of the same name and address is known.

    The preferred name of an address is one that the source declared rather than a bare
    label (linker marks such as __bss_start); of the version that programs get today; visible to
    others; with few leading underscores
    (the C library's `puts` is weak, its `_IO_puts` global); global before weak; a function;
    then whatever makes the choice the same each time.
    """
    name = symbol.name
    rank = _BINDING_RANK.get(binding, 2)
    preference = (
        type_ == _NOTYPE,
        symbol.version != "",
        rank == 2,
        len(name) - len(name.lstrip("_")),
        rank,
        symbol.kind != "function",
        symbol.size == 0,
        len(name),
        name,
    )
    known = found.get((symbol.rva, name))
    if known is None or preference < known.preference:
        found[symbol.rva, name] = _Candidate(symbol, preference)


def _drop_needless_versions(found: dict[tuple[int, str], _Candidate]) -> None:
    """A version says something only beside the same name at another address."""
    current = {one.symbol.name for one in found.values() if not one.symbol.version}
    for candidate in found.values():
        if candidate.symbol.version and candidate.symbol.name not in current:
            candidate.symbol = replace(candidate.symbol, version="")
            before = candidate.preference
            candidate.preference = (before[0], False, *before[2:])


def _limits(image: ElfFile) -> list[tuple[int, int]]:
    base = image.header.image_vaddr
    ranges = [
        (section["sh_addr"], section["sh_addr"] + section["sh_size"])
        for section in image.elf.iter_sections()
        if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
        # .tbss has an address but takes no room there.
        and not (section["sh_flags"] & SH_FLAGS.SHF_TLS and section["sh_type"] == "SHT_NOBITS")
    ] or [(segment.vaddr, segment.vaddr + segment.memory_size) for segment in image.segments]
    return sorted((low - base, high - base) for low, high in ranges if high > low)
