# SPDX-License-Identifier: Apache-2.0
"""What instructions compute, as Ghidra's P-code says it (by pypcode)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import pypcode

from reven.trace.disassembly import detailed_disassembler
from reven2.arch.register import Register

__all__ = ["FLAGS", "Lifted", "Lifter", "Operation", "Varnode", "fill_registers", "register_at"]

Varnode = tuple[str, int, int]
"""Space (`register`, `unique`, `ram`, `const`), offset, bytes."""

REGISTER_SPACE = 0x2000
_GENERAL = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *(f"r{number}" for number in range(8, 16)),
)
_FLAG_BITS = {"CF": 0, "PF": 2, "AF": 4, "ZF": 6, "SF": 7, "DF": 10, "OF": 11}


class Operation(NamedTuple):
    """An operation of an instruction."""

    name: str
    output: Varnode | None
    inputs: tuple[Varnode, ...]


class Lifted(NamedTuple):
    """An instruction."""

    mnemonic: str
    size: int
    operations: tuple[Operation, ...]
    reads_vectors: bool


@cache
def _context() -> pypcode.Context:
    return pypcode.Context("x86:LE:64:default")


@cache
def _names() -> dict[str, tuple[int, int]]:
    return {name: (one.offset, one.size) for name, one in _context().registers.items()}


class Lifter:
    """Lifts each instruction once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], Lifted] = {}

    def lift(self, pc: int, code: bytes) -> Lifted:
        """Raises ValueError for what the library does not know."""
        known = self._known.get((pc, code))
        if known is None:
            known = self._known[pc, code] = self._lift(pc, code)
        return known

    def _lift(self, pc: int, code: bytes) -> Lifted:
        decoded = next(detailed_disassembler().disasm(code, pc, 1), None)
        mnemonic = decoded.mnemonic if decoded is not None else ""
        try:
            found = _context().translate(code, pc, max_instructions=1)
        except (pypcode.BadDataError, pypcode.UnimplError) as error:
            raise ValueError(f"{mnemonic} is not known") from error
        operations = tuple(
            Operation(
                one.opcode.name,  # type: ignore[attr-defined]
                None if one.output is None else _varnode(one.output),
                tuple(map(_varnode, one.inputs)),
            )
            for one in found.ops
        )
        return Lifted(mnemonic, len(code), operations, _has_vectors(operations))


def _varnode(one: pypcode.Varnode) -> Varnode:
    return one.space.name, one.offset, one.size


def _has_vectors(operations: Iterable[Operation]) -> bool:
    first = _names()["XMM0"][0]
    return any(
        node[0] == "register" and node[1] >= first
        for one in operations
        for node in (*one.inputs, *([one.output] if one.output else ()))
    )


@cache
def _places() -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Where registers stand: (offset of P-code, of the register view, bytes), without the vectors,
    and the vectors."""
    names = _names()
    general = [
        (names[name.upper()][0], Register.from_name(name).fields[0].offset, 8) for name in _GENERAL
    ]
    for name, register in (("FS_OFFSET", "fs_base"), ("GS_OFFSET", "gs_base"), ("RIP", "rip")):
        general.append((names[name][0], Register.from_name(register).fields[0].offset, 8))
    vectors = [
        (names[f"YMM{number}"][0], Register.from_name(f"ymm{number}").fields[0].offset, 32)
        for number in range(16)
    ]
    return general, vectors


@cache
def _flag_places() -> tuple[int, list[tuple[int, int]]]:
    names = _names()
    return Register.from_name("rflags").fields[0].offset, [
        (names[name][0], bit) for name, bit in _FLAG_BITS.items()
    ]


FLAGS = frozenset(_FLAG_BITS)


def fill_registers(image: bytearray, view: bytes | memoryview, with_vectors: bool) -> None:
    """Writes the registers of a view to where P-code has them."""
    general, vectors = _places()
    for to, at, size in general:
        image[to : to + size] = view[at : at + size]
    if with_vectors:
        for to, at, size in vectors:
            image[to : to + size] = view[at : at + size]
    at, flags = _flag_places()
    held = int.from_bytes(view[at : at + 8], "little")
    for to, bit in flags:
        image[to] = held >> bit & 1


def is_known(offset: int, size: int, with_vectors: bool) -> bool:
    """Whether a view has that register."""
    general, vectors = _places()
    places = general + vectors if with_vectors else general
    inside = any(to <= offset and offset + size <= to + held for to, _, held in places)
    return inside or any(to == offset for to, _ in _flag_places()[1])


def register_at(view_bit: int, size: int) -> list[tuple[int, int]]:
    """What a run of bits of the register view is: ranges (offset, bytes) of P-code's registers."""
    at, flags = _flag_places()
    if view_bit >= at * 8:
        bits = range(view_bit - at * 8, view_bit - at * 8 + size)
        return [(to, 1) for to, bit in flags if bit in bits]
    general, vectors = _places()
    first, end = view_bit // 8, (view_bit + size + 7) // 8
    found = []
    for to, start, held in general + vectors:
        low, high = max(first, start), min(end, start + held)
        if low < high:
            found.append((to + low - start, high - low))
    return found
