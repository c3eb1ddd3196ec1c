# SPDX-License-Identifier: Apache-2.0
"""Machine registers: their names, sizes, aliases, and how to read them out of a register view.

A register view is the 872 bytes that the engine gives for a context; its layout is
the register file of native/event_stream/event_stream.h followed by rflags.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from reven2._arguments import wrong_type
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
        fields: where the view holds it; empty when it is constant or not recorded.
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
            raise InvalidArgumentError(f"There is no register {name!r} on x86-64.")
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
            raise RegisterReadError(
                f"The register {self.name} is not recorded in the trace of a user program."
            )
        return self._decode(view)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Register({self.name})"


class FloatRegister(Register):
    """A register whose value is a float, kept as an IEEE double; its raw form is the 80-bit
    extended encoding of that."""

    def value(self, view: bytes) -> float:  # type: ignore[override]
        """The register's value out of a register view."""
        double: float = struct.unpack("<d", self.bits(view).to_bytes(8, "little"))[0]
        return double

    def raw_value(self, view: bytes) -> bytes:
        """The 10 bytes of the value in 80-bit extended encoding, little endian."""
        return _extended(self.bits(view))


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


def stored(
    name: str,
    offset: int,
    bit_size: int,
    category: Category,
    *,
    root: str | None = None,
    root_begin: int = 0,
    shift: int = 0,
    number: int | None = None,
) -> Register:
    """A register of `bit_size` bits that starts `shift` bits into the view's byte `offset`."""
    size = (shift + bit_size + 7) // 8
    stop, mask = offset + size, (1 << bit_size) - 1
    if shift == 0 and bit_size == size * 8:

        def decode(view: bytes) -> int:
            return int.from_bytes(view[offset:stop], "little")
    else:

        def decode(view: bytes) -> int:
            return int.from_bytes(view[offset:stop], "little") >> shift & mask

    return Register(
        name,
        bit_size,
        category,
        root or name,
        root_begin,
        (Field(offset, size, mask << shift),),
        number=number,
        _decode=decode,
    )


def constant(name: str, bit_size: int, category: Category, value: int) -> Register:
    """A register that has this value at every moment of a user program."""
    return Register(name, bit_size, category, name, _decode=lambda view: value)


def computed(
    name: str,
    bit_size: int,
    category: Category,
    fields: tuple[Field, ...],
    decode: Callable[[bytes], int],
) -> Register:
    """A register that is a function of several fields of the view."""
    return Register(name, bit_size, category, name, 0, fields, _decode=decode)


def unrecorded(
    name: str, bit_size: int, category: Category, *, number: int | None = None
) -> Register:
    """A register that only the kernel can read."""
    return Register(name, bit_size, category, name, is_recorded=False, number=number)
