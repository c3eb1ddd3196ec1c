# SPDX-License-Identifier: Apache-2.0
"""Which registers an instruction takes data from, by Capstone."""

from __future__ import annotations

import capstone
from capstone import x86_const

from reven.trace.disassembly import detailed_disassembler
from reven2.arch._table import REGISTER_FILE_SIZE
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = ["registers_read"]


def registers_read(address: int, code: bytes) -> list[tuple[int, int]]:
    """Ranges (offset, size) of the register file that an instruction reads as data: not as an
    address, unless that is what it computes (`lea`). See `reven._engine.Taint`."""
    instruction = next(detailed_disassembler().disasm(code, address, 1), None)
    if instruction is None or instruction.size != len(code):
        return []
    read = set(instruction.regs_read)
    for operand in instruction.operands:
        if operand.type == x86_const.X86_OP_REG and operand.access & capstone.CS_AC_READ:
            read.add(operand.reg)
        elif operand.type == x86_const.X86_OP_MEM and instruction.id == x86_const.X86_INS_LEA:
            read |= {operand.mem.base, operand.mem.index} - {0}
    return sorted({place for number in read for place in _places(instruction.reg_name(number))})


def _places(name: str | None) -> list[tuple[int, int]]:
    try:
        register = Register.from_name(name or "")
    except InvalidArgumentError:
        return []
    return [
        (field.offset, field.size)
        for field in register.fields[:1]
        if field.offset + field.size <= REGISTER_FILE_SIZE
    ]
