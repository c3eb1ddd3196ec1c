# SPDX-License-Identifier: Apache-2.0
"""Find the program to record, and say early and clearly when it cannot be."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

from reven.record.errors import ProgramNotExecutable, ProgramNotFound

_MACHINES = {3: "32-bit x86", 40: "32-bit ARM", 183: "64-bit ARM", 243: "RISC-V", 21: "PowerPC"}
_X86_64 = 62
_ELF_HEADER = struct.Struct("<4sBBBB8xHH")  # magic, class, data, version, ABI, type, machine
_TYPES = (2, 3)  # executable, shared object (position-independent executable)


def resolve_program(name: str) -> Path:
    """The file that running `name` would execute: a path, or a name looked up in PATH.

    Raises ProgramNotFound, or ProgramNotExecutable for a file that is no program, may not
    be executed, or is for another machine than x86-64.
    """
    if "/" in name:
        path = Path(name)
        if not path.exists():
            raise ProgramNotFound(f"{name} does not exist; give the path of a program.")
    else:
        found = shutil.which(name)
        if found is None:
            hint = f"; for the one in this folder, give ./{name}" if Path(name).is_file() else ""
            raise ProgramNotFound(f"{name} is not found in PATH{hint}.")
        path = Path(found)
    _check(path, name)
    return path


def _check(path: Path, name: str) -> None:
    if path.is_dir():
        raise ProgramNotExecutable(f"{name} is a folder; give the path of a program.")
    if not os.access(path, os.X_OK):
        raise ProgramNotExecutable(
            f"{name} is not executable; if it is a program, run: chmod +x {path}"
        )
    try:
        with path.open("rb") as file:
            start = file.read(_ELF_HEADER.size)
    except OSError as error:
        raise ProgramNotExecutable(f"{name} cannot be read: {error.strerror}.") from None
    if start.startswith(b"#!"):
        return
    if len(start) < _ELF_HEADER.size or not start.startswith(b"\x7fELF"):
        raise ProgramNotExecutable(
            f"{name} is no program: it is neither an ELF executable nor a script with #!."
        )
    _, elf_class, data, _, _, kind, machine = _ELF_HEADER.unpack(start)
    if machine != _X86_64 or elf_class != 2 or data != 1:
        machine = machine if data == 1 else machine >> 8 | (machine & 0xFF) << 8
        what = "x32" if machine == _X86_64 else _MACHINES.get(machine, f"machine {machine}")
        raise ProgramNotExecutable(
            f"{name} is a program for {what}; only 64-bit x86-64 programs can be recorded."
        )
    if kind not in _TYPES:
        raise ProgramNotExecutable(f"{name} is an ELF file, but no executable.")
