# SPDX-License-Identifier: Apache-2.0
"""The files that a program will be made of: itself and its libraries, before it runs."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from elftools.elf.segments import InterpSegment

from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_header import BinaryError
from reven.ossi.symbols import ElfSymbol

__all__ = ["ProgramFiles", "is_named"]

_LISTED = re.compile(r"\s*(?:\S+ => )?(?P<path>/\S+) \(0x[0-9a-f]+\)")
_SECONDS = 20
_SHEBANG = 255  # bytes
_LINKS = 4  # interpreters of interpreters
_COMPARED = 20_000
_LONGEST_COMPARED = 60


def is_named(file: str, wanted: str) -> bool:
    """`libc` and `libc.so` name libc.so.6, and libc-2.36.so too."""
    return file == wanted or (file.startswith(wanted) and file[len(wanted)] in ".-")


class ProgramFiles:
    """The program, what interprets it, and the libraries that are loaded with it."""

    def __init__(self, program: Path) -> None:
        self._program = _interpreted(program)
        self._images: dict[Path, ElfImage | None] = {}

    @cached_property
    def all(self) -> list[Path]:
        """The program first. Libraries are those that the dynamic linker of glibc names."""
        program = Path(os.path.realpath(self._program))
        image = self._image(program)
        linker = "" if image is None else _linker(image)
        if "ld-linux" not in Path(linker).name:
            return [program]
        try:
            # It lists, and runs nothing of the program.
            done = subprocess.run(
                [linker, "--list", str(program)],
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return [program]
        listed = (_LISTED.match(line) for line in done.stdout.splitlines())
        found = [Path(os.path.realpath(match["path"])) for match in listed if match]
        return list(dict.fromkeys([program, *found]))

    def named(self, name: str) -> list[Path]:
        """Those of a name as `libc`, `libc.so.6` or a path."""
        return [path for path in self.all if str(path) == name or is_named(path.name, name)]

    def functions(self, name: str, among: Sequence[Path]) -> list[tuple[Path, ElfSymbol]]:
        """Functions of a linker's name, or of a C++ name with or without its parameters."""
        found = [
            (path, symbol)
            for path in among
            for symbol in self._functions(path)
            if name in (symbol.name, symbol.full_name)
        ]
        if found:
            return found
        last = re.split(r"::|[(<]", name.split("(", maxsplit=1)[0])[-1].lstrip("~")
        return [
            (path, symbol)
            for path in among
            for symbol in self._functions(path)
            if symbol.name.startswith("_Z")
            and last in symbol.name
            and (full := symbol.demangled_name)
            and (full == name or full.startswith(f"{name}("))
        ]

    def similar(self, name: str, among: Sequence[Path]) -> list[str]:
        """Names of functions that look like one that is none, or begin with it."""
        if len(name) > _LONGEST_COMPARED:
            return []
        for path in among:
            known = {symbol.name for symbol in self._functions(path)[:_COMPARED]}
            near = sorted(one for one in known if name.startswith("__") and one.startswith(name))
            near = near[:3] or difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.7)
            if near:
                return near
        return []

    def offsets_of_line(self, path: Path, file: str, line: int) -> tuple[int, ...]:
        """Where the code of a source line begins in a file."""
        image = self._image(path)
        if image is None:
            return ()
        offsets = []
        for rva in image.addresses_of_line(file, line):
            address = rva + image.header.image_vaddr
            for segment in image.segments:
                if segment.vaddr <= address < segment.vaddr + segment.file_size:
                    offsets.append(address - segment.vaddr + segment.offset)
        return tuple(offsets)

    def _functions(self, path: Path) -> list[ElfSymbol]:
        image = self._image(path)
        symbols = () if image is None else image.symbols()
        return [symbol for symbol in symbols if symbol.kind == "function"]

    def _image(self, path: Path) -> ElfImage | None:
        if path not in self._images:
            try:
                self._images[path] = ElfImage.open(path)
            except (BinaryError, OSError):
                self._images[path] = None
        return self._images[path]


def _linker(image: ElfImage) -> str:
    with image.lock:
        for segment in image.elf.iter_segments("PT_INTERP"):
            if isinstance(segment, InterpSegment):
                return str(segment.get_interp_name())
    return ""


def _interpreted(program: Path) -> Path:
    """The program that runs a script, or the program itself."""
    for _ in range(_LINKS):
        try:
            with program.open("rb") as file:
                first = file.read(_SHEBANG).split(b"\n")[0]
        except OSError:
            return program
        if not first.startswith(b"#!"):
            return program
        words = os.fsdecode(first[2:]).split()
        if words and Path(words[0]).name == "env":
            words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        found = shutil.which(words[0]) if words else None
        if found is None:
            return program
        program = Path(found)
    return program
