# SPDX-License-Identifier: Apache-2.0
"""ELF executables and shared objects: identity, symbols and source lines.

Addresses are RVAs as in `reven.ossi.linux.elf_header`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from reven.ossi.foreign_files import DEBUG_ROOT, HostFiles
from reven.ossi.linux.budgets import section_data
from reven.ossi.linux.debug_files import decompress_xz, find_debug_file
from reven.ossi.linux.elf_file import ElfFile
from reven.ossi.linux.elf_header import tolerate_damage
from reven.ossi.linux.lines import LineTable, SourceLine, read_line_table
from reven.ossi.symbols import ElfSymbol, SymbolTable


class ElfImage(ElfFile):
    """An ELF executable or shared object with all that is known of it, also from its separate
    debug file. Safe to use from several threads."""

    def __init__(self, data: bytes, path: str = "", host: HostFiles | None = None) -> None:
        """`host`: where its debug file may be looked for; default: nowhere."""
        super().__init__(data, path)
        self.host = host or HostFiles()
        self.own_debug_file: ElfFile | None = None  # which goes before those of this machine

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read a file of this machine, whose debug file may also lie beside it. Raises
        BinaryError, OSError."""
        folder = Path(path).resolve().parent
        return cls(Path(path).read_bytes(), str(path), HostFiles(debug=(DEBUG_ROOT, folder)))

    # cached_property has a lock for all instances up to Python 3.11. It must only ever be
    # taken by holders of the image's lock, or the two could wait for each other.

    @property
    def debug_image(self) -> ElfFile | None:
        """The separate debug file of this binary, if this machine has it."""
        with self.lock:
            return self._debug_image

    @property
    def symbol_table(self) -> SymbolTable:
        """Its symbols, searchable by name and address."""
        with self.lock:
            return self._symbol_table

    @property
    def line_table(self) -> LineTable | None:
        """Its source lines; None without line information."""
        with self.lock:
            return self._line_table

    @cached_property
    def _debug_image(self) -> ElfFile | None:
        with tolerate_damage(self.path, "the link to its debug file"):
            return self.own_debug_file or find_debug_file(self, self.host)
        return None

    @cached_property
    def mini_debug_image(self) -> ElfFile | None:
        """The symbols that Fedora and its kin leave in stripped binaries: an xz-compressed
        ELF file in .gnu_debugdata (gdb manual, "MiniDebugInfo"). Holders of the lock only."""
        with tolerate_damage(self.path, ".gnu_debugdata", self.left_out):
            section = self.elf.get_section_by_name(".gnu_debugdata")
            if section is not None:
                return ElfFile(decompress_xz(section_data(section)), f"{self.path}:.gnu_debugdata")
        return None

    @cached_property
    def _symbol_table(self) -> SymbolTable:
        # Recording needs the files, not their symbols, nor what reads these.
        from reven.ossi.linux.symbol_reader import read_symbols

        return read_symbols(self, self.debug_image, self.mini_debug_image)

    @cached_property
    def _line_table(self) -> LineTable | None:
        with tolerate_damage(self.path, ".debug_line", self.left_out):
            return read_line_table(self, self.debug_image)
        return None

    def symbols(self) -> Sequence[ElfSymbol]:
        """All symbols with an address, aliases too, ordered by RVA, the preferred name of an
        RVA first. From .symtab (also of the debug file), .dynsym and the PLT."""
        return self.symbol_table.symbols()

    def unwound_functions(self) -> Sequence[int]:
        """RVAs of the functions that the file says how to unwind: stripped ones too."""
        from reven.ossi.linux.unwound import read_unwound_functions

        with self.lock, tolerate_damage(self.path, ".eh_frame_hdr"):
            return read_unwound_functions(self)
        return []

    def symbol_at(self, rva: int) -> ElfSymbol | None:
        """The symbol whose extent holds `rva`; of nested ones that which starts last."""
        return self.symbol_table.at(rva)

    def line_at(self, rva: int) -> SourceLine | None:
        """Source line of the instruction at `rva`, where .debug_line has it."""
        table = self.line_table
        return table.at(rva) if table else None

    def addresses_of_line(self, file: str, line: int) -> list[int]:
        """RVAs, ascending, at which statements of a source line start.

        `file`: an absolute path, or its last components (`parser.c`, `src/parser.c`).
        `line`: from 1.
        """
        table = self.line_table
        return table.addresses_of(file, line) if table else []
