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
    ossi = Ossi(trace._service)
    candidates = binaries_of(trace, hint) if hint else list(ossi.executed_binaries())
    pattern = rf"^{re.escape(name)}(?:@plt|\(.*)?$"
    found = [one for binary in candidates for one in binary.symbols(pattern)]
    whole = [one for one in found if name in (*one._data.names, one.demangled_name)]
    functions = [one for one in found if one._data.kind != "plt"]
    chosen = whole or functions or found
    if chosen and all(one._data.is_resolver for one in chosen):
        # The name stands for the variant that the resolver chooses when the program starts.
        variants = rf"^__{re.escape(name)}{VARIANT}$"
        stripped = [one for one in found if one._data.kind == "plt"]
        return [one for binary in candidates for one in binary.symbols(variants)] or stripped
    if chosen:
        return chosen
    if any(True for binary in candidates for _ in binary.data_symbols(rf"^{re.escape(name)}$")):
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
