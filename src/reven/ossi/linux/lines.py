# SPDX-License-Identifier: Apache-2.0
"""Source files and lines of a binary's instructions, from DWARF 2 to 5 `.debug_line`.

A compile unit is decoded when an address of it is first asked for.
Source: DWARF 5, §6.1.2 "Lookup by Address" and §6.2 "Line Number Information".
"""

from __future__ import annotations

import posixpath
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from elftools.dwarf.ranges import BaseAddressEntry

from reven.ossi.linux.budgets import Budget, dwarf_info
from reven.ossi.linux.debug_section import section_bytes
from reven.ossi.linux.elf_header import TooLargeError, tolerate_damage
from reven.ossi.linux.line_header import LineHeader, line_extent, read_line_header
from reven.ossi.linux.line_program import Row, run_line_program

if TYPE_CHECKING:
    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.dwarfinfo import DWARFInfo

    from reven.ossi.linux.elf_file import ElfFile

_UNITS_KEPT = 256  # decoded compile units; a large one takes a few MB
_NO_FILE = 0xFFFFFFFF
_RANGES_ALWAYS = 10_000
_LISTS = ("DW_FORM_sec_offset", "DW_FORM_loclistx", "DW_FORM_data4", "DW_FORM_data8")
_OF_OPTIMIZED = ("DW_AT_call_all_calls", "DW_AT_GNU_all_call_sites")


@dataclass(frozen=True, slots=True)
class SourceLine:
    file: str  # absolute, unless the compiler did not say where it was run
    line: int  # from 1
    column: int  # from 1; 0 when the compiler did not say


@dataclass(frozen=True, slots=True)
class LinePiece:
    """Uninterrupted code of one source line: RVAs [start, stop). `statement`: the first RVA at
    which a statement of the line starts, where a debugger sets its breakpoint; None for code
    that only belongs to a statement begun elsewhere. `unit`: offset of its compile unit."""

    file: str
    line: int
    start: int
    stop: int
    statement: int | None
    unit: int


@dataclass(frozen=True, slots=True)
class UnitStatements:
    """Where in a compile unit statements start: (RVA, file, line, column) of each row that says
    so. `are_marked`: a row stands for one execution of a statement, wherever the optimizer moved
    its code, and each copy of it has a row of its own. `is_optimized`: the unit was."""

    rows: list[tuple[int, str, int, int]]
    are_marked: bool
    is_optimized: bool


@dataclass(slots=True)
class _Unit:
    """The rows of one compile unit by ascending address; row i holds up to row i+1."""

    files: list[str] = field(default_factory=list)
    offset: int = 0
    starts: array[int] = field(default_factory=lambda: array("Q"))
    file: array[int] = field(default_factory=lambda: array("L"))  # _NO_FILE: no code here
    line: array[int] = field(default_factory=lambda: array("L"))
    column: array[int] = field(default_factory=lambda: array("L"))
    is_statement: array[int] = field(default_factory=lambda: array("B"))
    # (file, line, address) of statements that start where a later row of another line holds.
    shared: list[tuple[int, int, int]] = field(default_factory=list)


def read_line_table(image: ElfFile, debug_file: ElfFile | None) -> LineTable | None:
    """The line table of a binary or of its debug file; None if neither has one."""
    for source in (image, debug_file):
        if source is not None:
            section = source.elf.get_section_by_name(".debug_line")
            if section is not None and section["sh_type"] != "SHT_NOBITS":
                return LineTable(dwarf_info(source.elf), image)
    return None


