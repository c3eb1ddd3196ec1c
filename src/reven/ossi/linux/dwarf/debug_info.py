# SPDX-License-Identifier: Apache-2.0
"""The entries of .debug_info of a binary or of its debug file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from reven import _engine
from reven.ossi.linux.budgets import dwarf_info
from reven.ossi.linux.debug_section import section_bytes
from reven.ossi.linux.dwarf.common_file import find_common_file
from reven.ossi.linux.elf_header import BinaryError

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE, AttributeValue
    from elftools.dwarf.dwarfinfo import DWARFInfo

    from reven.ossi.linux.elf import ElfImage

Progress = Callable[[int, int], bool | None]
_LONGEST_CHAIN = 16  # of specifications and abstract origins
_REFERENCES = ("DW_AT_specification", "DW_AT_abstract_origin")
_C_LANGUAGES = {0x1, 0x2, 0xC, 0x1D, 0x2C, 0x8001}  # C89, C, C99, C11, C17, assembler
_UNITS_KEPT = 64
_COMMON_FORMS = ("DW_FORM_GNU_ref_alt", "DW_FORM_ref_sup4", "DW_FORM_ref_sup8")
COMMON = 1 << 62
_FLOAT, _SIGNED = 0x04, (0x05, 0x06)  # DW_ATE_…


def read_debug_info(image: ElfImage, progress: Progress | None = None) -> DebugInfo | None:
    """The debug information of a binary or of its debug file; None if neither has any. Holders
    of the image's lock only. `progress`: for when its index is made."""
    for source in (image, image.debug_image):
        if source is not None:
            section = source.elf.get_section_by_name(".debug_info")
            if section is not None and section["sh_type"] != "SHT_NOBITS":
                dwarf = dwarf_info(source.elf)
                dwarf.supplementary_dwarfinfo = find_common_file(source, image.host)
                return DebugInfo(dwarf, image, progress)
    return None


