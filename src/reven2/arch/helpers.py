# SPDX-License-Identifier: Apache-2.0
"""Iterate over registers, and find one by number."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from reven2.arch import msr, sse2, x64, x87
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = [
    "msr_from_number",
    "msr_registers",
    "registers",
    "sse2_registers",
    "system_registers",
    "x64_registers",
    "x87_registers",
]


def _recorded(module: ModuleType) -> Iterator[Register]:
    for value in vars(module).values():
        if isinstance(value, Register) and value.is_recorded:
            yield value


def x64_registers() -> Iterator[Register]:
    """Every register of `reven2.arch.x64` whose value a trace holds, aliases included."""
    return _recorded(x64)


def sse2_registers() -> Iterator[Register]:
    """Every register of `reven2.arch.sse2`."""
    return _recorded(sse2)


def x87_registers() -> Iterator[Register]:
    """Every register of `reven2.arch.x87`."""
    return _recorded(x87)


def msr_registers() -> Iterator[Register]:
    """Every register of `reven2.arch.msr` whose value a trace holds."""
    return _recorded(msr)


def registers() -> Iterator[Register]:
    """Every register whose value a trace holds, of all register files."""
    for module in (x64, sse2, x87, msr):
        yield from _recorded(module)


def system_registers() -> Iterator[Register]:
    """Every register that the trace of a machine holds, and that of a program does not."""
    for module in (x64, msr):
        for value in vars(module).values():
            if isinstance(value, Register) and not value.program_fields:
                yield value


def msr_from_number(number: int) -> Register:
    """The model-specific register that `rdmsr` reads for ecx = `number`.

    Raises:
        InvalidArgumentError (a ValueError): none that is known here.
    """
    for value in vars(msr).values():
        if isinstance(value, Register) and value.number == number:
            return value
    raise InvalidArgumentError(f"There is no known model-specific register {number:#x}.")
