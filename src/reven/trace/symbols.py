# SPDX-License-Identifier: Apache-2.0
"""Binaries, symbols and locations of an open trace, as the client's messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from reven.ossi import AddressSpace, Binary, ElfSymbol, Load, Location
from reven.ossi.demangle import TOO_LARGE, is_too_large
from reven.patterns import Pattern
from reven.trace.stopping import keep_going
from reven2._service import BinaryData, LocationData, RangeData, SymbolData, SymbolPage
from reven2.errors import InvalidArgumentError, OutOfRangeError

_KINDS = {"function": ("function", "plt"), "object": ("object",), "": ("function", "plt", "object")}
_NAMED_LIMIT = 1000
_ENCLOSED = re.compile(r"<[^<>]*>|\([^()]*\)")
_WORD = re.compile(r"[A-Za-z_]\w*")
# The linker's names write these otherwise. Source: Itanium C++ ABI, "Compression" and "Types".
_ABBREVIATED = frozenset(
    {
        *("std", "allocator", "basic_string", "string", "istream", "ostream", "iostream"),
        *("basic_istream", "basic_ostream", "basic_iostream", "operator", "const", "volatile"),
        *("new", "delete", "bool", "char", "short", "int", "long", "unsigned", "signed", "float"),
        *("double", "void", "wchar_t", "anonymous", "namespace", "lambda", "plt"),
    }
)
_LOCATIONS_KEPT = 1 << 16
_SEARCH_SECONDS = 3.0
"""A pattern can take for ever on a name that almost fits, so that it gets so long."""


@dataclass(frozen=True, slots=True)
class _Named:
    """All that stands at one address: the entry with the preferred name, and the others."""

    best: ElfSymbol
    others: tuple[ElfSymbol, ...]

    @property
    def names(self) -> Iterator[str]:
        """All names, as the linker has them and demangled."""
        for symbol in (self.best, *self.others):
            yield symbol.full_name
            if (demangled := symbol.demangled_name) is not None:
                yield demangled


class Symbols:
    """Answers from an address space. Binaries are numbered in the order of loading."""

    def __init__(self, space: AddressSpace, executed_ranges: Sequence[tuple[int, int]]) -> None:
        """`executed_ranges`: [low, high) of executed instructions, ascending."""
        self.space = space
        self._binaries = space.binaries()
        self._data = {
            id(binary): BinaryData(number, binary.path)
            for number, binary in enumerate(self._binaries)
        }
        self._executed = [
            self._data[id(binary)]
            for binary in self._binaries
            if any(_overlaps(load, executed_ranges) for load in space.loads_of(binary))
        ]
        self._named: dict[int, dict[int, _Named]] = {}
        self._located: dict[tuple[int, int], LocationData] = {}
        self._matching = lru_cache(maxsize=64)(self._find_matching)

    def binaries(self) -> list[BinaryData]:
        """Those of which an instruction was executed."""
        return self._executed

    def ranges(self, number: int) -> list[RangeData]:
        """Where the code of a binary was mapped, and when."""
        return [
            RangeData(low, high, load.first_context, load.last_context)
            for load in self.space.loads_of(self._binary(number))
            for low, high in load.executable_ranges
        ]

    def entries(self, number: int, rva: int) -> list[RangeData]:
        """The address of an offset in a binary, for each time it was loaded."""
        return [
            RangeData(
                load.base_address + rva,
                load.base_address + rva + 1,
                load.first_context,
                load.last_context,
            )
            for load in self.space.loads_of(self._binary(number))
        ]

    def entries_of_functions(self) -> Iterator[tuple[int, ElfSymbol]]:
        """Address and symbol of every function and PLT stub, for each load of its binary."""
        for load in self.space.loads():
            for symbol in load.binary.symbols():
                if symbol.kind != "object":
                    yield load.base_address + symbol.rva, symbol

    def unwound_functions(self) -> Iterator[int]:
        """Where the functions begin that the binaries say how to unwind, with symbol or not."""
        for load in self.space.loads():
            for rva in load.binary.unwound_functions():
                yield load.base_address + rva

    def page(
        self, number: int, pattern: str, case_sensitive: bool, kind: str, *, start: int, limit: int
    ) -> SymbolPage:
        """Symbols of a binary from a position on."""
        matching = self._matching(number, pattern, case_sensitive, kind)
        binary = self._binary(number)
        stop = start + limit
        return SymbolPage(
            [self._symbol(binary, named) for named in matching[start:stop]],
            stop if stop < len(matching) else None,
        )

    def named(self, name: str) -> list[SymbolData]:
        """Symbols of executed binaries that have a name, whole or but for what follows it."""
        return self._having(name, _certain_part(name)) or self._having(name, "")

    def _having(self, name: str, part: str) -> list[SymbolData]:
        """Those in whose linker's name there is a part: demangling all takes its time."""
        found: list[SymbolData] = []
        executed = {data.id for data in self._executed}
        for number, binary in enumerate(self._binaries):
            if number not in executed:
                continue
            keep_going()
            for named in self._names_of(binary).values():
                if any(
                    part in symbol.name and _has_name(symbol, name)
                    for symbol in (named.best, *named.others)
                ):
                    found.append(self._symbol(binary, named))
                    if len(found) == _NAMED_LIMIT:
                        return found
        return found

    def locate(self, context: int, address: int) -> LocationData | None:
        """What stands at an address."""
        load = self.space.load_at(address, context)
        if load is None:
            found = self.space.locate(address, context)
            return None if found is None else self._location(found)
        # Loops come back to the same places, and finding a source line takes its time.
        key = (id(load), address)
        known = self._located.get(key)
        if known is None:
            found = self.space.locate(address, context)
            assert found is not None
            if len(self._located) >= _LOCATIONS_KEPT:
                self._located.clear()
            known = self._located[key] = self._location(found)
        return known

    def _location(self, found: Location) -> LocationData:
        binary = found.binary
        return LocationData(
            binary=None if binary is None else self._data[id(binary)],
            symbol=(
                None
                if binary is None or found.symbol is None
                else self._symbol(binary, self._names_of(binary)[found.symbol.rva])
            ),
            region=found.region,
            rva=found.rva,
            base_address=found.base_address,
            file=found.file,
            line=found.line,
        )

    def left_out(self) -> list[str]:
        """Sentences: what was not read because of what it costs, so far."""
        found = [said for binary in self._binaries for said in binary.left_out()]
        known = (
            symbol.name.partition("@")[0]
            for names in self._named.values()
            for named in names.values()
            for symbol in (named.best, *named.others)
        )
        return [*found, TOO_LARGE] if is_too_large(known) else found

    def _find_matching(
        self, number: int, pattern: str, case_sensitive: bool, kind: str
    ) -> list[_Named]:
        compiled = Pattern(pattern, ignore_case=not case_sensitive, seconds=_SEARCH_SECONDS)
        if kind not in _KINDS:
            raise InvalidArgumentError(
                f"{kind[:40]!r} is no kind of symbol: use one of {set(_KINDS)}."
            )

        def is_found(name: str) -> bool:
            keep_going()
            return compiled.is_in(name)

        return [
            named
            for named in self._names_of(self._binary(number)).values()
            if named.best.kind in _KINDS[kind] and any(map(is_found, named.names))
        ]

    def _binary(self, number: int) -> Binary:
        if not 0 <= number < len(self._binaries):
            raise OutOfRangeError(f"There is no binary {number}.")
        return self._binaries[number]

    def _names_of(self, binary: Binary) -> dict[int, _Named]:
        """What stands at each address of a binary that has a name, ascending."""
        named = self._named.get(id(binary))
        if named is None:
            named = {
                rva: _Named(next(entries), tuple(entries))
                for rva, entries in groupby(binary.symbols(), lambda symbol: symbol.rva)
            }
            self._named[id(binary)] = named
        return named

    def _symbol(self, binary: Binary, named: _Named) -> SymbolData:
        best, others = named.best, named.others
        return SymbolData(
            self._data[id(binary)],
            best.full_name,
            best.rva,
            max(best.size, *(other.size for other in others)) if others else best.size,
            best.kind,
            best.demangled_name,
            best.is_resolver or any(other.is_resolver for other in others),
            tuple(other.full_name for other in others),
        )


def _has_name(symbol: ElfSymbol, name: str) -> bool:
    full = symbol.full_name
    if full == name or (full.startswith(name) and full[len(name)] == "@"):
        return True
    shown = symbol.demangled_name
    return shown is not None and (
        shown == name or (shown.startswith(name) and shown[len(name)] in "(@")
    )


def _certain_part(name: str) -> str:
    """An identifier that must stand in the linker's name of what has this name; "" if none is
    certain."""
    plain = name.partition("@")[0]
    while (shorter := _ENCLOSED.sub("", plain)) != plain:
        plain = shorter
    words = [word for word in _WORD.findall(plain) if word not in _ABBREVIATED]
    return words[-1] if words else ""


def _overlaps(load: Load, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(
        low < stop and start < high
        for low, high in load.executable_ranges
        for start, stop in ranges
    )
