# SPDX-License-Identifier: Apache-2.0
"""Find the file that dwz moved the common parts of several debug files to.

Source: dwz(1), "-m"; gdb manual, "Separate Debug Files": .gnu_debugaltlink has the file's name
and its build-id.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from reven.ossi.foreign_files import HostFiles, read_foreign_file
from reven.ossi.linux.budgets import dwarf_info, section_data
from reven.ossi.linux.debug_files import LARGEST_DEBUG_FILE
from reven.ossi.linux.elf_header import tolerate_damage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.dwarf.dwarfinfo import DWARFInfo

    from reven.ossi.linux.elf_file import ElfFile


def find_common_file(source: ElfFile, host: HostFiles) -> DWARFInfo | None:
    """The debug information that that of `source` refers to; None if it refers to none, or there
    is no such file where one may be looked for."""
    section = source.elf.get_section_by_name(".gnu_debugaltlink")
    if section is None:
        return None
    name, _, build_id = section_data(section).partition(b"\0")
    folder = Path(source.path).parent
    for path in _candidates(name.decode("utf-8", "replace"), build_id.hex(), folder, host):
        found = host.debug_file(path)
        if found is None:
            continue
        with tolerate_damage(str(path), "the debug information"):
            try:
                elf = ELFFile(io.BytesIO(read_foreign_file(found, LARGEST_DEBUG_FILE)))
            except OSError:
                continue
            if _build_id(elf) == build_id.hex():
                return dwarf_info(elf)
    return None


def _candidates(name: str, build_id: str, folder: Path, host: HostFiles) -> Iterator[Path]:
    yield folder / name
    _, found, rest = name.rpartition(".dwz/")
    for root in host.debug:
        yield root / ".build-id" / build_id[:2] / (build_id[2:] + ".debug")
        if found:
            yield root / ".dwz" / rest


def _build_id(elf: ELFFile) -> str | None:
    for section in elf.iter_sections():
        if isinstance(section, NoteSection):
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return None
