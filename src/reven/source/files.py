# SPDX-License-Identifier: Apache-2.0
"""Executed source lines, and the text of their files."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import zstandard

from reven.ossi import AddressSpace, Load
from reven.ossi.foreign_files import HostFiles, read_foreign_file, resolved_file
from reven.ossi.linux.elf_header import TooLargeError
from reven.ossi.source_names import is_source
from reven.ossi.stored_binaries import SourceEntry, unpacked_copy
from reven.trace.stopping import keep_going
from reven2._service.overview import SourceFileData, SourceLineData, SourceText

__all__ = ["SourceFiles"]

_LARGEST_TEXT = 8 << 20  # bytes


class _Line:
    """Of one source line: its statements' first executed instructions with their counts, and
    the most executed instruction, for a line without any."""

    def __init__(self) -> None:
        self.entries: dict[int, int] = {}
        self.most = (0, 0)

    def as_data(self, line: int) -> SourceLineData:
        entries = self.entries or {self.most[1]: self.most[0]}
        return SourceLineData(line, sum(entries.values()), sorted(entries))


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
    """

    def __init__(
        self,
        space: AddressSpace,
        addresses: npt.NDArray[np.uint64],
        counts: npt.NDArray[np.uint64],
        trace: Path,
        copies: Sequence[SourceEntry],
        host: HostFiles,
    ) -> None:
        self._trace = trace
        self._copies = {copy.path: copy for copy in copies}
        self._host = host
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
        while index < len(addresses):
            keep_going()
            piece = load.binary.line_piece_at(addresses[index] - load.base_address)
            if piece is None:
                index += 1
                continue
            end = bisect_left(addresses, load.base_address + piece.stop, index + 1)
            file = self._files.setdefault(piece.file, _File(load.binary.path))
            line = file.lines.setdefault(piece.line, _Line())
            if piece.statement is not None:
                entry = bisect_left(addresses, load.base_address + piece.statement, index, end)
                if entry < end:
                    line.entries[addresses[entry]] = counts[entry]
            most = max(zip(counts[index:end], addresses[index:end], strict=True))
            line.most = max(line.most, most)
            index = end


def _text(path: str, data: bytes, is_newer: bool) -> SourceText:
    if b"\0" in data:
        return SourceText("", f"{path} is no text that can be shown.", False)
    return SourceText(data.decode("utf-8", "replace"), "", is_newer)
