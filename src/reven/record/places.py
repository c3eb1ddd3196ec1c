# SPDX-License-Identifier: Apache-2.0
"""Where a record begins and ends, as users write it before anything has run.

    place = where [ "@" N ]
    where = [ binary "!" ] symbol [ "+" offset ] | binary "+" offset | 0xADDRESS
          | file ":" line | "syscall:" name | "mark:" text

The forms are those of `reven.expressions`, but for registers and memory, which nobody knows
before the program runs. What neither the program nor its libraries have is refused.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from reven.record.errors import CannotRecord
from reven.recorders import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reven.record.program_files import ProgramFiles

__all__ = ["check_code", "resolve_place"]

_COUNTED = re.compile(r"(?P<place>.*?)\s*@\s*(?P<count>[0-9]+)", re.DOTALL)
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
_LINE = re.compile(r"(?P<file>[^\s:!\[\]()*]+):(?P<line>[0-9]{1,9})")
_NAMED = re.compile(
    r"(?:(?P<binary>[^\s!:\[\]()*'`]+)(?:!|:(?!:)|`))?(?P<name>'[^']+'|[^\s!'].*?)"
    r"(?:\s*\+\s*(?P<offset>0[xX][0-9a-fA-F]{1,16}|[0-9][0-9a-fA-F]{0,15}))?"
)
_COUNT_LIMIT = 1 << 63


def resolve_place(written: str, option: str, program: Path) -> Place:
    """What a place means to a recorder of this program.

    Parameters:
        written: as the user wrote it.
        option: where, as `--from`, for errors.
        program: the file that is run.

    Raises CannotRecord: it cannot be understood, or names nothing.
    """
    text, count = written.strip(), 1
    counted = _COUNTED.fullmatch(text)
    if counted is not None:
        text, count = counted["place"], int(counted["count"])
        if not 0 < count < _COUNT_LIMIT:
            raise CannotRecord(f"{option} {written}: the times are counted from 1.")
    try:
        return _resolve(text, written, count, program)
    except _NoPlace as error:
        raise CannotRecord(f"{option} {written}: {error}.") from None


class _NoPlace(Exception):
    """Why something is no place, without its full stop."""


def _resolve(text: str, written: str, count: int, program: Path) -> Place:
    kind, _, rest = text.partition(":")
    if kind == "syscall" and rest:
        return Place(written, "syscall", number=_syscall_number(rest), count=count)
    if kind == "mark" and rest:
        return Place(written, "mark", name=rest, count=count)
    text = text.removeprefix("*")
    if _ADDRESS.fullmatch(text):
        return Place(written, "address", offsets=(int(text, 16),), count=count)
    if re.fullmatch(r"[0-9,_ ]+", text):
        raise _NoPlace("a place is wanted: to begin after so many transitions, write --after")
    if re.search(r"\[|\b[re]?[sb]p\b|\br(?:[abcd]x|[sd]i|8|9|1[0-5]|ip)\b", text):
        raise _NoPlace("registers and memory are not known before the program runs")
    line = _LINE.fullmatch(text)
    if line is not None:
        return _line(line["file"], int(line["line"]), written, count, program)
    named = _NAMED.fullmatch(text)
    if named is None:
        raise _NoPlace(
            "it is not understood: write a function, as main or libc!printf, main+0x12, file.c:3, "
            "0xADDRESS, syscall:NAME or mark:TEXT"
        )
    name, offset = named["name"].strip("'"), _number(named["offset"] or "0")
    return _named(named["binary"] or "", name, offset, written, count, program)


def check_code(written: str, option: str, program: Path) -> None:
    """Make sure that a binary, a function, or BINARY!FUNCTION is known, or may be later.

    Raises CannotRecord.
    """
    files = _files(program)
    binary, _, name = written.rpartition("!")
    if binary and not files.named(binary):
        return
    among = files.named(binary) if binary else files.all
    if files.functions(name, among) or (not binary and (files.named(name) or ".so" in name)):
        return
    known = [] if binary else [path.name for path in files.all]
    near = get_close_matches(name, known, n=2, cutoff=0.6) or files.similar(name, among)
    raise CannotRecord(
        f"{option} {written}: there is no binary or function {name!r} in {files.all[0].name}, or "
        + (
            f"in its libraries; did you mean {' or '.join(near)}?"
            if near
            else "in its libraries; for what is loaded later, write the whole name of a library, "
            f"as {name}.so, or BINARY!FUNCTION."
        )
    )


def _files(program: Path) -> ProgramFiles:
    # Reading symbols is slow to load, and few recordings need it.
    from reven.record.program_files import ProgramFiles

    return ProgramFiles(program)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else int(text, 16)


def _named(binary: str, name: str, offset: int, written: str, count: int, program: Path) -> Place:
    files = _files(program)
    if binary and not files.named(binary):
        return Place(written, "symbol", name, binary, (offset,), count=count)
    among = files.named(binary) if binary else files.all
    found = files.functions(name, among)
    if not found:
        if not binary and offset and files.named(name):
            return Place(written, "binary", "", name, (offset,), count=count)
        raise _NoPlace(_nothing(files, binary, name, among))
    # The program counts before its libraries, and those before the dynamic linker, which has
    # functions of its own that others have too.
    own = [one for one in found if one[0] == files.all[0]]
    others = [one for one in found if not one[0].name.startswith("ld-")]
    best = own or others or found
    if len(best) < len(found) and not binary:
        found, binary = best, str(best[0][0])
    if len({path for path, _ in found}) > 1:
        listed = ", ".join(dict.fromkeys(f"{path.name}!{name}" for path, _ in found[:4]))
        raise _NoPlace(f"several libraries have it: write which of them: {listed}")
    if all(symbol.is_resolver for _, symbol in found):
        near = files.similar(f"__{name}_", among)
        raise _NoPlace(
            f"{name} is chosen among several functions when it is loaded (IFUNC): name the one "
            "that runs" + (f", such as {', '.join(near)}" if near else "")
        )
    largest = max(symbol.size for _, symbol in found)
    if offset and largest and offset >= largest:
        raise _NoPlace(f"{name} has only {largest} bytes")
    return Place(written, "symbol", name, binary, (offset,), count=count)


def _nothing(files: ProgramFiles, binary: str, name: str, among: Sequence[Path]) -> str:
    where = binary or f"{files.all[0].name}, or in a library of it"
    near = files.similar(name, among)
    if near:
        return f"there is no function {name!r} in {where}; did you mean {' or '.join(near)}"
    hint = (
        ""
        if binary
        else f"; for one of a program or library that is loaded later, write BINARY!{name}"
    )
    return f"there is no function {name!r} in {where}{hint}"


def _line(file: str, line: int, written: str, count: int, program: Path) -> Place:
    files = _files(program)
    for path in files.all:
        offsets = files.offsets_of_line(path, file, line)
        if offsets:
            return Place(written, "file", "", str(path), offsets, count=count)
    for distance in range(1, 30):
        for near in (line + distance, line - distance):
            if near > 0 and any(files.offsets_of_line(path, file, near) for path in files.all):
                raise _NoPlace(
                    f"line {line} of {file} has no code; the nearest with code is {near}"
                )
    raise _NoPlace(
        f"neither the program nor a library of it has code of line {line} of {file}: check the "
        "name, and that it was compiled with -g"
    )


def _syscall_number(name: str) -> int:
    from reven.ossi import syscall_name

    if name.isdecimal():
        return int(name)
    numbers = {known: number for number in range(600) if (known := syscall_name(number))}
    if name not in numbers:
        near = get_close_matches(name, numbers, n=3, cutoff=0.7)
        raise _NoPlace(
            f"there is no system call {name!r}"
            + (f"; did you mean {' or '.join(near)}" if near else "")
        )
    return numbers[name]