class LineTable:
    """Where in the source each instruction of one binary comes from."""

    def __init__(self, dwarf: DWARFInfo, image: ElfFile) -> None:
        self._dwarf = dwarf
        self._image = image
        # Units may share a program, also many of them, made to cost.
        self._rows = lru_cache(maxsize=_UNITS_KEPT)(self._read_rows)
        self._header = lru_cache(maxsize=_UNITS_KEPT)(self._read_header)
        self._files = cache(self._read_files)
        self._extents: list[tuple[int, int]] = []

    def at(self, rva: int) -> SourceLine | None:
        """Source line of the instruction at `rva`; None for code without one. Of several
        rows for one address the last holds, as for addr2line."""
        found = self._row_at(rva)
        if found is None:
            return None
        unit, row = found
        return SourceLine(unit.files[unit.file[row]], unit.line[row], unit.column[row])

    def statement_at(self, rva: int) -> SourceLine | None:
        """The source line at which a debugger says that the instruction at `rva` stands. Of
        several rows for one address that is the last at which a statement starts; code without a
        line belongs to the one before."""
        found = self._row_at(rva, is_lineless=True)
        if found is None:
            return None
        unit, row = found
        while row > 0 and not unit.line[row] and unit.file[row - 1] < len(unit.files):
            row -= 1
        if not unit.line[row]:
            return None
        if not unit.is_statement[row]:
            for file, line, vaddr in reversed(unit.shared):
                if vaddr == unit.starts[row] and line:
                    return SourceLine(unit.files[file], line, 0)
        return SourceLine(unit.files[unit.file[row]], unit.line[row], unit.column[row])

    def file_name(self, unit: int, number: int) -> str:
        """The path of a file by its number in a compile unit; "" if it has none."""
        with self._image.lock:
            place = self._place(unit)
            files = self._files(*place) if place is not None else []
        return files[number] if 0 <= number < len(files) else ""

    def piece_at(self, rva: int) -> LinePiece | None:
        """The piece of code of one line that holds the instruction at `rva`."""
        found = self._row_at(rva)
        if found is None:
            return None
        unit, row = found
        place = (unit.file[row], unit.line[row])
        first, last = row, row + 1
        while first > 0 and (unit.file[first - 1], unit.line[first - 1]) == place:
            first -= 1
        while last < len(unit.starts) and (unit.file[last], unit.line[last]) == place:
            last += 1
        base = self._image.header.image_vaddr
        statements = (unit.starts[i] - base for i in range(first, last) if unit.is_statement[i])
        stop = unit.starts[last] if last < len(unit.starts) else unit.starts[-1] + 1
        return LinePiece(
            unit.files[unit.file[row]],
            unit.line[row],
            unit.starts[first] - base,
            stop - base,
            next(statements, None),
            unit.offset,
        )

    def statements_of(self, unit: int) -> UnitStatements:
        """Where the statements of a compile unit start. `unit`: its offset."""
        rows: list[Row] = []
        with (
            self._image.lock,
            tolerate_damage(self._image.path, f"the line table of {unit:#x}", self._image.left_out),
        ):
            place = self._place(unit)
            if place is not None:
                run_line_program(self._header(place[0]), self._line_section, rows)
                files = self._files(*place)
                top = self._dwarf.get_CU_at(unit).get_top_DIE()
                producer = top.attributes.get("DW_AT_producer")
                said = producer.value if producer is not None else b""
                is_gcc = isinstance(said, bytes) and said.startswith(b"GNU ")
                is_optimized = _is_optimized(top.cu, said if is_gcc else b"")
                base = self._image.header.image_vaddr
                return UnitStatements(
                    [
                        (row.address - base, files[row.file], row.line, row.column)
                        for row in rows
                        # Where nothing was moved, all code of a line is that of its run; a part
                        # such as the condition of a loop is not always said to be a statement.
                        if (row.is_statement or not is_optimized)
                        and row.line
                        and row.file < len(files)
                        and self._is_code(row.address)
                    ],
                    # gcc's statement frontiers, without which every row is a statement.
                    is_gcc and not all(row.is_statement for row in rows),
                    is_optimized,
                )
        return UnitStatements([], False, True)

    def _row_at(self, rva: int, *, is_lineless: bool = False) -> tuple[_Unit, int] | None:
        vaddr = rva + self._image.header.image_vaddr
        with self._image.lock:
            lows, ranges = self._unit_ranges
            index = bisect_right(lows, vaddr) - 1
            if index < 0 or vaddr >= ranges[index][0]:
                return None
            unit = self._unit(ranges[index][1])
        if unit is None:
            return None
        row = bisect_right(unit.starts, vaddr) - 1
        if row < 0 or unit.file[row] >= len(unit.files):
            return None
        if not unit.line[row] and not is_lineless:
            return None
        return unit, row

    def addresses_of(self, file: str, line: int) -> list[int]:
        """RVAs, ascending, at which statements of a source line start.

        `file`: an absolute path, or its last components. `line`: from 1.
        """
        wanted = posixpath.normpath(file)
        name = posixpath.basename(wanted).encode() + b"\0"
        strings = section_bytes(self._dwarf.debug_line_str_sec)
        if name not in self._line_section and name not in strings:
            return []
        found: set[int] = set()
        numbers: dict[int, set[int]] = {}
        with self._image.lock:
            units = {unit for _, unit in self._unit_ranges[1]}
            for place in sorted({place for unit in units if (place := self._place(unit))}):
                files = enumerate(self._files(*place))
                meant = {number for number, name in files if _matches(name, wanted)}
                numbers.setdefault(place[0], set()).update(meant)
            for program, meant in numbers.items():
                unit = self._rows(program) if meant else None
                if unit is not None:
                    found.update(_statements(unit, meant, line))
        return sorted(vaddr - self._image.header.image_vaddr for vaddr in found)

    @cached_property
    def _unit_ranges(self) -> tuple[list[int], list[tuple[int, int]]]:
        """Lows, and (high, offset of the compile unit), by ascending low."""
        found: list[tuple[int, int, int]] = []
        with tolerate_damage(self._image.path, ".debug_aranges"):
            table = self._dwarf.get_aranges()
            for entry in table.entries if table is not None else ():
                found.append((entry.begin_addr, entry.begin_addr + entry.length, entry.info_offset))
        covered = {unit for _, _, unit in found}
        # Lists of ranges that many units share are made to cost: each range takes three bytes.
        most = len(found) + _RANGES_ALWAYS + self._bytes_of_ranges() // 3
        # clang writes no .debug_aranges, and a file may be linked from both kinds.
        with tolerate_damage(self._image.path, ".debug_info", self._image.left_out):
            for unit in self._dwarf.iter_CUs():
                if unit.cu_offset not in covered:
                    found += [(low, high, unit.cu_offset) for low, high in self._ranges_of(unit)]
                if len(found) > most:
                    raise TooLargeError("its ranges of code would take too much to be read")
        found = sorted(one for one in found if one[0] < one[1] and self._is_code(one[0]))
        return [low for low, _, _ in found], [(high, unit) for _, high, unit in found]

    def _bytes_of_ranges(self) -> int:
        sections = (self._dwarf.debug_ranges_sec, self._dwarf.debug_rnglists_sec)
        return sum(len(section_bytes(section)) for section in sections)

    def _ranges_of(self, unit: CompileUnit) -> Iterator[tuple[int, int]]:
        attributes = unit.get_top_DIE().attributes
        low = attributes["DW_AT_low_pc"].value if "DW_AT_low_pc" in attributes else 0
        if "DW_AT_ranges" in attributes:
            lists: Any = self._dwarf.range_lists()
            for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, unit):
                if isinstance(entry, BaseAddressEntry):
                    low = entry.base_address
                else:
                    base = 0 if entry.is_absolute else low
                    yield base + entry.begin_offset, base + entry.end_offset
        elif "DW_AT_high_pc" in attributes:
            high = attributes["DW_AT_high_pc"]
            is_address = high.form.startswith("DW_FORM_addr")
            yield low, high.value if is_address else low + high.value

    def _is_code(self, vaddr: int) -> bool:
        """Functions that the linker dropped keep their rows, at address 0 or nearby."""
        return vaddr != 0 and any(
            segment.vaddr <= vaddr < segment.vaddr + segment.memory_size
            for segment in self._image.segments
            if segment.executable
        )

    def files(self, most_units: int | None = None) -> list[str]:
        """The paths of all source files, or of those of the first compile units."""
        found: dict[str, None] = {}
        seen: set[tuple[int, bytes]] = set()
        with self._image.lock, tolerate_damage(self._image.path, "the compile units"):
            for unit in islice(self._dwarf.iter_CUs(), most_units):
                place = self._place(unit.cu_offset)
                if place is not None and place not in seen:
                    seen.add(place)
                    found.update(dict.fromkeys(self._files(*place)))
        return list(found)

    @cached_property
    def _line_section(self) -> bytes:
        return section_bytes(self._dwarf.debug_line_sec)

    @cached_property
    def _strings(self) -> dict[int, bytes]:
        """The sections of texts by the forms that lead there, DW_FORM_strp and line_strp."""
        return {
            0x0E: section_bytes(self._dwarf.debug_str_sec),
            0x1F: section_bytes(self._dwarf.debug_line_str_sec),
        }

    @cached_property
    def _budget(self) -> Budget:
        return Budget(len(self._line_section), "the names of its source files")

    def _place(self, offset: int) -> tuple[int, bytes] | None:
        """Of a compile unit: where its line program is, and the directory it was compiled in."""
        with tolerate_damage(self._image.path, f"the compile unit at {offset:#x}"):
            attributes = self._dwarf.get_CU_at(offset).get_top_DIE().attributes
            if "DW_AT_stmt_list" in attributes:
                directory: object = b""
                if "DW_AT_comp_dir" in attributes:
                    directory = attributes["DW_AT_comp_dir"].value
                # Not bytes: in a supplementary file (dwz) that is not there.
                known = directory if isinstance(directory, bytes) else b""
                return int(attributes["DW_AT_stmt_list"].value), known
        return None

    def _unit(self, offset: int) -> _Unit | None:
        place = self._place(offset)
        unit = None if place is None else self._rows(place[0])
        return (
            None
            if unit is None
            else replace(unit, files=self._files(*place or (0, b"")), offset=offset)
        )

    def _read_header(self, program: int) -> LineHeader:
        section = self._line_section
        start, stop = program, line_extent(section, program)[1]
        at = bisect_right(self._extents, (start, stop))
        if (start, stop) not in self._extents[max(at - 1, 0) : at]:
            around = self._extents[max(at - 1, 0) : at + 1]
            if any(low < stop and start < high for low, high in around):
                raise ValueError("line tables that lie in each other")
            self._extents.insert(at, (start, stop))
        return read_line_header(section, program, self._strings, self._budget)

    def _read_files(self, program: int, directory: bytes) -> list[str]:
        what = f"the source file table at {program:#x}"
        with tolerate_damage(self._image.path, what, self._image.left_out):
            return _file_names(self._header(program), directory, self._budget)
        return []

    def _read_rows(self, program: int) -> _Unit | None:
        # Damage in one compile unit leaves the others their lines.
        what = f"the line table at {program:#x}"
        with tolerate_damage(self._image.path, what, self._image.left_out):
            sequences = run_line_program(self._header(program), self._line_section)
            return _unit_of(sequences, self._is_code)
        return None


