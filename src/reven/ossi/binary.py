# SPDX-License-Identifier: Apache-2.0
"""One binary of a recorded process: a path, and the ELF image once it is needed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_header import ElfHeader, TooLargeError

if TYPE_CHECKING:
    from reven.ossi.linux.lines import LinePiece, SourceLine, UnitStatements
    from reven.ossi.stored_binaries import StoredBinaries
    from reven.ossi.symbols import ElfSymbol


class Binary:
    """A file whose code a recorded process mapped. One object per path and trace; the image
    is read when symbols or lines are first asked for. Methods raise BinaryError when the
    copy in the trace is damaged."""

    def __init__(self, path: str, stored: StoredBinaries) -> None:
        self.path = path
        self._stored = stored
        self._entry = stored.entry(path)
        self.header: ElfHeader | None = stored.header(path)
        """None if the trace has no copy of the file: then it has no symbols either."""
        self._image: ElfImage | None = None
        self._unreadable: list[str] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Binary({self.path!r})"

    def __str__(self) -> str:
        return self.path

    @property
    def filename(self) -> str:
        """The last component of the path."""
        return self.path.rpartition("/")[2]

    @property
    def sha256(self) -> str | None:
        """Of the file's bytes; None if the trace has no copy."""
        return self._entry.sha256 if self._entry else None

    @property
    def build_id(self) -> str | None:
        """The linker's build-id in hexadecimal, or None."""
        return self._entry.build_id if self._entry else None

    @property
    def image(self) -> ElfImage | None:
        """The ELF file; None if the trace has no copy of it, or one that is too large."""
        if self.header is None:
            return None
        with self._lock:
            if self._image is None and not self._unreadable:
                try:
                    self._image = self._stored.image(self.path)
                except TooLargeError as error:
                    self._unreadable.append(str(error))
            return self._image

    def left_out(self) -> list[str]:
        """Sentences: what of it was not read because of what it costs; so far."""
        found = [] if self._image is None else self._image.left_out
        return [*found, *self._unreadable]

    def symbols(self) -> Sequence[ElfSymbol]:
        """All symbols, ordered by RVA (see ElfImage.symbols)."""
        return self.image.symbols() if self.image else []

    def unwound_functions(self) -> Sequence[int]:
        """RVAs of the functions that can be unwound (see ElfImage.unwound_functions)."""
        return self.image.unwound_functions() if self.image else []

    def symbol_at(self, rva: int) -> ElfSymbol | None:
        """The symbol whose extent holds `rva`."""
        return self.image.symbol_at(rva) if self.image else None

    def line_at(self, rva: int) -> SourceLine | None:
        """Source line of the instruction at `rva`."""
        return self.image.line_at(rva) if self.image else None

    def line_piece_at(self, rva: int) -> LinePiece | None:
        """The piece of code of one source line that holds the instruction at `rva`."""
        table = self.image.line_table if self.image else None
        return table.piece_at(rva) if table else None

    def statements_of(self, unit: int) -> UnitStatements | None:
        """Where the statements of a compile unit start (see LineTable.statements_of)."""
        table = self.image.line_table if self.image else None
        return table.statements_of(unit) if table else None

    def addresses_of_line(self, file: str, line: int) -> list[int]:
        """RVAs at which statements of a source line start (see ElfImage)."""
        return self.image.addresses_of_line(file, line) if self.image else []
