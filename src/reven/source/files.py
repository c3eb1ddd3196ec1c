# SPDX-License-Identifier: Apache-2.0
"""Executed source lines, and the text of their files."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from reven.ossi import AddressSpace, Load
from reven.ossi.foreign_files import read_foreign_file, resolved_file
from reven.trace.stopping import keep_going
from reven2._service.overview import SourceFileData, SourceLineData, SourceText

__all__ = ["SourceFiles"]

_LARGEST_TEXT = 8 << 20  # bytes

_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("ada", "adb", "ads", "asm", "c", "c++", "cc", "cp", "cpp", "cr", "cu", "cuh", "cxx", "d"),
        *(
            "def",
            "di",
            "e",
            "f",
            "f03",
            "f08",
            "f77",
            "f90",
            "f95",
            "for",
            "go",
            "gperf",
            "h",
            "h++",
        ),
        *("hh", "hpp", "hs", "hxx", "i", "ii", "inc", "inl", "ipp", "ixx", "jl", "l", "lisp", "ll"),
        *("m", "ml", "mli", "mm", "nim", "odin", "pas", "pp", "rs", "s", "swift", "tcc", "tpp"),
        *("v", "vala", "y", "yy", "zig"),
    )
)
"""A trace may come from somebody else, and then so do the paths in its line tables: they must
not lead to just any file."""
_HEADERS_WITHOUT_SUFFIX = ("/usr/include/c++/", "/usr/lib/llvm", "/usr/lib/gcc/")


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
    """

    def __init__(
        self,
        space: AddressSpace,
        addresses: npt.NDArray[np.uint64],
        counts: npt.NDArray[np.uint64],
        trace: Path,
    ) -> None:
        self._trace = trace
        self._files: dict[str, _File] = {}
        executed, times = addresses.tolist(), counts.tolist()
        for load in space.loads():
            if load.binary.image is not None and load.binary.image.line_table is not None:
                for low, high in load.executable_ranges:
                    begin, end = bisect_left(executed, low), bisect_left(executed, high)
                    self._add(load, executed[begin:end], times[begin:end])

    def files(self) -> list[SourceFileData]:
        return [
            SourceFileData(path, file.binary, len(file.lines), _allowed(path) is not None)
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
        if not _is_source(PurePosixPath(path)):
            return SourceText("", f"{path} has no name of a source file, so it is not read.", False)
        allowed = _allowed(path)
        if allowed is None:
            return SourceText("", f"{path} is no source file on this machine.", False)
        try:
            data = read_foreign_file(allowed, _LARGEST_TEXT)
            is_newer = allowed.stat().st_mtime > (self._trace / "manifest.json").stat().st_mtime
        except OSError as error:
            return SourceText("", f"{path} cannot be read: {error.strerror or error}.", False)
        if b"\0" in data:
            return SourceText("", f"{path} is no text that can be shown.", False)
        return SourceText(data.decode("utf-8", "replace"), "", is_newer)

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


def _is_source(path: PurePosixPath) -> bool:
    return path.is_absolute() and (
        path.suffix.lower() in _SUFFIXES
        or (not path.suffix and str(path).startswith(_HEADERS_WITHOUT_SUFFIX))
    )


def _allowed(path: str) -> Path | None:
    """The file that a path leads to, if by its own name too it is one of source."""
    found = resolved_file(path) if _is_source(PurePosixPath(path)) else None
    return found if found is not None and _is_source(PurePosixPath(found)) else None
