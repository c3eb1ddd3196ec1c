# SPDX-License-Identifier: Apache-2.0
"""The symbols and binaries that people name."""

from __future__ import annotations

import difflib
from pathlib import PurePosixPath

from reven2._service import BinaryData, SymbolData, TraceService
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = ["binary_named", "find_symbol", "similar_names", "symbol_address"]

_LONGEST = 400
_COMPARED = 2000
_LONGEST_COMPARED = 40


def find_symbol(service: TraceService, name: str) -> SymbolData | None:
    """The symbol of a name as `main`, `std::sort`, `libc!environ` or `twice(int)`.

    A function counts before the entries of PLTs that call it, a whole name before one with its
    parameters or version left out, and every binary before the dynamic linker, which has
    functions of its own that others have too.

    Raises:
        InvalidArgumentError: several symbols have that name.
    """
    wanted, _, plain = name.rpartition("!")
    if len(plain) > _LONGEST:
        return None
    ranked: dict[tuple[bool, bool, bool], list[SymbolData]] = {}
    for symbol in service.symbols_named(plain):
        file = PurePosixPath(symbol.binary.path).name
        if not wanted or _is_named(file, wanted):
            is_whole = plain in (*symbol.names, symbol.demangled_name)
            rank = (symbol.kind == "plt", not is_whole, file.startswith("ld-"))
            ranked.setdefault(rank, []).append(symbol)
    if not ranked:
        return None
    best = ranked[min(ranked)]
    if len(best) > 1:
        listed = ", ".join(
            f"{PurePosixPath(one.binary.path).name}!{one.demangled_name or one.name} "
            f"at {PurePosixPath(one.binary.path).name}+{one.rva:#x}"
            for one in best[:4]
        )
        more = " …" if len(best) > 4 else ""
        raise InvalidArgumentError(
            f"{name!r} names {len(best)} symbols: write which of them: {listed}{more}."
        )
    return best[0]


def symbol_address(service: TraceService, context: int, symbol: SymbolData) -> int | None:
    """Where the symbol is loaded at a context, or else at any; None if nowhere."""
    loads = service.symbol_entries(symbol.binary.id, symbol.rva)
    for load in loads:
        if load.first_context <= context <= load.last_context:
            return load.start
    return loads[0].start if loads else None


def binary_named(service: TraceService, name: str) -> BinaryData | None:
    """The executed binary of a name as `libc`, `libc.so.6` or its path."""
    for binary in service.binaries():
        if name == binary.path or _is_named(PurePosixPath(binary.path).name, name):
            return binary
    return None


def similar_names(service: TraceService, name: str) -> list[str]:
    """Names of registers, and of the program's symbols, that look like one that is none."""
    plain = name.rpartition("!")[2]
    if len(plain) > _LONGEST_COMPARED:
        return []
    known = set(Register._by_name)
    for binary in service.binaries()[:1]:
        page = service.symbols(
            binary.id, "", case_sensitive=True, kind="", start=0, limit=_COMPARED
        )
        known.update(one for symbol in page.symbols for one in symbol.names)
    return difflib.get_close_matches(plain, sorted(known), n=3, cutoff=0.7)


def _is_named(file: str, wanted: str) -> bool:
    """`libc` and `libc.so` name libc.so.6, and libc-2.36.so too."""
    return file == wanted or (file.startswith(wanted) and file[len(wanted)] in ".-")