class DebugInfo:
    """Finds and reads entries. Holders of the image's lock only.

    Entries are named by a number: their offset in .debug_info, plus `COMMON` in the file that
    dwz moved common parts to. Code is named by virtual addresses of the file.
    """

    def __init__(self, dwarf: DWARFInfo, image: ElfImage, progress: Progress | None = None) -> None:
        self.dwarf = dwarf
        self.image = image
        self._progress = progress
        common = dwarf.supplementary_dwarfinfo
        self._common = None if common is None else DebugInfo(common, image, progress)
        self._scopes = lru_cache(maxsize=_UNITS_KEPT)(self._read_scopes)

    @cached_property
    def index(self) -> _engine.DebugIndex:
        """Where the named things are."""
        dwarf = self.dwarf
        return _engine.DebugIndex(
            info=section_bytes(dwarf.debug_info_sec),
            abbrev=section_bytes(dwarf.debug_abbrev_sec),
            str=section_bytes(dwarf.debug_str_sec),
            line_str=section_bytes(dwarf.debug_line_str_sec),
            str_offsets=section_bytes(dwarf.debug_str_offsets_sec),
            addr=section_bytes(dwarf.debug_addr_sec),
            ranges=section_bytes(dwarf.debug_ranges_sec),
            rnglists=section_bytes(dwarf.debug_rnglists_sec),
            common_str=section_bytes(self._common.dwarf.debug_str_sec) if self._common else b"",
            progress=self._progress,
        )

    def types(self, name: str) -> list[tuple[int, int]]:
        """Number and tag (DW_TAG_…) of the definitions of types with a qualified name."""
        found = [(place.offset, place.tag) for place in self.index.types(name)]
        if self._common is not None:
            found += [(COMMON | number, tag) for number, tag in self._common.types(name)]
        return found

    def entry(self, number: int) -> DIE:
        """The entry with a number. Raises BinaryError if there is none."""
        if number & COMMON and self._common is not None:
            return self._common.entry(number & ~COMMON)
        if not 0 < number < len(section_bytes(self.dwarf.debug_info_sec)):
            raise BinaryError(f"{self.image.path} has no debugging information entry {number:#x}")
        return self.dwarf.get_DIE_from_refaddr(number)

    def number(self, die: DIE) -> int:
        """The number of an entry."""
        return int(die.offset) | (0 if die.cu.dwarfinfo is self.dwarf else COMMON)

    def target(self, die: DIE, attribute: str) -> DIE | None:
        """The entry that an attribute refers to; None if it is in a file that is not here."""
        form = die.attributes[attribute].form
        if form in _COMMON_FORMS and die.cu.dwarfinfo.supplementary_dwarfinfo is None:
            return None
        return die.get_DIE_from_attribute(attribute)

    def followed(self, die: DIE, attribute: str) -> DIE | None:
        """The entry that an attribute refers to, or that the entry's origin's does."""
        for one in self.with_origins(die):
            if attribute in one.attributes:
                return self.target(one, attribute)
        return None

    def with_origins(self, die: DIE) -> Iterator[DIE]:
        """The entry, then what it completes or is an instance of."""
        here: DIE | None = die
        for _ in range(_LONGEST_CHAIN):
            if here is None:
                return
            yield here
            reference = next((name for name in _REFERENCES if name in here.attributes), None)
            here = None if reference is None else self.target(here, reference)

    def attribute(self, die: DIE, name: str) -> AttributeValue | None:
        """An attribute of the entry or of its origin."""
        for one in self.with_origins(die):
            found: AttributeValue | None = one.attributes.get(name)
            if found is not None:
                return found
        return None

    def value(self, die: DIE, name: str, default: Any = None) -> Any:
        """Value of an attribute of the entry or of its origin."""
        found = self.attribute(die, name)
        return default if found is None else found.value

    def name(self, die: DIE) -> str:
        """The source's name, not qualified; "" for what has none."""
        value = self.value(die, "DW_AT_name", b"")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""

    def linkage_name(self, die: DIE) -> str:
        """The linker's name, else the plain one."""
        for attribute in ("DW_AT_linkage_name", "DW_AT_MIPS_linkage_name"):
            value = self.value(die, attribute)
            if isinstance(value, bytes):
                return value.decode("utf-8", "replace")
        return self.name(die)

    def qualified_name(self, die: DIE) -> str:
        """`space::Type`; "" for what has no name."""
        plain = self.name(die)
        scope = self.scope(die)
        return f"{scope}::{plain}" if scope and plain else plain

    def base_type(self, die: DIE) -> tuple[str, int]:
        """Kind (`float`, `integer`, `unsigned`) and size in bytes of a base type."""
        encoding = self.value(die, "DW_AT_encoding")
        kind = "float" if encoding == _FLOAT else "unsigned"
        return "integer" if encoding in _SIGNED else kind, int(
            self.value(die, "DW_AT_byte_size", 0)
        )

    def is_c(self, die: DIE) -> bool:
        """Whether the source is C (whose structures are named `struct name`)."""
        language = die.cu.get_top_DIE().attributes.get("DW_AT_language")
        return self._is_c if language is None else language.value in _C_LANGUAGES

    @cached_property
    def _is_c(self) -> bool:
        """The same of the first unit that says it: those that dwz makes do not."""
        for unit in self.dwarf.iter_CUs():
            language = unit.get_top_DIE().attributes.get("DW_AT_language")
            if language is not None:
                return language.value in _C_LANGUAGES
        return True

    def scope(self, die: DIE) -> str:
        """The namespaces and classes around the entry, qualified; "" outside of all."""
        if self.is_c(die):
            return ""
        for one in reversed(list(self.with_origins(die))):
            owner = self
            if self._common is not None and one.cu.dwarfinfo is self._common.dwarf:
                owner = self._common
            begins, scopes, parents = owner._scopes(one.cu.cu_offset)
            number = bisect_right(begins, one.offset) - 1
            while number >= 0:
                scope = scopes[number]
                if scope.begin < one.offset < scope.end:
                    return scope.name
                number = parents[number]
        return ""

    def _read_scopes(self, unit: int) -> tuple[list[int], list[_engine.DebugScope], list[int]]:
        """Where scopes begin, the scopes, and the number of the one around each."""
        scopes = self.index.scopes(unit)
        parents, open_ = [], [-1]
        for number, scope in enumerate(scopes):
            while open_[-1] >= 0 and scopes[open_[-1]].end <= scope.begin:
                open_.pop()
            parents.append(open_[-1])
            open_.append(number)
        return [scope.begin for scope in scopes], scopes, parents
