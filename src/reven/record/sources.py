# SPDX-License-Identifier: Apache-2.0
"""Copy the source files of a program into its trace, so that it explains itself elsewhere.

Each becomes `sources/<sha256>.zst`. Only files that may be looked for are copied, and that is
decided by who records, not by the names in the program: see `reven.ossi.foreign_files`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reven.ossi.foreign_files import HostFiles, read_foreign_file, source_folders
from reven.ossi.linux.debug_files import find_debug_file
from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_file import ElfFile
from reven.ossi.source_names import is_source
from reven.ossi.stored_binaries import SourceEntry

FOLDER = "sources"
_LARGEST_TEXT = 8 << 20  # bytes; the same is the most that is shown
_MOST_UNITS = 200
_SYSTEM = ("/usr/", "/lib", "/bin/", "/sbin/")
_MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class SourceOptions:
    """What of a program's sources is copied.

    Attributes:
        wanted: True: all; False: nothing; None: what is small.
        folders: that they may be looked for in, and below.
    """

    wanted: bool | None
    folders: tuple[str, ...]

    @classmethod
    def of(cls, wanted: bool | None, program: Path) -> SourceOptions:
        """For a recording of `program` that is started here."""
        return cls(wanted, tuple(source_folders(str(program), str(Path.cwd()))))

    @property
    def host(self) -> HostFiles:
        host = HostFiles.of_user().with_own(self.folders)
        return host if self.wanted else host.without_system()

    def concerns(self, binary: str) -> bool:
        """Whether anything is copied for a binary. What the system brings is found elsewhere too,
        and every trace would have it."""
        return bool(self.wanted) or (self.wanted is None and not binary.startswith(_SYSTEM))

    @property
    def most_bytes(self) -> int:
        """Of all files together, and of a separate debug file."""
        return {True: 1 << 40, False: 0, None: _MOST_BYTES}[self.wanted]


def debug_file_of(image: ElfImage, options: SourceOptions) -> ElfFile | None:
    """The separate debug file of a binary, if it is to be copied."""
    if not options.concerns(image.path):
        return None
    if image.elf.get_section_by_name(".debug_info") is not None:
        return None
    found = find_debug_file(image, options.host)
    return found if found is not None and len(found.data) <= options.most_bytes else None


def sources_of(
    image: ElfImage, debug: ElfFile | None, options: SourceOptions, left: int
) -> Iterator[tuple[SourceEntry, bytes]]:
    """The source files of a binary that are to be copied, of at most `left` bytes in all."""
    if not options.concerns(image.path):
        return
    with suppress(OSError):
        made = Path(image.path).stat().st_mtime
        image.own_debug_file = debug
        table = image.line_table
        if table is None:
            return
        host = options.host
        for path in table.files(None if options.wanted else _MOST_UNITS):
            found = host.source(path) if is_source(PurePosixPath(path)) else None
            if found is None or not is_source(found):
                continue
            with suppress(OSError):
                is_newer = found.stat().st_mtime > made
                data = read_foreign_file(found, min(left, _LARGEST_TEXT))
                left -= len(data)
                digest = hashlib.sha256(data).hexdigest()
                yield SourceEntry(path, digest, len(data), is_newer), data