def _is_optimized(unit: Any, options: bytes) -> bool:
    """Whether a unit was. `options`: those of the compiler, if it says them; else what only
    optimized code needs of debug information tells."""
    if options:
        levels = re.findall(rb" -O(\w*)", options)
        return bool(levels) and levels[-1] != b"0"
    table = unit.get_abbrev_table()
    for code in count(1):
        try:
            attributes = table.get_abbrev(code).iter_attr_specs()
        except KeyError:
            return False
        for name, form, *_ in attributes:
            if name in _OF_OPTIMIZED or (name == "DW_AT_location" and form in _LISTS):
                return True
    return False


def _unit_of(sequences: list[list[Row]], is_code: Callable[[int], bool]) -> _Unit:
    unit = _Unit()
    columns = (unit.starts, unit.file, unit.line, unit.column, unit.is_statement)
    for rows in sorted(rows for rows in sequences if len(rows) > 1 and is_code(rows[0].address)):
        for row in rows:
            is_statement = row.is_statement
            if unit.starts and unit.starts[-1] == row.address:
                if unit.is_statement[-1]:
                    if (unit.file[-1], unit.line[-1]) == (row.file, row.line):
                        is_statement = True
                    else:
                        unit.shared.append((unit.file[-1], unit.line[-1], row.address))
                for column in columns:
                    column.pop()
            unit.starts.append(row.address)
            unit.file.append(_NO_FILE if row.end_sequence else row.file)
            unit.line.append(row.line)
            unit.column.append(row.column)
            unit.is_statement.append(is_statement)
    return unit


def _file_names(header: LineHeader, compile_directory: bytes, budget: Budget) -> list[str]:
    """Paths by the file numbers that rows use: from 0 in DWARF 5, from 1 before."""
    directories = list(header.directories)
    files = [""]
    if header.version >= 5:
        files = []
    else:
        directories.insert(0, compile_directory)
    for name, directory in header.files:
        path = name
        if directory < len(directories):
            budget.spend(len(compile_directory) + len(directories[directory]) + len(name))
            path = posixpath.join(compile_directory, directories[directory], name)
        files.append(posixpath.normpath(path.decode("utf-8", "replace")))
    return files


def _matches(path: str, wanted: str) -> bool:
    return path == wanted or (not wanted.startswith("/") and path.endswith("/" + wanted))


def _statements(unit: _Unit, files: set[int], line: int) -> Iterator[int]:
    for row, vaddr in enumerate(unit.starts):
        if unit.is_statement[row] and unit.line[row] == line and unit.file[row] in files:
            yield vaddr
    for file, shared_line, vaddr in unit.shared:
        if shared_line == line and file in files:
            yield vaddr
