# SPDX-License-Identifier: Apache-2.0
"""What was mapped where, and when: binaries, symbols and source lines of addresses.

The same address can belong to different binaries over time (dlclose, then dlopen of
another), so every question names a context.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from reven.ossi.binary import Binary
from reven.ossi.linux.lines import SourceLine
from reven.ossi.stored_binaries import StoredBinaries
from reven.ossi.symbols import ElfSymbol


class Mapping(Protocol):
    """A piece of the address space over a time, as `reven._engine.Mapping` has it."""

    @property
    def address(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def protection(self) -> int: ...  # 1 read, 2 write, 4 execute
    @property
    def file_offset(self) -> int: ...
    @property
    def path(self) -> str: ...  # a file, a name such as "[stack]", or ""
    @property
    def first_context(self) -> int: ...
    @property
    def last_context(self) -> int: ...  # inclusive


@dataclass(frozen=True, slots=True)
class Load:
    """A binary in the address space over a time."""

    binary: Binary
    base_address: int  # where RVA 0 is
    size: int  # bytes, from the base address to the end of the last segment
    first_context: int
    last_context: int  # inclusive
    executable_ranges: tuple[tuple[int, int], ...]  # [low, high), disjoint, ascending


@dataclass(frozen=True)
class Location:
    """What an address belongs to at a context."""

    binary: Binary | None  # None outside of binaries
    symbol: ElfSymbol | None
    base_address: int  # of the binary, or of the region
    rva: int  # address - base_address
    region: str  # outside of binaries: "[stack]", "[heap]", a mapped data file; else ""

    @cached_property
    def source(self) -> SourceLine | None:
        """File, line and column, where the binary has line information."""
        return self.binary.line_at(self.rva) if self.binary else None

    @property
    def file(self) -> str | None:
        """Path of the source file, or None."""
        return self.source.file if self.source else None

    @property
    def line(self) -> int | None:
        """Line in the source file, from 1, or None."""
        return self.source.line if self.source else None

    def __str__(self) -> str:
        """`prog!main+0x12`; without a symbol `prog+0x1139`; `[stack]+0x1ff0`."""
        name, offset = self.region, self.rva
        if self.binary is not None:
            name = self.binary.filename
            if self.symbol is not None:
                name += "!" + self.symbol.name
                offset -= self.symbol.rva
        return f"{name}+{offset:#x}" if offset else name


class AddressSpace:
    """The address space of a recorded process. Safe to use from several threads."""

    def __init__(self, mappings: Iterable[Mapping], stored: StoredBinaries) -> None:
        """`mappings`: all of the trace. `stored`: its copies of the binaries. Raises
        BinaryError if a copy is damaged."""
        files: dict[str, list[Mapping]] = {}
        regions: list[Mapping] = []
        for mapping in sorted(mappings, key=lambda one: (one.first_context, one.address)):
            if mapping.path.startswith("/"):
                files.setdefault(mapping.path, []).append(mapping)
            elif mapping.path:
                regions.append(mapping)
        self._loads: list[Load] = []
        for path, pieces in files.items():
            # A file is a binary of the process if it was mapped to be run; else it is data.
            if any(piece.protection & 4 for piece in pieces):
                self._loads += _loads_of(Binary(path, stored), pieces)
            regions += pieces
        self._loads.sort(key=lambda load: (load.base_address, load.first_context))
        self._load_index = _SpanIndex(
            [(load.base_address, load.size, load.first_context, load.last_context)
             for load in self._loads]
        )  # fmt: skip
        self._regions = sorted(regions, key=lambda one: (one.address, one.first_context))
        self._region_index = _SpanIndex(
            [(one.address, one.size, one.first_context, one.last_context)
             for one in self._regions]
        )  # fmt: skip

    def loads(self) -> Sequence[Load]:
        """Every load of every binary, by base address, then time."""
        return self._loads

    def binaries(self) -> list[Binary]:
        """Binaries that were mapped to be run, in the order in which they were loaded."""
        ordered = sorted(self._loads, key=lambda load: (load.first_context, load.base_address))
        return list(dict.fromkeys(load.binary for load in ordered))

    def loads_of(self, binary: Binary) -> list[Load]:
        """The loads of one binary, by base address, then time."""
        return [load for load in self._loads if load.binary is binary]

    def load_at(self, address: int, context: int) -> Load | None:
        """The load that an address belongs to at a context."""
        for index in self._load_index.holding(address, context):
            load = self._loads[index]
            header = load.binary.header
            if header is None or header.in_segment(address - load.base_address):
                return load
        return None

    def binary_at(self, address: int, context: int) -> tuple[Binary, int] | None:
        """The binary that an address belongs to at a context, and its base address."""
        load = self.load_at(address, context)
        return (load.binary, load.base_address) if load else None

    def locate(self, address: int, context: int) -> Location | None:
        """What an address belongs to at a context; None for unmapped and for anonymous
        memory (such as code made by a JIT compiler). Raises BinaryError if the trace's copy
        of the binary is damaged."""
        load = self.load_at(address, context)
        if load is not None:
            rva = address - load.base_address
            return Location(load.binary, load.binary.symbol_at(rva), load.base_address, rva, "")
        for index in self._region_index.holding(address, context):
            region = self._regions[index]
            rva = address - region.address
            return Location(None, None, region.address, rva, region.path)
        return None

    def symbol_addresses(self, binary: Binary, symbol: ElfSymbol) -> list[int]:
        """Absolute addresses of a symbol of `binary`, one for each base address the binary
        was loaded at, ascending."""
        return sorted({load.base_address + symbol.rva for load in self.loads_of(binary)})


def _loads_of(binary: Binary, pieces: list[Mapping]) -> list[Load]:
    """Group a file's mappings (by ascending first context) into loads: one base address and
    one uninterrupted time each."""
    by_base: dict[int, list[list[Mapping]]] = {}
    for piece in pieces:
        base = _base_address(binary, piece, by_base)
        if base is None:
            continue
        groups = by_base.setdefault(base, [])
        if groups and piece.first_context <= max(one.last_context for one in groups[-1]) + 1:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [
        _load(binary, base, group)
        for base, groups in by_base.items()
        for group in groups
        if any(piece.protection & 4 for piece in group)
    ]


def _base_address(
    binary: Binary, piece: Mapping, known: dict[int, list[list[Mapping]]]
) -> int | None:
    """Base address that a piece of the file implies; None for a piece that is no part of a
    segment (a program that reads its own sections)."""
    if binary.header is None:
        candidates = [piece.address - piece.file_offset]
    else:
        candidates = [
            piece.address - rva for rva in binary.header.rvas_of_offset(piece.file_offset)
        ]
    # A page shared by two segments implies two bases: the pieces before it tell which.
    return next(
        (base for base in candidates if base in known), candidates[0] if candidates else None
    )


def _load(binary: Binary, base: int, pieces: list[Mapping]) -> Load:
    ranges: list[tuple[int, int]] = []
    for low, high in sorted(
        (piece.address, piece.address + piece.size) for piece in pieces if piece.protection & 4
    ):
        if ranges and low <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(high, ranges[-1][1]))
        else:
            ranges.append((low, high))
    size = max(piece.address + piece.size for piece in pieces) - base
    return Load(
        binary,
        base,
        binary.header.image_size if binary.header else size,
        min(piece.first_context for piece in pieces),
        max(piece.last_context for piece in pieces),
        tuple(ranges),
    )


class _SpanIndex:
    """Finds which of many (address, size, first context, last context) hold a moment."""

    def __init__(self, spans: list[tuple[int, int, int, int]]) -> None:
        """`spans`: by ascending address."""
        self._spans = spans
        self._lows = [span[0] for span in spans]
        self._reach: list[int] = []  # highest end of all spans up to here
        highest = 0
        for address, size, _, _ in spans:
            highest = max(highest, address + size)
            self._reach.append(highest)

    def holding(self, address: int, context: int) -> Iterable[int]:
        """Indexes of the spans that hold the address at the context, highest start first."""
        index = bisect_right(self._lows, address) - 1
        while index >= 0 and self._reach[index] > address:
            low, size, first, last = self._spans[index]
            if address < low + size and first <= context <= last:
                yield index
            index -= 1
