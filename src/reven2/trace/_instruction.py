# SPDX-License-Identifier: Apache-2.0
"""Instructions and their operands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reven2._service import OperandData
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2._service import Disassembly, TraceService

__all__ = [
    "ImmediateOperand",
    "Instruction",
    "MemoryOperand",
    "Operand",
    "RegisterOperand",
]


@dataclass(frozen=True)
class RegisterOperand:
    """A register named by an instruction.

    Attributes:
        register: the register.
        is_read, is_written: what the instruction does with it.
    """

    register: Register
    is_read: bool
    is_written: bool

    def __str__(self) -> str:
        return self.register.name


@dataclass(frozen=True)
class ImmediateOperand:
    """A constant in an instruction; for a direct branch, its destination.

    Attributes:
        value: the constant, sign-extended as the instruction uses it.
        size: bytes it counts for.
    """

    value: int
    size: int

    def __str__(self) -> str:
        return f"{self.value:#x}"


@dataclass(frozen=True)
class MemoryOperand:
    """Memory named by an instruction: segment:[base + index * scale + displacement].

    Attributes:
        segment: the segment register that applies.
        base, index: registers, or None.
        scale: 1, 2, 4 or 8.
        displacement: signed.
        size: bytes accessed.
        is_read, is_written: what the instruction does with it; neither for `lea`.
    """

    segment: Register
    base: Register | None
    index: Register | None
    scale: int
    displacement: int
    size: int
    is_read: bool
    is_written: bool

    def __str__(self) -> str:
        terms = [self.base.name] if self.base else []
        if self.index:
            terms.append(f"{self.index.name}*{self.scale}" if self.scale > 1 else self.index.name)
        text = "+".join(terms)
        if self.displacement or not terms:
            sign = "-" if self.displacement < 0 and terms else "+" if terms else ""
            value = abs(self.displacement) if terms else self.displacement & (1 << 64) - 1
            text += f"{sign}{value:#x}"
        return f"{self.segment.name}:[{text}]"


Operand = RegisterOperand | ImmediateOperand | MemoryOperand


class Instruction:
    """An instruction at an address.

    `str()` is its disassembly: Intel syntax, lower case, hexadecimal numbers, the segment
    of every memory operand spelled (`mov dword ptr ds:[rax-0x4], ecx`), a direct branch's
    destination followed by its distance from the instruction
    (`call 0x401126 ($+0x16)`), and a space after the mnemonic even without operands.
    """

    __slots__ = ("_address", "_mnemonic", "_raw", "_service", "_text")

    def __init__(
        self, service: TraceService, address: int, raw: bytes, disassembly: Disassembly
    ) -> None:
        self._service, self._address, self._raw = service, address, raw
        self._mnemonic = disassembly.mnemonic
        self._text = f"{disassembly.mnemonic} {disassembly.operands}"

    @property
    def address(self) -> int:
        """Linear address."""
        return self._address

    @property
    def raw(self) -> bytes:
        """The encoded instruction."""
        return self._raw

    @property
    def size(self) -> int:
        """Bytes of the encoded instruction."""
        return len(self._raw)

    @property
    def mnemonic(self) -> str:
        """Mnemonic with its prefixes: `rep movsb`, `lock cmpxchg`."""
        return self._mnemonic

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The explicit operands in the order of the text; registers that this package does
        not name (such as those of AVX-512) are left out."""
        data = self._service.operands(self._address, self._raw)
        return tuple(operand for item in data if (operand := _operand(item)) is not None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instruction):
            return NotImplemented
        return self._address == other._address and self._raw == other._raw

    def __hash__(self) -> int:
        return hash((self._address, self._raw))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Instruction({self._text.rstrip()!r})"


def _register(name: str) -> Register | None:
    try:
        return Register.from_name(name)
    except InvalidArgumentError:
        return None


def _operand(data: OperandData) -> Operand | None:
    if data.kind == "immediate":
        return ImmediateOperand(data.immediate, data.size)
    if data.kind == "register":
        register = _register(data.register)
        if register is None:
            return None
        return RegisterOperand(register, data.is_read, data.is_written)
    return MemoryOperand(
        Register.from_name(data.segment),
        _register(data.base),
        _register(data.index),
        data.scale,
        data.displacement,
        data.size,
        data.is_read,
        data.is_written,
    )
