# SPDX-License-Identifier: Apache-2.0
"""Symbols and binaries that callers pass, or name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reven2._arguments import shown, wrong_type
from reven2.errors import ArgumentTypeError, InvalidArgumentError
from reven2.ossi.ossi import Binary, Ossi, Symbol

if TYPE_CHECKING:
    from reven2.trace import Trace

__all__ = ["VARIANT", "binaries_of", "symbols_of"]

VARIANT = r"_(?:sse\d*|ssse3|avx\d*|evex\d*|erms|generic|fma\d*|c)\w*"
"""What the GNU C library appends to names of functions for one kind of processor."""


def symbols_of(trace: Trace, symbol: object) -> Sequence[Symbol]:
    """The symbol, or all that have this name. Entries of PLTs count where nothing else has it.

    Raises:
        InvalidArgumentError (a ValueError): none has it.
        ArgumentTypeError (a TypeError and ValueError): it is neither.
    """
    if isinstance(symbol, Symbol):
        return (symbol,)
    if isinstance(symbol, Binary):
        raise ArgumentTypeError(f"{symbol} is a binary, not a symbol: use search.binary.")
    if not isinstance(symbol, str):
        is_address = isinstance(symbol, int) and not isinstance(symbol, bool)
        advice = f"use search.pc({symbol:#x})" if is_address else "pass a Symbol, or its name"
        raise wrong_type("A symbol", symbol, advice)
    hint, _, name = symbol.strip().rpartition("!")
    service = trace._service
    paths = {one.path for one in binaries_of(trace, hint)} if hint else None
    found = [
        one for one in service.symbols_named(name) if paths is None or one.binary.path in paths
    ]
    code = [one for one in found if one.kind != "object"]
    whole = [one for one in code if name in (*one.names, one.demangled_name)]
    chosen = whole or [one for one in code if one.kind == "function"] or code
    if chosen and all(one.is_resolver for one in chosen):
        # The name stands for the variant that the resolver chooses when the program starts.
        variants = rf"^__{re.escape(name)}{VARIANT}$"
        in_binaries = {one.binary.path for one in chosen}
        chosen = [
            variant._data
            for binary in Ossi(service).executed_binaries()
            if binary.path in in_binaries
            for variant in binary.symbols(variants)
        ] or [one for one in code if one.kind == "plt"]
    if chosen:
        return [Symbol(service, one) for one in chosen]
    if found:
        raise InvalidArgumentError(
            f"{symbol!r} is a variable, which is not executed: use "
            f"trace.memory_accesses({symbol!r})."
        )
    raise InvalidArgumentError(
        f"No executed binary has a function {symbol!r}: server.ossi.symbols('…') lists the names "
        "in which a pattern is found."
    )


def binaries_of(trace: Trace, binary: object) -> Sequence[Binary]:
    """The binary, or all executed ones of this name or path.

    Raises:
        InvalidArgumentError (a ValueError): none has it.
        ArgumentTypeError (a TypeError and ValueError): it is neither.
    """
    if isinstance(binary, Binary):
        return (binary,)
    if isinstance(binary, Symbol):
        raise ArgumentTypeError(f"{binary} is a symbol, not a binary: use search.symbol.")
    if not isinstance(binary, str):
        raise wrong_type("A binary", binary, "pass a Binary, its name or its path")
    executed = list(Ossi(trace._service).executed_binaries())
    wanted = binary.strip()
    found = [one for one in executed if wanted in (one.path, one.filename, one.name)]
    if not found:
        known = ", ".join(one.name for one in executed[:8])
        raise InvalidArgumentError(
            f"No executed binary is called {shown(binary)}: there are {known}"
            f"{' and others' if len(executed) > 8 else ''}."
        )
    return found
