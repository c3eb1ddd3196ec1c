# SPDX-License-Identifier: Apache-2.0
"""Machine registers: their names, sizes, aliases, and how to read them out of a register view.

A register view is what the engine gives for a context: the register file with rip and rflags
filled in. Where each register stands in it, native/event_stream/registers.toml says. That of a
program is shorter than that of a machine: it has no system registers.
"""

from __future__ import annotations

import enum
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from reven2._arguments import shown, wrong_type
from reven2.arch._table import REGISTER_VIEW_SIZE, REGISTERS
from reven2.errors import InvalidArgumentError, RegisterReadError

__all__ = ["Category", "Field", "FloatRegister", "Register"]


class Category(enum.StrEnum):
    """What a register is for. A category is also the str of its name: `"flags"`."""

    general = "general"
    instruction_pointers = "instruction_pointers"
    flags = "flags"
    segments = "segments"
    control = "control"
    floating_point = "floating_point"
    vectors = "vectors"
    model_specific = "model_specific"

    General = general
    InstructionPointer = instruction_pointers
    Flag = flags
    Segment = segments
    Control = control
    FloatingPoint = floating_point
    Vector = vectors
    ModelSpecific = model_specific


@dataclass(frozen=True)
class Field:
    """A little-endian field of the register view: bytes [offset, offset + size), at most 32,
    of which the bits of `mask` count: all of them if there are more than 8 bytes."""

    offset: int
    size: int
    mask: int


@dataclass(frozen=True, eq=False)
class Register:
    """A machine register, or a named part of one.

    Registers are unique objects: compare them with `==` or `is`, use them as keys.

    Attributes:
        name: lower-case name, as a disassembler prints it (`rax`, `zf`, `xmm3`).
        bit_size: width in bits.
        category: what it is for.
        root_name: name of the largest register that contains it (`rax` for `ah`).
        root_begin: first bit of it in that register (8 for `ah`).
        fields: where the view holds it; of a machine's only, when a program's trace does not
            record it.
        is_recorded: whether a trace of a user program holds its value.
        number: for a model-specific register, its number for `rdmsr`; else None.
    """

    name: str
    bit_size: int
    category: Category
    root_name: str
    root_begin: int = 0
    fields: tuple[Field, ...] = ()
    is_recorded: bool = True
    number: int | None = None
    _decode: Callable[[bytes], int] | None = field(default=None, repr=False)

    _by_name: ClassVar[dict[str, Register]] = {}

    def __post_init__(self) -> None:
        self._by_name[self.name] = self

    @property
    def program_fields(self) -> tuple[Field, ...]:
        """Those of `fields` that the view of a program has too."""
        return tuple(part for part in self.fields if part.offset + part.size <= REGISTER_VIEW_SIZE)

    @property
    def size(self) -> int:
        """Size of the raw form in bytes (1 for a flag)."""
        return (self.bit_size + 7) // 8

    @property
    def root(self) -> Register:
        """The largest register that contains this one (itself if there is none)."""
        return self._by_name[self.root_name]

    @classmethod
    def from_name(cls, name: str) -> Register:
        """The register of that name, upper or lower case; `if` and `if_` are the same.

        Raises:
            InvalidArgumentError (a ValueError): there is no such register.
        """
        if not isinstance(name, str):
            raise wrong_type("The name of a register", name, "pass a str, as 'rax'")
        register = cls._by_name.get(name.lower().rstrip("_"))
        if register is None:
            raise InvalidArgumentError(f"There is no register {shown(name)} on x86-64.")
        return register

    def raw_value(self, view: bytes) -> bytes:
        """The register's bytes, little endian, out of a register view.

        Raises:
            RegisterReadError (a RuntimeError): it is not recorded.
        """
        return self.bits(view).to_bytes(self.size, "little")

    def value(self, view: bytes) -> int:
        """The register's value out of a register view: an unsigned int.

        Raises:
            RegisterReadError (a RuntimeError): it is not recorded.
        """
        return self.bits(view)

    def bits(self, view: bytes) -> int:
        """The stored bits of the value as an int; what tells two values apart.

        Raises:
            RegisterReadError (a RuntimeError): it is not recorded.
        """
        if self._decode is None:
            raise RegisterReadError(_not_recorded(self.name))
        return self._decode(view)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Register({self.name})"


