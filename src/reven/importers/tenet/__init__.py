# SPDX-License-Identifier: Apache-2.0
"""Make traces of Tenet text traces."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reven._engine import REGISTER_FILE_SIZE
from reven.importers.protocol import CannotImport, Imported, Importer, Progress
from reven.importers.tenet.accesses import Access, step
from reven.importers.tenet.known_memory import KnownMemory
from reven.importers.tenet.survey import Survey, look_through
from reven.importers.tenet.text import REGISTERS, Line, LineReader
from reven.record.manifest import ImportedFrom
from reven.record.written_trace import write_trace
from reven.recorders.kit import Cause, EndReason, EventStream, MapKind, Register, Template

_MISSING = (
    "instruction bytes",
    "calls",
    "flags",
    "vector, x87 and segment registers",
    "what is mapped where",
    "threads, system calls and signals",
)
_RIP = REGISTERS["rip"]
_SLOT_SIZES = (1, 2, 4, 8, 16, 32)
_LARGEST_ACCESS = 4096  # of an instruction; what writes more is told as a change of memory
_LARGEST_RECORD = 1 << 13  # of all that an instruction accesses, with 8 bytes for each access
_MOST_TEMPLATES = 1 << 20
_FIRST_ITEM = re.compile(
    rb"\s*(?:[a-zA-Z][a-zA-Z0-9]{1,4}|slide)\s*=\s*(?:0[xX])?[0-9a-fA-F]+[,:\s]"
)
_WORD = struct.Struct("<Q")


class TenetImporter:
    """Tenet text traces of 64-bit x86."""

    title = "Tenet text trace"
    suffixes = (".tenet", ".tt")

    def recognizes(self, start: bytes) -> bool:
        return _FIRST_ITEM.match(start.lstrip() + b"\n") is not None

    def read(self, file: Path, trace: Path, *, force: bool, progress: Progress) -> Imported:
        with _opened(file) as (opened, size):
            survey = look_through(LineReader(file, opened, _report(progress, 0, size)))
            source = ImportedFrom(
                format=self.title,
                file=file.name,
                registers=survey.first_known,
                missing=list(_MISSING),
                slide=None if survey.slide is None else hex(survey.slide),
            )
            opened.seek(0)
            conversion = _Conversion(
                survey, LineReader(file, opened, _report(progress, size, size))
            )
            with write_trace(trace, source, conversion.registers, force=force) as stream:
                conversion.run(stream)
        progress(2 * size, 2 * size)
        return Imported(survey.lines - 1, _MISSING)


IMPORTER: Importer = TenetImporter()


class _Conversion:
    """Says the lines of a file over again as an event stream: an execution each."""

    def __init__(self, survey: Survey, lines: LineReader) -> None:
        self._survey, self._lines = survey, lines
        self._memory = KnownMemory()
        self._templates: dict[object, int] = {}
        self._file = bytearray(REGISTER_FILE_SIZE)
        _WORD.pack_into(self._file, Register.DFLAG, 1)
        self._set(survey.initial)

    def registers(self) -> tuple[int, bytes]:
        """Thread and register file before the next line."""
        return 1, bytes(self._file)

    def run(self, stream: EventStream) -> None:
        for address, size, protection in self._survey.regions():
            stream.map(address, size, protection=protection, kind=MapKind.UNKNOWN)
        stream.snapshot_end()
        lines = iter(self._lines)
        first = next(lines, None)
        if first is None or first.registers != self._survey.initial:
            self._lines.wrong("the file changed while it was read")
        pc = first.registers[_RIP]
        for count, line in enumerate(lines, 2):
            if count > self._survey.lines:
                self._lines.wrong("the file grew while it was read")
            following = line.registers.get(_RIP, pc)
            self._execute(stream, pc, following, line)
            pc = following
        stream.end(EndReason.SOURCE, ip=pc)

    def _execute(self, stream: EventStream, pc: int, following: int, line: Line) -> None:
        found = step(self._memory, line.accesses)
        for address, data in found.appeared:
            stream.memory(address, data, Cause.IMAGE)
        for address, data in found.changed:
            stream.memory(address, data, Cause.OTHER)
        inside, beyond = self._parted(found.accesses)
        sets = {offset: value for offset, value in line.registers.items() if offset != _RIP}
        values = [_WORD.pack(value) for value in sets.values()]
        for _, address, data in inside:
            values += (_WORD.pack(address), data)
        shape = tuple((is_write, len(data)) for is_write, _, data in inside)
        stream.execute(self._template(stream, pc, following, tuple(sets), shape), b"".join(values))
        self._set(line.registers)
        for _, address, data in beyond:
            stream.memory(address, data, Cause.OTHER)

    def _parted(self, accesses: list[Access]) -> tuple[list[Access], list[Access]]:
        """The accesses that an instruction's template can hold, and writes that are too large
        for it: as large as only a system call's."""
        large = [one for one in accesses if one[0] and len(one[2]) > _LARGEST_ACCESS]
        rest = [one for one in accesses if one not in large] if large else accesses
        if sum(8 + len(data) for _, _, data in rest) > _LARGEST_RECORD:
            self._lines.wrong(f"one instruction accesses more than {_LARGEST_RECORD} bytes")
        if large and rest and not rest[-1][0] and accesses[-1] is rest[-1]:
            self._lines.wrong(
                f"one instruction both reads and writes more than {_LARGEST_ACCESS} bytes"
            )
        return rest, large

    def _template(
        self,
        stream: EventStream,
        pc: int,
        following: int,
        sets: tuple[int, ...],
        shape: tuple[tuple[bool, int], ...],
    ) -> int:
        key = (pc, following, sets, shape)
        number = self._templates.get(key)
        if number is None:
            if len(self._templates) >= _MOST_TEMPLATES:
                self._lines.wrong(f"there are more than {_MOST_TEMPLATES} different instructions")
            number = self._templates[key] = stream.template(_block(pc, following, sets, shape))
        return number

    def _set(self, registers: dict[int, int]) -> None:
        for offset, value in registers.items():
            _WORD.pack_into(self._file, offset, value)


def _block(
    pc: int, following: int, sets: tuple[int, ...], shape: tuple[tuple[bool, int], ...]
) -> Template:
    block = Template()
    block.instruction(pc)
    for offset in sets:
        block.set_register(offset, block.slot(8, loaded=False))
    for is_write, size in shape:
        address = block.slot(8, loaded=False)
        if size not in _SLOT_SIZES:
            block.bulk(address, size, is_write=is_write)
        elif is_write:
            block.store(address, block.slot(size, loaded=False))
        else:
            block.load(address, block.slot(size))
    block.set_register(_RIP, block.constant(following))
    return block


def _report(progress: Progress, done: int, size: int) -> Callable[[int], None]:
    """Both times that the file is read count as one work."""

    def report(position: int) -> None:
        if not progress(done + min(position, size), 2 * size):
            raise CannotImport("The import was stopped.")

    return report


@contextmanager
def _opened(file: Path) -> Iterator[tuple[BinaryIO, int]]:
    try:
        with file.open("rb") as opened:
            if not opened.seekable():
                raise CannotImport(f"{file} is read twice, so it must be a file; save it first.")
            yield opened, file.stat().st_size
    except OSError as error:
        raise CannotImport(f"{file} cannot be read: {error.strerror}.") from None
