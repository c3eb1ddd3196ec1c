# SPDX-License-Identifier: Apache-2.0
"""How a faulting instruction came to its address."""

from __future__ import annotations

from capstone import CS_AC_WRITE, x86, x86_const

from reven.trace.disassembly import detailed_disassembler

_MASK = (1 << 64) - 1
_ORDER = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi")
_PUSHES = frozenset({"push", "call", "pushfq", "enter"})
_POPS = frozenset({"pop", "ret", "popfq", "leave"})
_SEGMENT_BASES = {x86_const.X86_REG_FS: ("fs base", 192), x86_const.X86_REG_GS: ("gs base", 200)}
_RIP_OFFSET = 128
_STACK_REACH = 8


class Fault:
    """An access that a faulting instruction tried.

    `access`: "read", "write", "execute" or "" if the instruction does not tell;
    `registers`: names and values of those that made the address.
    """

    def __init__(self, access: str, address: int | None, registers: list[tuple[str, int]]) -> None:
        self.access, self.address, self.registers = access, address, registers


def find_fault(pc: int, code: bytes, file: bytes, address: int | None) -> Fault:
    """What the instruction at `pc` accessed. `file`: the register file before it;
    `address`: where the kernel says that it faulted, None if it does not say."""
    if address == pc or not code:
        return Fault("execute" if address == pc else "", address, [])
    decoded = next(detailed_disassembler().disasm(code, pc, 1), None)
    if decoded is None:
        return Fault("", address, [])
    candidates = [
        _operand(decoded, operand, pc, file)
        for operand in decoded.operands
        if operand.type == x86_const.X86_OP_MEM and decoded.mnemonic not in ("lea", "nop")
    ]
    name = decoded.mnemonic
    stack = int.from_bytes(file[32:40], "little")
    if name in _PUSHES:
        candidates.append((Fault("write", (stack - 8) & _MASK, [("rsp", stack)]), 8))
    elif name in _POPS:
        candidates.append((Fault("read", stack, [("rsp", stack)]), 8))
    found = [
        fault
        for fault, size in candidates
        if address is not None
        and fault.address is not None
        and -_STACK_REACH <= address - fault.address < max(size, 1)
    ]
    if not found and address in (None, 0) and candidates:
        found = [candidates[0][0]]  # the kernel does not say where
    if not found:
        return Fault("", address, [])
    return Fault(found[0].access, address or found[0].address, found[0].registers)


def _operand(decoded: x86.CsInsn, operand: x86.X86Op, pc: int, file: bytes) -> tuple[Fault, int]:
    memory = operand.mem
    total = memory.disp
    registers: list[tuple[str, int]] = []
    if memory.base == x86_const.X86_REG_RIP:
        total += pc + decoded.size
    elif memory.base:
        name, value = _register(decoded, memory.base, file)
        registers.append((name, value))
        total += value
    if memory.index:
        name, value = _register(decoded, memory.index, file)
        registers.append((name, value))
        total += value * memory.scale
    if memory.segment in _SEGMENT_BASES:
        name, offset = _SEGMENT_BASES[memory.segment]
        value = int.from_bytes(file[offset : offset + 8], "little")
        registers.append((name, value))
        total += value
    access = "write" if operand.access & CS_AC_WRITE else "read"
    return Fault(access, total & _MASK, registers), operand.size


def _register(decoded: x86.CsInsn, number: int, file: bytes) -> tuple[str, int]:
    name = decoded.reg_name(number)
    wide, narrow = name, False
    if name.startswith("e"):
        wide, narrow = f"r{name[1:]}", True
    elif name.startswith("r") and name.endswith("d") and name[1:-1].isdigit():
        wide, narrow = name[:-1], True
    index = _ORDER.index(wide) if wide in _ORDER else int(wide[1:]) if wide[1:].isdigit() else 16
    value = int.from_bytes(file[8 * index : 8 * index + 8], "little")
    return name, value & 0xFFFFFFFF if narrow else value
