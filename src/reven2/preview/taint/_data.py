# SPDX-License-Identifier: Apache-2.0
"""What can be tainted: parts of registers and ranges of memory; how a text names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from reven2.address import LinearAddress, PhysicalAddress, _AbstractAddress, linear
from reven2.arch import helpers, x64
from reven2.arch._table import REGISTERS
from reven2.arch.register import FloatRegister, Register
from reven2.errors import InvalidArgumentError
from reven2.memory_range import MemoryRange
from reven2.register_slice import RegisterSlice

if TYPE_CHECKING:
    from reven2.trace import Context

__all__ = ["Data", "TaintedMemories", "TaintedRegisterSlice", "data_of", "seeds_of"]

_FLAGS_AT = REGISTERS["rflags"].offset * 8
_FPU_REGISTERS = REGISTERS["fpu_regs"].offset
_MEMORY = re.compile(
    r"\[\s*(?:(?P<space>[a-z]+):)?(?P<address>0x[0-9a-f]+|\d+)\s*;\s*(?P<size>0x[0-9a-f]+|\d+)\s*\]",
    re.IGNORECASE,
)
_SLICE = re.compile(r"(?P<name>\w+)\[(?P<begin>\d+)-(?P<end>\d+)\]")


class TaintedMemories:
    """A range of memory.

    Parameters:
        address: the first byte: an address, or an int taken as a linear one.
        size: bytes, at least 1.

    Raises:
        InvalidArgumentError (a ValueError): an empty range.
    """

    __slots__ = ("_address", "_size")

    def __init__(self, address: _AbstractAddress | int, size: int) -> None:
        if size < 1:
            raise InvalidArgumentError("A range of memory has at least one byte.")
        self._address = PhysicalAddress(address) if isinstance(address, int) else address
        self._size = size

    @property
    def address(self) -> _AbstractAddress:
        """The first byte; in results, a physical address."""
        return self._address

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaintedMemories):
            return NotImplemented
        return self._address == other._address and self._size == other._size

    def __hash__(self) -> int:
        return hash((self._address.offset, self._size))

    def __str__(self) -> str:
        return f"[{self._address}; {self._size}]"

    def __repr__(self) -> str:
        return f"TaintedMemories({self._address!r}, {self._size})"


class TaintedRegisterSlice(RegisterSlice):
    """Bits [begin, end) of a register; prints as the register's name when it is whole. As
    `reven2.register_slice.RegisterSlice`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"TaintedRegisterSlice({self.register.name}, {self.begin}, {self.end})"


Data: TypeAlias = "str | Register | RegisterSlice | TaintedMemories | MemoryRange | Iterable[Data]"
"""What `simple_taint` takes for a tag."""


def _register_slice(text: str) -> RegisterSlice:
    match = _SLICE.fullmatch(text.strip())
    if match is None:
        return RegisterSlice(Register.from_name(text.strip()))
    register = Register.from_name(match["name"])
    return RegisterSlice(register, int(match["begin"]), int(match["end"]))


def _memory(text: str) -> TaintedMemories:
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise InvalidArgumentError(
            f"{text!r} is no range of memory: write it as [0x401000; 16] (address; bytes)."
        )
    space = (match["space"] or "lin").lower()
    if space not in ("lin", "phy", "ds", "es", "ss", "cs"):
        raise InvalidArgumentError(f"{text!r}: the address may be lin:, phy: or ds: only.")
    address, size = int(match["address"], 0), int(match["size"], 0)
    return TaintedMemories(
        PhysicalAddress(address) if space == "phy" else LinearAddress(address), size
    )


def seeds_of(data: Data, tag: int, context: Context) -> Iterator[tuple[int, bool, int, int]]:
    """The seeds (see `reven2._service.taint.TaintQuery`) that name data at a context."""
    if isinstance(data, str):
        text = data.strip()
        data = _memory(text) if text.startswith("[") else _register_slice(text)
    if isinstance(data, Register):
        data = RegisterSlice(data)
    if isinstance(data, RegisterSlice):
        for first, count in _view_bits(data, context):
            yield tag, False, first, count
    elif isinstance(data, (TaintedMemories, MemoryRange)):
        yield tag, True, linear(data.address, context), data.size
    elif isinstance(data, Iterable):
        for part in data:
            yield from seeds_of(part, tag, context)
    else:
        raise InvalidArgumentError(
            f"{data!r} cannot be tainted: give a register, a range of memory as "
            "'[0x401000; 16]', or a list of these."
        )


def _view_bits(part: RegisterSlice, context: Context) -> Iterator[tuple[int, int]]:
    """Runs (first bit, count) of the register view."""
    register = part.register
    if isinstance(register, FloatRegister):
        # The stack register holds a double, whichever of its 80 bits are asked for.
        from reven2.arch.x87 import fsw

        top = context.read(fsw) >> 11 & 7
        yield (_FPU_REGISTERS + 8 * ((int(register.name[2:]) + top) & 7)) * 8, 64
        return
    fields = register.program_fields
    if not fields or register.root is x64.rip:
        raise InvalidArgumentError(f"No data flows through {register.name}: it cannot be tainted.")
    if len(fields) > 1:
        for field in fields:
            yield field.offset * 8, field.size * 8
        return
    field = fields[0]
    shift = (field.mask & -field.mask).bit_length() - 1 if register.bit_size < 128 else 0
    if register.bit_size > field.mask.bit_count() and register.bit_size < 128:
        yield field.offset * 8 + shift, field.mask.bit_count()
        return
    yield field.offset * 8 + shift + part.begin, part.end - part.begin


@cache
def _roots() -> dict[int, tuple[Register, int, int]]:
    """By the offset of each 8 bytes of the register view: the register that stands there, its
    bit that is the first of them, and how many there are."""
    roots: dict[int, tuple[Register, int, int]] = {}
    for register in helpers.registers():
        if register.root is not register or len(register.program_fields) != 1:
            continue
        field = register.program_fields[0]
        if isinstance(register, FloatRegister) or register.bit_size < 64:
            continue
        for at in range(0, field.size, 8):
            roots[field.offset + at] = register, at * 8, 64
    from reven2.arch import sse2, x87

    for part, register, bit in (
        ("sse_round", sse2.mxcsr, 13),
        ("fpu_round", x87.fcw, 10),
        ("fpu_c3210", x87.fsw, 0),
        ("fpu_top", x87.fsw, 11),
        ("fpu_tags", x87.ftw, 0),
    ):
        roots[REGISTERS[part].offset] = register, bit, register.bit_size - bit
    return roots


@cache
def data_of(
    is_memory: bool, address: int, size: int
) -> tuple[TaintedRegisterSlice | TaintedMemories, ...]:
    """The data that a result names: flags one by one."""
    if is_memory:
        return (TaintedMemories(PhysicalAddress(address), size),)
    if address >= _FLAGS_AT:
        first = address - _FLAGS_AT
        flags = RegisterSlice(x64.rflags, first, first + size).flags()
        return tuple(TaintedRegisterSlice(flag) for flag in flags)
    offset = address // 64 * 8
    register, begin, most = _roots()[offset]
    begin += min(address - offset * 8, most - 1)
    end = min(begin + size, register.bit_size)
    small = RegisterSlice(register, begin, end).minimize()
    if len(small) == small.register.bit_size:
        return (TaintedRegisterSlice(small.register),)
    return (TaintedRegisterSlice(register, begin, end),)