@dataclass(frozen=True, eq=False)
class FloatRegister(Register):
    """A register whose value is a float; its raw form is the 80-bit extended encoding. A program's
    trace keeps it as an IEEE double, a machine's in its raw form."""

    _decode_extended: Callable[[bytes], int | None] | None = field(default=None, repr=False)

    def value(self, view: bytes) -> float:  # type: ignore[override]
        """The register's value out of a register view, rounded to a double."""
        bits = self.bits(view)
        return _double(bits) if self._whole(view) is None else _rounded(bits)

    def raw_value(self, view: bytes) -> bytes:
        """The 10 bytes of the value in 80-bit extended encoding, little endian."""
        raw = self._whole(view)
        return _extended(self.bits(view)) if raw is None else raw.to_bytes(10, "little")

    def bits(self, view: bytes) -> int:
        """The stored bits of the value as an int: of a double, or all 80."""
        raw = self._whole(view)
        return super().bits(view) if raw is None else raw

    def _whole(self, view: bytes) -> int | None:
        return None if self._decode_extended is None else self._decode_extended(view)


def _double(bits: int) -> float:
    double: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return double


def _rounded(bits: int) -> float:
    """The double nearest to a number in 80-bit extended encoding (Intel SDM volume 1, 4.2.2)."""
    sign, exponent, significand = bits >> 79, bits >> 64 & 0x7FFF, bits & (1 << 64) - 1
    if exponent == 0x7FFF:
        size = math.nan if significand << 1 & (1 << 64) - 1 else math.inf
    else:
        try:
            size = math.ldexp(significand, max(exponent, 1) - 16383 - 63)
        except OverflowError:
            size = math.inf
    return math.copysign(size, -1.0 if sign else 1.0)


def _extended(bits: int) -> bytes:
    """80-bit extended encoding of a double's bits (Intel SDM volume 1, 4.2.2)."""
    sign, exponent, fraction = bits >> 63, bits >> 52 & 0x7FF, bits & (1 << 52) - 1
    if exponent == 0x7FF:
        exponent, mantissa = 0x7FFF, 1 << 63 | fraction << 11
    elif exponent:
        exponent, mantissa = exponent - 1023 + 16383, 1 << 63 | fraction << 11
    elif fraction:
        shift = 64 - fraction.bit_length()
        exponent, mantissa = 16383 - 1022 + 11 - shift, fraction << shift
    else:
        mantissa = 0
    return (sign << 79 | exponent << 64 | mantissa).to_bytes(10, "little")


def _category(name: str) -> Category:
    return Category(REGISTERS[name].kind)


def stored(name: str) -> Register:
    """A register that stands in the view as it is. A trace without it gives what every program
    sees in it, or refuses."""
    row = REGISTERS[name]
    is_flag = row.kind == "flags"
    first, shift = (row.offset, row.shift) if is_flag else (row.offset + row.shift // 8, 0)
    size = (shift + row.bits + 7) // 8
    stop, mask = first + size, (1 << row.bits) - 1
    missing = row.program

    def decode(view: bytes) -> int:
        if stop > len(view):
            if missing is None:
                raise RegisterReadError(_not_recorded(name))
            return missing
        return int.from_bytes(view[first:stop], "little") >> shift & mask

    def decode_whole(view: bytes) -> int:
        return int.from_bytes(view[first:stop], "little")

    in_program = stop <= REGISTER_VIEW_SIZE
    is_whole = shift == 0 and row.bits == size * 8
    return Register(
        name,
        row.bits,
        _category(name),
        row.root,
        row.shift,
        (Field(first, size, mask << shift),),
        in_program or missing is not None,
        row.msr,
        _decode=decode_whole if in_program and is_whole else decode,
    )


def field_of(name: str, mask: int | None = None) -> Field:
    """Where the view holds a register, or what others are made of; of it the bits of `mask`."""
    row = REGISTERS[name]
    return Field(row.offset, row.bits // 8, (1 << row.bits) - 1 if mask is None else mask)


def computed(
    name: str,
    bit_size: int,
    category: Category,
    fields: tuple[Field, ...],
    decode: Callable[[bytes], int],
) -> Register:
    """A register that is a function of several fields of the view."""
    return Register(name, bit_size, category, name, 0, fields, _decode=decode)


def _not_recorded(name: str) -> str:
    return f"The register {name} is not recorded in the trace of a user program."
