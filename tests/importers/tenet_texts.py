# SPDX-License-Identifier: Apache-2.0
"""Tenet text traces, made and compared."""

from __future__ import annotations

from pathlib import Path

from reven.formats import get_exporter
from reven.importers import Imported, get_importer

EVERY_REGISTER = (
    *("rax", "rbx", "rcx", "rdx", "rbp", "rsp", "rsi", "rdi"),
    *(f"r{number}" for number in range(8, 16)),
)
FULL = ",".join(f"{name}=0x0" for name in EVERY_REGISTER)


def go_on(_done: int, _total: int) -> bool:
    return True


def import_text(text: str | bytes, folder: Path) -> Path:
    """The trace of a text."""
    file = folder / "made.tenet"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_file(file, folder / "made.reven")[0]


def import_file(file: Path, trace: Path) -> tuple[Path, Imported]:
    return trace, get_importer("tenet").read(file, trace, force=True, progress=go_on)


def export_trace(trace: Path, file: Path, start: int = 0, stop: int | None = None) -> Path:
    with file.open("wb") as opened:
        get_exporter("tenet").export(trace, start, stop, opened).run(go_on)
    return file


def moments(text: str) -> list[tuple[set[str], list[tuple[str, int, bytes]]]]:
    """Of each line, its registers and its accesses, neighbouring ones made one."""
    found = []
    for line in text.splitlines():
        items = [item.partition("=") for item in line.split(",")]
        registers = {f"{n}={v}" for n, _, v in items if not n.startswith("m")}
        accesses = []
        for name, _, value in items:
            if name.startswith("m"):
                address, _, data = value.partition(":")
                accesses.append((name, int(address, 16), bytes.fromhex(data)))
        found.append((registers, sorted(accesses)))
    return found
