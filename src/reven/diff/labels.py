# SPDX-License-Identifier: Apache-2.0
"""What instructions of two traces are called so that the same have the same name: by binary and
offset, or, where the person's own binaries are different builds, by function and line."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np

from reven import _engine
from reven.diff.sides import CodeTable, Side
from reven.ossi import Load
from reven.trace.own_code import short_name

__all__ = ["label_own_code", "whole_code"]

_PROGRAM = "the program"


def label_own_code(a: Side, b: Side) -> str:
    """Label the own code of both sides; says how it is compared."""
    numbers: dict[Hashable, int] = {}
    hashes_a, hashes_b = _hashes(a), _hashes(b)
    differing = {
        name for name in hashes_a.keys() & hashes_b.keys() if hashes_a[name] != hashes_b[name]
    }
    for side in (a, b):
        rows = sorted(
            (address, numbers.setdefault(key, len(numbers)))
            for address, key in _own_instructions(side, differing)
        )
        side.label(_table(rows, collapse=bool(differing)))
    if not differing:
        return "the same binaries: by instruction"
    names = ", ".join(sorted(differing))
    return f"different builds of {names}: by function and source line"


def whole_code(a: Side, b: Side) -> tuple[_engine.LabelledCode, _engine.LabelledCode]:
    """All code of both sides, libraries too, by binary and offset."""
    numbers: dict[Hashable, int] = {}
    made = []
    for side in (a, b):
        rows = sorted(
            (address, numbers.setdefault(key, len(numbers)))
            for address, key in _all_instructions(side)
        )
        table = _table(rows, collapse=False)
        made.append(
            _engine.LabelledCode(side.service._trace(), table.addresses, table.labels, False)
        )
    return made[0], made[1]


def _table(rows: list[tuple[int, int]], *, collapse: bool) -> CodeTable:
    return CodeTable(
        np.array([address for address, _ in rows], dtype=np.uint64),
        np.array([label for _, label in rows], dtype=np.uint32),
        collapse,
    )


def _name(side: Side, load: Load) -> str:
    program = side.service._program_path()
    return _PROGRAM if load.binary.path == program else load.binary.filename


def _hashes(side: Side) -> dict[str, str]:
    """Of the binaries that own code lies in."""
    entries = {one.path: one.sha256 for one in side.service._manifest.binaries}
    found = {}
    for load in side.service._ossi().space.loads():
        if side.evidence.own.holds_binary(load.binary.path):
            found[_name(side, load)] = entries.get(load.binary.path, "")
    return found


def _instructions(side: Side) -> Iterator[tuple[int, Load]]:
    addresses = sorted({at for at, _ in _engine.CodeSearch(side.service._trace()).instructions})
    space = side.service._ossi().space
    last: Load | None = None
    for address in addresses:
        if last is None or not last.base_address <= address < last.base_address + last.size:
            last = next(
                (
                    one
                    for one in space.loads()
                    if one.base_address <= address < one.base_address + one.size
                ),
                None,
            )
        if last is not None:
            yield address, last


def _all_instructions(side: Side) -> Iterator[tuple[int, Hashable]]:
    for address, load in _instructions(side):
        yield address, (_name(side, load), address - load.base_address)


def _own_instructions(side: Side, differing: set[str]) -> Iterator[tuple[int, Hashable]]:
    is_own = _OwnFunctions(side)
    for address, load in _instructions(side):
        if not is_own(address, load):
            continue
        name = _name(side, load)
        rva = address - load.base_address
        if name not in differing:
            yield address, (name, rva)
            continue
        source = load.binary.line_at(rva)
        symbol = load.binary.symbol_at(rva)
        function = "" if symbol is None else short_name(symbol.demangled_name or symbol.name)
        if source is not None and source.line:
            yield address, (name, function, source.line)
        elif symbol is not None and rva == symbol.rva:
            yield address, (name, function, 0)


class _OwnFunctions:
    """Whether an instruction is of an own function; looked up once for each function."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._stop, self._is_own = 0, False

    def __call__(self, address: int, load: Load) -> bool:
        if address < self._stop:
            return self._is_own
        own = self._side.evidence.own
        self._is_own = own.holds_binary(load.binary.path)
        self._stop = address + 1
        if not self._is_own:
            self._stop = load.base_address + load.size
            return False
        rva = address - load.base_address
        symbol = load.binary.symbol_at(rva)
        if symbol is None:
            return True
        found = self._side.service.locate(load.first_context, address)
        self._is_own = own.holds(found)
        self._stop = max(address + 1, load.base_address + symbol.rva + symbol.size)
        return self._is_own
