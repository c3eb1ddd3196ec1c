# SPDX-License-Identifier: Apache-2.0
"""Symbols of one binary, and which of them an address belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reven.ossi.demangle import demangle

SymbolKind = Literal["function", "object", "plt"]


@dataclass(frozen=True, slots=True)
class ElfSymbol:
    """A name for a piece of a binary."""

    name: str  # the linker's; PLT stubs are `malloc@plt`
    rva: int
    size: int  # bytes; 0 when the binary does not say
    kind: SymbolKind
    is_resolver: bool = False  # STT_GNU_IFUNC: code that chooses the function of that name
    version: str = ""  # GLIBC_2.2.5: the one of several of that name that older programs use

    @property
    def full_name(self) -> str:
        """The name with the version: `memcpy@GLIBC_2.2.5`."""
        return f"{self.name}@{self.version}" if self.version else self.name

    @property
    def demangled_name(self) -> str | None:
        """The C++ declaration, or None for a name that is not mangled C++."""
        name, suffix, _ = self.name.partition("@plt")
        demangled = demangle(name)
        return demangled and demangled + suffix


class SymbolTable:
    """The symbols of one binary, searchable by name and by address."""

    def __init__(self, symbols: Sequence[ElfSymbol], limits: Sequence[tuple[int, int]]) -> None:
        """`symbols`: ordered by RVA, and at one RVA by preference. `limits`: disjoint
        [low, high) RVA ranges, ascending (sections), beyond whose end no symbol without a
        size reaches."""
        self._symbols = symbols
        self._starts, self._owners = _flatten(symbols, limits)
        self._by_name: dict[str, list[ElfSymbol]] | None = None

    def symbols(self) -> Sequence[ElfSymbol]:
        """All of them, aliases too, ordered by RVA, the preferred name of an RVA first."""
        return self._symbols

    def at(self, rva: int) -> ElfSymbol | None:
        """The symbol with the highest start whose extent holds `rva`. Among names of one
        address: the preferred one of those that reach `rva`. A symbol without a size
        reaches to the next symbol or the end of its section."""
        index = bisect_right(self._starts, rva) - 1
        return self._owners[index] if index >= 0 else None

    def named(self, name: str) -> Sequence[ElfSymbol]:
        """Symbols with exactly this linker name (local names may repeat)."""
        if self._by_name is None:
            by_name: dict[str, list[ElfSymbol]] = {}
            for symbol in self._symbols:
                by_name.setdefault(symbol.name, []).append(symbol)
            self._by_name = by_name
        return self._by_name.get(name, [])


def _flatten(
    symbols: Sequence[ElfSymbol], limits: Sequence[tuple[int, int]]
) -> tuple[list[int], list[ElfSymbol | None]]:
    """Cut the RVAs where the owner changes: owner i holds from start i to start i+1."""
    starts: list[int] = []
    owners: list[ElfSymbol | None] = []

    def own(start: int, owner: ElfSymbol | None) -> None:
        if starts and starts[-1] == start:
            owners[-1] = owner
        elif not owners or owners[-1] is not owner:
            starts.append(start)
            owners.append(owner)

    lows = [low for low, _ in limits]
    open_symbols: list[tuple[int, ElfSymbol]] = []  # (end, symbol), the innermost last

    def close_until(rva: float) -> None:
        while open_symbols and open_symbols[-1][0] <= rva:
            end = open_symbols.pop()[0]
            while open_symbols and open_symbols[-1][0] <= end:
                open_symbols.pop()
            own(end, open_symbols[-1][1] if open_symbols else None)

    index = 0
    while index < len(symbols):
        rva = symbols[index].rva
        group_end = index
        while group_end < len(symbols) and symbols[group_end].rva == rva:
            group_end += 1
        close_until(rva)
        next_rva = symbols[group_end].rva if group_end < len(symbols) else None
        # Pushed in reverse, so that the preferred name ends up on top of its aliases.
        for symbol in reversed(symbols[index:group_end]):
            end = rva + symbol.size
            if not symbol.size:
                limit = bisect_right(lows, rva) - 1
                end = limits[limit][1] if limit >= 0 and rva < limits[limit][1] else rva + 1
                if next_rva is not None:
                    end = min(end, next_rva)
            open_symbols.append((end, symbol))
        own(rva, open_symbols[-1][1])
        index = group_end
    close_until(float("inf"))
    return starts, owners
