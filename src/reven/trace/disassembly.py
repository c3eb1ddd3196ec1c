# SPDX-License-Identifier: Apache-2.0
"""Text and operands of x86-64 instructions, by Capstone, in the spelling of the client API.

Intel syntax, lower case. Numbers are hexadecimal with 0x, but for the scale of an index.
Every memory operand that is accessed has its segment spelled: ds, or ss for one based on
rsp or rbp, or es for the destination of a string instruction (Intel SDM volume 1, table
3-5). A direct branch's destination is followed by its distance from the instruction.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

import capstone
from capstone import x86_const

from reven2._service import Disassembly, OperandData

_STRING = re.compile(r"^(?:rep\w* )?(?:movs|stos|scas|cmps|ins)[bwdq]$")
_DECIMAL = re.compile(r"(?<![\w(*.])(\d)(?![\w)])")
_SPACED_SIGN = re.compile(r" ([+-]) ")
_UNSEGMENTED = re.compile(r"(?<!:)\[(\w+)(\*?)")
_DESTINATION = re.compile(r"0x[0-9a-f]+$")
_STACK_BASES = frozenset({"rsp", "rbp", "esp", "ebp", "sp", "bp"})
_STRING_DESTINATIONS = frozenset({"rdi", "edi", "di"})
_NOT_ACCESSED = frozenset({"lea"})
_VECTOR_OPERANDS = ("xmm", "ymm")
_MASK = (1 << 64) - 1

_local = threading.local()


def _engine(detail: bool) -> capstone.Cs:
    """This thread's disassembler: Capstone's handles are not safe to share."""
    name = "detailed" if detail else "plain"
    engine: capstone.Cs | None = getattr(_local, name, None)
    if engine is None:
        engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        engine.detail = detail
        setattr(_local, name, engine)
    return engine


def detailed_disassembler() -> capstone.Cs:
    """This thread's disassembler that also tells operands and registers."""
    return _engine(True)


def disassemble(instructions: Sequence[tuple[int, bytes]]) -> list[Disassembly]:
    """Text of instructions.

    `instructions`: linear address and encoded bytes of each. Bytes that are no instruction
    come out as data: mnemonic `db`; an instruction whose bytes are not in the trace has the
    mnemonic `(unknown)`.
    """
    engine = _engine(False)
    return [_text(engine, address, code) for address, code in instructions]


def _text(engine: capstone.Cs, address: int, code: bytes) -> Disassembly:
    if not code:
        return Disassembly("(unknown)", "")
    decoded = next(engine.disasm_lite(code, address, 1), None)
    if decoded is None or decoded[1] != len(code):
        return Disassembly("db", ", ".join(f"{byte:#x}" for byte in code))
    _, _, mnemonic, operands = decoded
    if mnemonic == "movabs":
        mnemonic = "mov"
    if operands:
        operands = _DECIMAL.sub(r"0x\1", _SPACED_SIGN.sub(r"\1", operands))
        if "[" in operands:
            operands = _with_segments(mnemonic, operands)
        elif _DESTINATION.match(operands) and _is_branch(mnemonic):
            distance = (int(operands, 16) - address + (1 << 63) & _MASK) - (1 << 63)
            operands += f" ($-{-distance:#x})" if distance < 0 else f" ($+{distance:#x})"
    return Disassembly(mnemonic, operands)


def _is_branch(mnemonic: str) -> bool:
    word = mnemonic.rpartition(" ")[2]
    return word.startswith(("j", "loop")) or word in {"call", "xbegin"}


def _with_segments(mnemonic: str, operands: str) -> str:
    if mnemonic in _NOT_ACCESSED:
        return operands
    is_string = _is_string(mnemonic, operands)

    def spelled(match: re.Match[str]) -> str:
        base = "" if match[2] else match[1]
        return f"{_default_segment(base, is_string)}:{match[0]}"

    return _UNSEGMENTED.sub(spelled, operands)


def _is_string(mnemonic: str, operands: str) -> bool:
    """movsd and cmpsd are string instructions or, with vector operands, SSE ones."""
    return bool(_STRING.match(mnemonic)) and not any(word in operands for word in _VECTOR_OPERANDS)


def _default_segment(base: str, is_string: bool) -> str:
    if is_string:
        return "es" if base in _STRING_DESTINATIONS else "ds"
    return "ss" if base in _STACK_BASES else "ds"


def operands(address: int, code: bytes) -> list[OperandData]:
    """The explicit operands of an instruction, in the order of its text; none for bytes
    that are no instruction.

    `address`: linear address, for the destinations of branches.
    """
    instruction = next(_engine(True).disasm(code, address, 1), None)
    if instruction is None or instruction.size != len(code):
        return []
    is_string = _is_string(instruction.mnemonic, instruction.op_str)

    def name(register: int) -> str:
        text = instruction.reg_name(register) if register else None
        return text.replace("(", "").replace(")", "") if text else ""

    found = []
    for operand in instruction.operands:
        is_read = bool(operand.access & capstone.CS_AC_READ)
        is_written = bool(operand.access & capstone.CS_AC_WRITE)
        if operand.type == x86_const.X86_OP_REG:
            found.append(
                OperandData(
                    "register", operand.size, is_read, is_written, register=name(operand.reg)
                )
            )
        elif operand.type == x86_const.X86_OP_IMM:
            found.append(OperandData("immediate", operand.size, True, False, immediate=operand.imm))
        else:
            base = name(operand.mem.base)
            accessed = instruction.mnemonic not in _NOT_ACCESSED
            found.append(
                OperandData(
                    "memory",
                    operand.size,
                    is_read and accessed,
                    is_written and accessed,
                    segment=name(operand.mem.segment) or _default_segment(base, is_string),
                    base=base,
                    index=name(operand.mem.index),
                    scale=operand.mem.scale,
                    displacement=operand.mem.disp,
                )
            )
    return found
