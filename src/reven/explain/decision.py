# SPDX-License-Identifier: Apache-2.0
"""The last decision that led to a moment: the conditional jump without which it would not have
come, and the values that decided it."""

from __future__ import annotations

from typing import NamedTuple

from capstone import CS_GRP_JUMP, CS_GRP_RET, x86_const

from reven.explain.evidence import Evidence, Standing
from reven.explain.outcome import Outcome
from reven.trace.disassembly import detailed_disassembler
from reven2.arch.register import Register

__all__ = ["Decision", "explain_decision", "find_decision", "flags_of"]

_MOST_CODE = 1 << 16
_MOST_PATHS = 20_000
_FLAGS = {
    "je": ("zf",),
    "jne": ("zf",),
    "js": ("sf",),
    "jns": ("sf",),
    "jb": ("cf",),
    "jae": ("cf",),
    "jbe": ("cf", "zf"),
    "ja": ("cf", "zf"),
    "jl": ("sf", "of"),
    "jge": ("sf", "of"),
    "jle": ("zf", "sf", "of"),
    "jg": ("zf", "sf", "of"),
    "jo": ("of",),
    "jno": ("of",),
    "jp": ("pf",),
    "jnp": ("pf",),
}
"""Source: AMD64 manual, volume 3, Jcc."""


def flags_of(mnemonic: str) -> tuple[str, ...]:
    """The registers that a conditional jump looks at."""
    if mnemonic in ("jrcxz", "jecxz") or mnemonic.startswith("loop"):
        return ("rcx", "zf") if mnemonic in ("loope", "loopne") else ("rcx",)
    return _FLAGS.get(mnemonic, ("zf",))


class Decision(NamedTuple):
    """A conditional jump that decided. `flag`: one that it looked at; `compared`: the transition
    that set it."""

    transition: int
    mnemonic: str
    was_taken: bool
    flag: str


def find_decision(evidence: Evidence, at: int, standing: Standing) -> Decision | None:
    """The last conditional jump in a frame's function but for which `at`, the instruction that
    the frame stands at, would not have run."""
    function = standing.frame.function
    if function is None:
        return None
    found = evidence.service.locate(at, function)
    size = found.symbol.size if found is not None and found.symbol is not None else 0
    if not size or size > _MOST_CODE:
        return None
    start = function
    pc = standing.place.pc
    code = _Code(evidence, at, start, size)
    if not code.instructions:
        return None
    target = code.holding(pc)
    thread = evidence.thread_at(at)
    first = standing.frame.first_context
    for transition, address, raw in evidence.conditional_jumps_before(
        at, start, start + size, thread
    ):
        if transition < first:
            return None
        following = evidence.service.instruction_at(transition + 1)[0]
        taken = following != address + len(raw)
        other = address + len(raw) if taken else code.jump_target(address)
        if target is None or other is None or code.can_avoid(other, target):
            text = evidence.service.disassemble([(address, raw)])[0]
            return Decision(transition, text.mnemonic, taken, flags_of(text.mnemonic)[0])
    return None


class _Code:
    """A function's instructions, and how they lead to each other."""

    def __init__(self, evidence: Evidence, context: int, start: int, size: int) -> None:
        data = evidence.memory(context, start, size)
        self._start, self._stop = start, start + size
        self.instructions: dict[int, tuple[int, list[int], bool]] = {}
        if data is None:
            return
        for one in detailed_disassembler().disasm(data, start):
            following = one.address + one.size
            leads: list[int] = [following]
            ends = False
            if CS_GRP_RET in one.groups or one.mnemonic in ("hlt", "ud2"):
                leads, ends = [], True
            elif CS_GRP_JUMP in one.groups:
                targets = [
                    operand.imm
                    for operand in one.operands
                    if operand.type == x86_const.X86_OP_IMM and start <= operand.imm < start + size
                ]
                if one.mnemonic == "jmp":
                    leads, ends = targets, not targets
                else:
                    leads += targets
            self.instructions[one.address] = one.size, leads, ends

    def holding(self, pc: int) -> int | None:
        """The instruction that an address lies in."""
        for address, (size, _, _) in self.instructions.items():
            if address <= pc < address + size:
                return address
        return None

    def jump_target(self, address: int) -> int | None:
        found = self.instructions.get(address)
        return found[1][1] if found is not None and len(found[1]) > 1 else None

    def can_avoid(self, start: int, target: int) -> bool:
        """Whether a way from `start` leaves the function without `target`."""
        waiting, seen = [start], {start}
        while waiting:
            at = waiting.pop()
            if at == target:
                continue
            found = self.instructions.get(at)
            if found is None or found[2]:
                return True
            for following in found[1]:
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
            if len(seen) > _MOST_PATHS:
                return True
        return False


def explain_decision(outcome: Outcome, at: int, standing: Standing | None = None) -> bool:
    """Say which decision in own code led to a transition, and by which values. False: none was
    found."""
    evidence = outcome.evidence
    standing = standing or evidence.own_standing(at)
    if standing is None or standing.transition is None:
        return False
    found = find_decision(evidence, standing.transition, standing)
    if found is None:
        return False
    word = "taken" if found.was_taken else "not taken"
    chains = evidence.explore(found.transition, evidence.register_place(found.flag))
    compared = chains[0].hops[0].transition if chains and chains[0].hops else None
    detail = ""
    if compared is not None:
        detail = _compared(evidence, compared)
    outcome.say("decision", f"{found.mnemonic} was {word}{detail}", found.transition)
    if chains:
        outcome.add(*outcome.story.steps(chains[0]))
        outcome.add(outcome.story.source(chains))
    return True


def _compared(evidence: Evidence, transition: int) -> str:
    """`, after cmp eax, 3 (eax = 0x2)`."""
    pc, code = evidence.service.instruction_at(transition)
    if not code:
        return ""
    text = evidence.service.disassemble([(pc, code)])[0]
    values = []
    for operand in evidence.service.operands(pc, code):
        if operand.kind == "register":
            register = Register.from_name(operand.register)
            if register.bit_size <= 64:
                value = register.bits(evidence.service.registers([transition]).view)
                values.append(f"{operand.register} = {value:#x}")
        elif operand.kind == "memory":
            read = evidence.trace().accesses(transition, transition + 1, writes=False, limit=1)
            if len(read):
                number = evidence.number(transition, int(read.address[0]), int(read.size[0]))
                if number is not None:
                    values.append(f"memory = {number:#x}")
    shown = f" ({', '.join(dict.fromkeys(values))})" if values else ""
    return f", after {text.mnemonic} {text.operands}{shown}"
