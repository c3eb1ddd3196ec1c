# SPDX-License-Identifier: Apache-2.0
"""Read the lines of Tenet text traces.

Source of the format: github.com/gaasedelen/tenet, tracers/README.md. Each line is a moment,
told as the difference from the one before: `name=0xVALUE` for registers that changed, and
`mr=0xADDRESS:BYTES`, `mw=…`, `mrw=…` for memory that was read, written or both by the
instruction between the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from reven.importers.protocol import CannotImport
from reven.recorders.kit import Register

REGISTERS = {
    name.lower(): int(Register[name])
    for name in (
        *("RAX", "RBX", "RCX", "RDX", "RBP", "RSP", "RSI", "RDI"),
        *(f"R{number}" for number in range(8, 16)),
        "RIP",
    )
}
"""The registers of an x86-64 trace, rip last, and their offsets in the register file."""

LONGEST_LINE = 1 << 28  # bytes
READ, WRITTEN, BOTH = 0, 1, 2

_KINDS = {b"mr": READ, b"mw": WRITTEN, b"mrw": BOTH}
_OFFSETS = {name.encode(): offset for name, offset in REGISTERS.items()}
_NUMBER = re.compile(rb"(?:0[xX])?[0-9a-fA-F]{1,16}")
_DIGITS = re.compile(rb"[0-9a-fA-F]*")
_OTHER_MACHINES = {
    **dict.fromkeys((b"eip", b"eax", b"esp"), "32-bit x86"),
    **dict.fromkeys((b"pc", b"r0", b"sp", b"lr", b"cpsr"), "Arm"),
}
_LINES_BETWEEN_REPORTS = 4096
_SHOWN = 40  # characters of what is wrong that an error quotes


@dataclass(frozen=True)
class Line:
    """One line. `registers`: values by offset in the register file; `accesses`: kind, address
    and bytes; `slide`: what the file says of it, if it does."""

    number: int  # from 1
    registers: dict[int, int]
    accesses: list[tuple[int, int, bytes]]
    slide: int | None


class LineReader:
    """The lines of a file, one after the other."""

    def __init__(self, file: Path, opened: BinaryIO, report: Callable[[int], None]) -> None:
        """`report` is told now and then how many bytes were read."""
        self._file, self._opened, self._report = file, opened, report
        self._position = 0
        self._number = 0

    def __iter__(self) -> Iterator[Line]:
        while raw := self._opened.readline(LONGEST_LINE + 1):
            self._position += len(raw)
            self._number += 1
            if self._number % _LINES_BETWEEN_REPORTS == 0:
                self._report(self._position)
            if len(raw) > LONGEST_LINE:
                self.wrong(f"it is longer than {LONGEST_LINE >> 20} MiB")
            text = raw.strip()
            if text:
                yield self._parse(text)

    def wrong(self, why: str) -> NoReturn:
        """Raise CannotImport, with the file and the line that was read last."""
        raise CannotImport(f"{self._file}, line {self._number}: {why}.")

    def _parse(self, text: bytes) -> Line:
        registers: dict[int, int] = {}
        accesses: list[tuple[int, int, bytes]] = []
        slide = None
        for item in text.split(b","):
            name, _, value = item.partition(b"=")
            offset = _OFFSETS.get(name)
            if offset is None:
                name = name.strip().lower()
                offset = _OFFSETS.get(name)
            if offset is not None:
                if offset in registers:
                    self.wrong(f"{name.decode()} comes twice")
                registers[offset] = self._number_of(value)
            elif name in _KINDS:
                accesses.append((_KINDS[name], *self._memory(value)))
            elif name == b"slide":
                slide = self._number_of(value)
            elif name in _OTHER_MACHINES:
                self.wrong(
                    f"{name.decode()} is a register of {_OTHER_MACHINES[name]}; only traces of "
                    "64-bit x86 can be imported"
                )
            else:
                self.wrong(f"{_quoted(item)} is neither a register nor memory")
        return Line(self._number, registers, accesses, slide)

    def _number_of(self, text: bytes) -> int:
        text = text.strip()
        if _NUMBER.fullmatch(text) is None:
            self.wrong(f"{_quoted(text)} is no hexadecimal number of at most 64 bits")
        return int(text, 16)

    def _memory(self, text: bytes) -> tuple[int, bytes]:
        address_text, _, digits = text.partition(b":")
        digits = digits.strip()
        address = self._number_of(address_text)
        if not digits or len(digits) % 2 or _DIGITS.fullmatch(digits) is None:
            self.wrong(f"{_quoted(digits)} are no bytes: two hexadecimal digits each")
        data = bytes.fromhex(digits.decode())
        if address + len(data) > 1 << 64:
            self.wrong(f"{len(data)} bytes at {address:#x} reach beyond the end of memory")
        return address, data


def _quoted(text: bytes) -> str:
    """Text of a file that nobody vouches for, short and without what terminals act on."""
    shown = text[:_SHOWN].decode("ascii", "backslashreplace")
    return repr(shown + ("…" if len(text) > _SHOWN else ""))
