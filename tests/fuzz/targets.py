# SPDX-License-Identifier: Apache-2.0
"""What takes bytes from outside in Python, one function each: whatever they are, nothing is raised
but what the function names. Atheris and the tests call them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from reven.importers import get_importer
from reven.importers.protocol import CannotImport
from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_header import BinaryError
from reven.patterns import Pattern
from reven.record import record
from reven.service.local import LocalService
from reven.trace.manifest import read_manifest
from reven2.errors import RevenError

__all__ = ["PARSERS", "SEEDS"]

_FOLDER = Path(tempfile.mkdtemp(prefix="reven-fuzz-"))


def elf(data: bytes) -> None:
    """A binary: its symbols, lines, unwinding and debug information."""
    try:
        image = ElfImage(data, "/fuzzed")
    except BinaryError:
        return
    with suppress(BinaryError):
        for symbol in list(image.symbols())[:50]:
            image.line_at(symbol.rva)
        image.unwound_functions()
        image.addresses_of_line("program.c", 3)
        _ = image.build_id, image.is_pie


def manifest(data: bytes) -> None:
    """manifest.json."""
    (_FOLDER / "manifest.json").write_bytes(data)
    with suppress(RevenError):
        read_manifest(_FOLDER)


@cache
def _service() -> LocalService:
    trace = _FOLDER / "true.reven"
    record(["/bin/true"], trace)
    return LocalService(trace)


def expression(data: bytes) -> None:
    """What a user writes for a moment, a place, an address, a name or a pattern of names."""
    text = data.decode("utf-8", "replace")
    for wanted in ("address", "context", "transition"):
        with suppress(RevenError):
            _service().resolve(text, 0, thread=None, wanted=wanted)
    with suppress(RevenError):
        Pattern(text, seconds=0.5).is_in("a" * 50)


def tenet(data: bytes) -> None:
    """Another tool's trace."""
    file, trace = _FOLDER / "a.tenet", _FOLDER / "a.reven"
    file.write_bytes(data)
    with suppress(CannotImport):
        get_importer("tenet").read(file, trace, force=True, progress=lambda _done, _total: True)


PARSERS: dict[str, Callable[[bytes], None]] = {
    "elf": elf,
    "manifest": manifest,
    "expression": expression,
    "tenet": tenet,
}

SEEDS: dict[str, list[bytes]] = {
    "manifest": [b'{"program": "a", "pid": 1, "binaries": [{"path": "/a", "size": 1}]}'],
    "expression": [
        b"main+0x12", b"[rsp+8]", b"#42", b"50%", b"file.c:3", b"fs:0x28", b"'name (int)'+1",
        b"[[rdi]+rax*8; 16]", b"^ma(in|x)+$", b"last-1", b"ds:[rip+0x10]-[rsp]",
    ],
    "tenet": [
        b"rax=0x1,rip=0x401000\nrbx=0x2,rip=0x401004,mr=0x7fff0000:aabb\nrip=0x401007,mw=0x10:00\n",
    ],
}  # fmt: skip
"""What changed inputs are made of."""
