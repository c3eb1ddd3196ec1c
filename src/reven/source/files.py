# SPDX-License-Identifier: Apache-2.0
"""Executed source lines, and the text of their files."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import zstandard

from reven.ossi import AddressSpace, Binary, Load
from reven.ossi.foreign_files import HostFiles, read_foreign_file, resolved_file
from reven.ossi.linux.elf_header import TooLargeError
from reven.ossi.source_names import is_source
from reven.ossi.stored_binaries import SourceEntry, unpacked_copy
from reven.trace.stopping import keep_going
from reven2._service.overview import SourceFileData, SourceLineData, SourceText

__all__ = ["SourceFiles"]

_LARGEST_TEXT = 8 << 20  # bytes


class _Line:
    """Of one source line: the rows of the line table at which its statements start, as address
    and count, and the most executed instruction, for a line without any."""

    def __init__(self) -> None:
        self.parts: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        """By the copy of the code that they are in."""
        self.marked: dict[int, list[tuple[int, int]]] = defaultdict(list)
        """Those that are marked, by their column, which tells statements apart."""
        self.most = (0, 0)
        self.is_exact = True

    def as_data(self, line: int) -> SourceLineData:
        total = 0
        entries: set[int] = set()
        if self.marked:
            # Each row is a run of its statement; a line runs as often as the one that ran most.
            rows = max(self.marked.values(), key=lambda rows: sum(count for _, count in rows))
            total += sum(count for _, count in rows)
            entries.update(address for address, _ in rows)
        for rows in self.parts.values():
            # The rows of one copy are parts of the same run.
            address, count = max(rows, key=lambda row: (row[1], -row[0]))
            total += count
            entries.add(address)
        if not entries:
            return SourceLineData(line, self.most[0], [self.most[1]], False)
        return SourceLineData(line, total, sorted(entries), self.is_exact)


class _File:
    def __init__(self, binary: str) -> None:
        self.binary = binary
        self.lines: dict[int, _Line] = {}


class SourceFiles:
    """The source files of which a trace executed something.

    Parameters:
        space: the binaries.
        addresses, counts: executed addresses, ascending, and how often.
        trace: the directory, whose age tells which files are newer.
        copies: the source files that the trace itself has.
        host: where on this machine the others may be looked for.
        copies_of: of a binary, tells by an offset in it which function, or copy of one that was
            inlined, the code there belongs to: a number for each.
    """

    def __init__(
        self,
        space: AddressSpace,
        addresses: npt.NDArray[np.uint64],
        counts: npt.NDArray[np.uint64],
        trace: Path,
        copies: Sequence[SourceEntry],
        host: HostFiles,
        copies_of: Callable[[Binary], Callable[[int], int]],
    ) -> None:
        self._trace = trace
        self._copies = {copy.path: copy for copy in copies}
        self._host = host
        self._copies_of = copies_of
        self._files: dict[str, _File] = {}
        executed, times = addresses.tolist(), counts.tolist()
        for load in space.loads():
            if load.binary.image is not None and load.binary.image.line_table is not None:
                for low, high in load.executable_ranges:
                    begin, end = bisect_left(executed, low), bisect_left(executed, high)
                    self._add(load, executed[begin:end], times[begin:end])

    def files(self) -> list[SourceFileData]:
        return [
            SourceFileData(path, file.binary, len(file.lines), self._is_there(path))
            for path, file in sorted(self._files.items())
        ]

    def lines(self, path: str) -> list[SourceLineData]:
        lines = self._files[path].lines if path in self._files else {}
        return [one.as_data(line) for line, one in sorted(lines.items())]

    def text(self, path: str) -> SourceText:
        """Reads the file, if the trace names it."""
        if path not in self._files:
            return SourceText("", "The trace executed no line of this file.", False)
        if not path.startswith("/"):
            return SourceText("", f"{path}: the compiler did not say in which folder.", False)
        if not is_source(PurePosixPath(path)):
            return SourceText("", f"{path} has no name of a source file, so it is not read.", False)
        try:
            if path in self._copies:
                return _text(path, self._copied(self._copies[path]), self._copies[path].is_newer)
            allowed = self._allowed(path)
            if allowed is None:
                return SourceText("", self._why_not(path), False)
            data = read_foreign_file(allowed, _LARGEST_TEXT)
            is_newer = allowed.stat().st_mtime > (self._trace / "manifest.json").stat().st_mtime
        except (OSError, TooLargeError, zstandard.ZstdError) as error:
            why = getattr(error, "strerror", None) or error
            return SourceText("", f"{path} cannot be read: {why}.", False)
        return _text(path, data, is_newer)

    def _is_there(self, path: str) -> bool:
        return path in self._copies or self._allowed(path) is not None

    def _copied(self, copy: SourceEntry) -> bytes:
        file = self._trace / "sources" / f"{copy.sha256}.zst"
        data = unpacked_copy(file, min(copy.size, _LARGEST_TEXT), copy.path)
        if hashlib.sha256(data).hexdigest() != copy.sha256:
            raise OSError("its copy in the trace is damaged")
        return data

    def _allowed(self, path: str) -> Path | None:
        """The file that a path leads to, if by its own name too it is one of source, and lies
        where one may be looked for."""
        found = self._host.source(path) if is_source(PurePosixPath(path)) else None
        return found if found is not None and is_source(PurePosixPath(found)) else None

    def _why_not(self, path: str) -> str:
        if resolved_file(path) is None:
            return f"{path} is no source file on this machine."
        return (
            f"{path} is not shown: a trace may name any file. If it is one of the program's, add "
            "its folder to REVEN_SOURCE_PATH, or serve with --source-path."
        )

    def _add(self, load: Load, addresses: Sequence[int], counts: Sequence[int]) -> None:
        index = 0
        units: set[int] = set()
        while index < len(addresses):
            keep_going()
            piece = load.binary.line_piece_at(addresses[index] - load.base_address)
            if piece is None:
                index += 1
                continue
            end = bisect_left(addresses, load.base_address + piece.stop, index + 1)
            file = self._files.setdefault(piece.file, _File(load.binary.path))
            line = file.lines.setdefault(piece.line, _Line())
            units.add(piece.unit)
            most = max(zip(counts[index:end], addresses[index:end], strict=True))
            line.most = max(line.most, most)
            index = end
        executed = dict(zip(addresses, counts, strict=True))
        for unit in sorted(units):
            self._add_statements(load, unit, executed)

    def _add_statements(self, load: Load, unit: int, executed: dict[int, int]) -> None:
        keep_going()
        found = load.binary.statements_of(unit)
        if found is None:
            return
        copy_at = self._copies_of(load.binary)
        for rva, path, number, column in found.rows:
            address = load.base_address + rva
            count = executed.get(address, 0)
            file = self._files.get(path)
            if file is None or not count:
                continue
            line = file.lines.setdefault(number, _Line())
            if found.are_marked:
                line.marked[column].append((address, count))
            else:
                line.parts[load.base_address, copy_at(rva)].append((address, count))
            line.is_exact &= not found.is_optimized


def _text(path: str, data: bytes, is_newer: bool) -> SourceText:
    if b"\0" in data:
        return SourceText("", f"{path} is no text that can be shown.", False)
    return SourceText(data.decode("utf-8", "replace"), "", is_newer)
