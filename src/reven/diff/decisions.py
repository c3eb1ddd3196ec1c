# SPDX-License-Identifier: Apache-2.0
"""The instruction by which two executions went different ways, and what it looked at."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from capstone import CS_GRP_CALL, CS_GRP_JUMP, CsInsn, x86_const
from capstone.x86 import X86Op

from reven.diff.alignment import Divergence
from reven.diff.pair import Pair
from reven.diff.sides import Moment, Place, Side, likeness
from reven.explain.decision import flags_of
from reven.trace.disassembly import detailed_disassembler
from reven2.errors import InvalidArgumentError

__all__ = ["Decision", "decision_at"]


class Decision(NamedTuple):
    """`text`: what was decided otherwise. `a`, `b`: the contexts in which `places`, those of
    each side, decided it. `inside`: where in a library, if it was there. `is_target`: they say
    where to go, and not whether."""

    text: str
    a: int
    b: int
    places: list[tuple[Place, Place]]
    inside: str | None = None
    is_target: bool = False


def decision_at(pair: Pair, split: Divergence) -> Decision | None:
    """What decided where two executions begin to differ; None: nothing that can be told."""
    assert split.branch_a is not None
    assert split.branch_b is not None
    a, b = split.branch_a, split.branch_b
    found = _of_instruction(pair, a, b)
    if found is not None:
        return found
    stop_a = pair.a.stop if split.next_a is None else split.next_a + 1
    stop_b = pair.b.stop if split.next_b is None else split.next_b + 1
    if split.next_a is None or split.next_b is None:
        ended = pair.a if split.next_a is None else pair.b
        text = f"{ended.name} runs no further own code"
    else:
        text = "what is called next differs"
    whole = pair.in_libraries(a, stop_a, b, stop_b)
    for one in reversed(whole.divergences):
        if one.branch_a is None or one.branch_b is None:
            continue
        inner = _of_instruction(pair, one.branch_a, one.branch_b)
        if inner is None:
            continue
        return inner._replace(text=f"{text}, decided in a library", inside=inner.text)
    return None


def _of_instruction(pair: Pair, a: int, b: int) -> Decision | None:
    pc, code = pair.a.service.instruction_at(a)
    decoded = next(detailed_disassembler().disasm(code, pc, 1), None) if code else None
    if decoded is None:
        return None
    is_jump, is_call = CS_GRP_JUMP in decoded.groups, CS_GRP_CALL in decoded.groups
    if is_jump and decoded.mnemonic.split()[-1] != "jmp":
        taken = [
            side.pc(at + 1) != side.pc(at) + len(code) for side, at in ((pair.a, a), (pair.b, b))
        ]
        names = [side.name for side, was in ((pair.a, taken[0]), (pair.b, taken[1])) if was]
        where = f"taken in {names[0]} only" if len(names) == 1 else "decided otherwise"
        text = f"{decoded.mnemonic} was {where}"
        places = [
            (_register(pair.a, name), _register(pair.b, name))
            for name in flags_of(decoded.mnemonic)
        ]
        return Decision(text, a, b, places)
    operands = [one for one in decoded.operands if one.type != x86_const.X86_OP_IMM]
    if (is_jump or is_call) and operands:
        if pair.a.key(a + 1) == pair.b.key(b + 1):
            return None
        places = _target_places(pair, a, b, decoded, operands[0])
        word = "calls" if is_call else "leads"
        return Decision(f"{decoded.mnemonic} {word} elsewhere", a, b, places, None, True)
    return None


def _target_places(
    pair: Pair, a: int, b: int, decoded: CsInsn, operand: X86Op
) -> list[tuple[Place, Place]]:
    """What an indirect jump or call took its target from, and the registers of its address."""
    if operand.type == x86_const.X86_OP_REG:
        return _registers(pair, [decoded.reg_name(operand.reg)])
    found: list[Place] = []
    for side, at in ((pair.a, a), (pair.b, b)):
        read = side.service._trace().accesses(at, at + 1, writes=False, limit=1)
        if not len(read):
            return []
        found.append((True, int(read.address[0]), int(read.size[0])))
    names = [decoded.reg_name(number) for number in (operand.mem.index, operand.mem.base) if number]
    registers = _registers(pair, [name for name in names if name not in ("rip", "eip")])
    index = [
        places
        for places in registers
        if likeness(pair.a, Moment(a, places[0]), pair.b, Moment(b, places[1])) == "differs"
    ]
    return [*index, (found[0], found[1])]


def _registers(pair: Pair, names: list[str]) -> list[tuple[Place, Place]]:
    found = []
    for name in names:
        with suppress(InvalidArgumentError):
            found.append((_register(pair.a, name), _register(pair.b, name)))
    return found


def _register(side: Side, name: str) -> Place:
    return side.evidence.register_place(name)
