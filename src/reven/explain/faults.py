# SPDX-License-Identifier: Apache-2.0
"""Explains what the processor refused: accesses, jumps, divisions, instructions."""

from __future__ import annotations

import signal

from reven.explain.decision import explain_decision
from reven.explain.objects import Object, signed
from reven.explain.outcome import Outcome
from reven.explain.overwritten import overwritten_pointer
from reven.explain.stack_overflow import explain_stack_overflow, is_stack_overflow
from reven.explain.story import Wrong
from reven.taint.origin_tree import Chain, address_registers
from reven.trace.own_code import short_name
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = ["explain_fault"]

_NEAR_NULL = 1 << 16
_PAGE = 1 << 12
_FAR = 1 << 40
_RETURNS = frozenset({"ret", "retf", "iretq"})


def explain_fault(outcome: Outcome) -> None:
    """Fill in an outcome of SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGTRAP."""
    end = outcome.end
    assert end is not None
    if end.recorder:
        outcome.kind = "recorder"
        return
    if end.signal == signal.SIGFPE:
        _division(outcome)
    elif end.signal in (signal.SIGILL, signal.SIGTRAP):
        _instruction(outcome)
    elif end.access == "execute" or (end.address is None and not end.instruction):
        _bad_jump(outcome)
    else:
        _access(outcome)


def _access(outcome: Outcome) -> None:
    end = outcome.end
    assert end is not None
    assert end.transition is not None
    at, address = end.transition, end.address
    verb = {"read": "reads", "write": "writes"}.get(end.access, "accesses")
    where = "memory" if address is None else f"{address:#x}"
    outcome.say("instruction", f"{end.instruction} {verb} {where}: {end.cause}", at)
    is_unmapped = "nothing is mapped" in end.cause
    if is_unmapped and address is not None and is_stack_overflow(outcome, at, address):
        explain_stack_overflow(outcome, at)
        return
    if _is_freed(outcome, at, address, verb):
        return
    parts = [(one.name, one.value) for one in end.registers if one.name not in ("rsp", "fs base")]
    chains = {name: _explore(outcome, name, at) for name, _ in parts}
    nulls = [name for name, value in parts if value == 0]
    small = address is not None and address < _NEAR_NULL
    if small and parts:
        _null(outcome, at, nulls[0] if nulls else parts[0][0], chains)
        return
    found = _first_wrong(outcome, [chains[name] for name, _ in parts])
    if found is None:
        found = outcome.story.passed_freed(at)
    for name, _ in parts:
        if found is None and chains[name]:
            found = overwritten_pointer(outcome, chains[name][0])
    if found is not None:
        outcome.kind = found.kind if found.kind != "failed call" else "wild access"
        has_source = any(one.role == "source" for one in found.more)
        _tell(outcome, chains, parts, at, has_source=has_source)
        outcome.blame(found)
        _headline(outcome, found)
        return
    outcome.kind = "wild access"
    meant = _meant(outcome, chains, parts, address)
    _tell(outcome, chains, parts, at)
    if meant is not None and address is not None:
        outcome.say("object", f"the address is {meant.offset_text(address)}", at)
        if meant.block is not None:
            outcome.add(outcome.objects.allocated(meant.block))
    text = f"{verb} {where}"
    if meant is not None and address is not None and not meant.holds(address):
        text = f"{verb} {meant.offset_text(address)}"
        outcome.headline += f": it {text}"
    elif end.signal == signal.SIGBUS and address is not None:
        text = f"{verb} beyond the end of the file that is mapped at {where}"
        mapped = outcome.evidence.service._mapped_at(address, at)
        if mapped is not None:
            offset = address - mapped.address + mapped.file_offset
            text = f"{verb} byte {offset:,} of {mapped.path}, which is not that long"
        outcome.headline += f": it {text}"
    elif address is not None and "does not allow" in end.cause:
        text = f"{verb} {where}, which may not be {'written' if verb == 'writes' else 'read'}"
        found_there = outcome.evidence.service.locate(at, address)
        if found_there is not None and found_there.binary is not None:
            text += " (constant data of the program)"
        outcome.headline += f": it {text}"
    outcome.first_wrong = outcome.evidence.statement("wrong", text, at)


def _explore(outcome: Outcome, name: str, at: int) -> list[Chain]:
    try:
        place = outcome.evidence.register_place(name)
    except InvalidArgumentError:
        return []
    return outcome.evidence.explore(at, place, of_address=True)


def _is_freed(outcome: Outcome, at: int, address: int | None, verb: str) -> bool:
    """Whether the address lies in what was freed or unmapped."""
    if address is None:
        return False
    block = outcome.objects.block_at(address, at, was_freed=True)
    if block is None or block.end > at or block.freed is None:
        return False
    outcome.kind = "use after free"
    wrong = outcome.story.use_after_free(block, address, at, verb.removesuffix("s"))
    outcome.headline += f": it {wrong.at.text}"
    outcome.blame(wrong)
    return True


def _null(outcome: Outcome, at: int, name: str, chains: dict[str, list[Chain]]) -> None:
    """A pointer that is NULL, or a member of what it should point to."""
    outcome.kind = "null pointer"
    mine = chains[name]
    if not mine:
        return
    # Of `pointer + small`, the pointer is the part that is 0.
    main = next((one for one in mine if not one.leads_somewhere), mine[0])
    outcome.add(*outcome.story.steps(main))
    failed = next(
        (found for found in map(outcome.story.returned_null, mine) if found is not None), None
    )
    if failed is not None:
        outcome.blame(failed)
        outcome.headline += f": {name} is NULL because {failed.at.text}"
        return
    found = _first_wrong(outcome, [mine])
    if found is not None:
        outcome.kind = found.kind if found.kind != "failed call" else "null pointer"
        outcome.blame(found)
        _headline(outcome, found)
        return
    source = main.source
    if _cleared(outcome, main) is None:
        if source is not None and source.kind == "constant" and source.transition is not None:
            outcome.say("source", "it was set to NULL here", source.transition)
        else:
            outcome.add(outcome.story.source(mine))
    outcome.headline += f": the pointer in {name} is NULL"
    made = None if source is None or source.transition is None else source.transition
    if made is not None and outcome.evidence.place_of(made).is_own:
        place = outcome.evidence.place_of(made)
        if place.function != outcome.evidence.place_of(at).function:
            outcome.headline += f", as {short_name(place.function)} set it (#{made})"
    outcome.first_wrong = outcome.evidence.statement("wrong", "a NULL pointer is used", at)


def _cleared(outcome: Outcome, chain: Chain) -> str | None:
    """Of a pointer in a block that calloc cleared and nobody set."""
    for number, hop in enumerate(chain.hops):
        if hop.before is not None and hop.before[0] and hop.transition is not None:
            block = outcome.objects.block_at(hop.before[1], hop.transition)
            written = chain.hops[number + 1].transition if number + 1 < len(chain.hops) else None
            if written is not None and block is not None and written >= block.allocated.leave:
                continue
            if block is not None and block.allocated.role.zeroed:
                what = outcome.objects.block_object(block).offset_text(hop.before[1])
                outcome.say("source", f"{what} was never set", block.allocated.enter)
                return what
    return None


def _first_wrong(outcome: Outcome, all_chains: list[list[Chain]]) -> Wrong | None:
    for chains in all_chains:
        found = outcome.story.wrongs(chains)
        if found:
            return found[0]
    return None


def _headline(outcome: Outcome, wrong: Wrong) -> None:
    place = wrong.at.place
    where = f" in {place.function}" if place is not None and place.function else ""
    outcome.headline += f": #{wrong.at.transition}{where} {wrong.at.text}"


def _tell(
    outcome: Outcome,
    chains: dict[str, list[Chain]],
    parts: list[tuple[str, int]],
    at: int,
    *,
    has_source: bool = False,
) -> None:
    """Where each part of the address came from. `has_source`: what is wrong says from where."""
    for name, value in parts:
        mine = chains[name]
        if not mine:
            continue
        source = None if has_source else outcome.story.source(mine)
        text = f"{name} is {value:#x}"
        outcome.say("value", text, at)
        outcome.add(*outcome.story.steps(mine[0]))
        outcome.add(source)


def _meant(
    outcome: Outcome,
    chains: dict[str, list[Chain]],
    parts: list[tuple[str, int]],
    address: int | None,
) -> Object | None:
    for name, _ in parts:
        found = outcome.objects.pointed(chains[name])
        if found is not None:
            near = address is None or abs(signed(address - found.start)) < _FAR
            return found if near else None
    return None


def _bad_jump(outcome: Outcome) -> None:
    """The processor was sent to where no code is: who made the address."""
    end = outcome.end
    assert end is not None
    assert end.transition is not None
    outcome.kind = "bad jump"
    at = end.transition - 1
    target = end.address if end.address is not None else end.pc or 0
    pc, code = outcome.evidence.service.instruction_at(at)
    if not code:
        return
    text = outcome.evidence.service.disassemble([(pc, code)])[0]
    shown = f"{text.mnemonic} {text.operands}".rstrip()
    outcome.transition = at
    outcome.say("instruction", f"{shown} goes to {target:#x}, where no code is", at)
    place = _target_place(outcome, text.mnemonic, pc, code, at)
    if place is None:
        return
    chains = outcome.evidence.explore(at, place)
    what = "return address" if text.mnemonic in _RETURNS else "address that is called"
    outcome.headline += f": the {what} is {target:#x}"
    if target < _PAGE:
        outcome.kind = "null pointer"
    if text.mnemonic in _RETURNS and chains and chains[0].hops:
        found = _overwritten_return(outcome, chains[0], place[1])
    else:
        found = _first_wrong(outcome, [chains])
    if place[0] and found is None and text.mnemonic not in _RETURNS:
        found = _freed_slot(outcome, place[1], at) or outcome.story.check_read(place[1], at)
    if chains:
        outcome.add(*outcome.story.steps(chains[0]))
        outcome.add(outcome.story.source(chains))
    if found is None and place[0] and text.mnemonic not in _RETURNS:
        found = _beyond_table(outcome, pc, code, place[1], at)
    if found is None and target < _PAGE:
        found = next(
            (one for one in map(outcome.story.returned_null, chains) if one is not None), None
        )
    if found is not None:
        if found.kind in ("use after free", "uninitialised"):
            outcome.kind = found.kind
        outcome.blame(found)
        _headline(outcome, found)
    else:
        outcome.first_wrong = outcome.evidence.statement(
            "wrong", f"goes to {target:#x}, where no code is", at
        )


def _beyond_table(outcome: Outcome, pc: int, code: bytes, address: int, at: int) -> Wrong | None:
    """Of a pointer that is taken out of a table, whether the index lies beyond it."""
    for name in address_registers(pc, code):
        if name == "rsp":
            continue
        meant = outcome.objects.pointed(_explore(outcome, name, at))
        if meant is not None and not meant.holds(address):
            text = f"takes the address from {meant.offset_text(address)}"
            return Wrong("overflow", outcome.evidence.statement("wrong", text, at))
    return None


def _freed_slot(outcome: Outcome, address: int, at: int) -> Wrong | None:
    block = outcome.objects.block_at(address, at, was_freed=True)
    if block is not None and block.end <= at and block.freed is not None:
        return outcome.story.use_after_free(block, address, at, "read")
    return None


def _overwritten_return(outcome: Outcome, chain: Chain, slot: int) -> Wrong | None:
    """The write over a return address."""
    hop = chain.hops[0]
    if hop.transition is None:
        return None
    found = outcome.story.check_write(hop.after[1], hop.transition)
    if found is not None:
        return found
    text = f"writes over the return address at {slot:#x}"
    return Wrong("overflow", outcome.evidence.statement("wrong", text, hop.transition))


def _target_place(
    outcome: Outcome, mnemonic: str, pc: int, code: bytes, at: int
) -> tuple[bool, int, int] | None:
    """Where a jump takes its target from."""
    if mnemonic in _RETURNS:
        return True, outcome.evidence.register("rsp", at), 8
    operands = outcome.evidence.service.operands(pc, code)
    if len(operands) != 1:
        return None
    operand = operands[0]
    if operand.kind == "register":
        return outcome.evidence.register_place(operand.register)
    if operand.kind != "memory":
        return None
    found = outcome.evidence.trace().accesses(at, at + 1, writes=False, limit=4)
    return (True, int(found.address[0]), 8) if len(found) else None


def _division(outcome: Outcome) -> None:
    end = outcome.end
    assert end is not None
    assert end.transition is not None
    at = end.transition
    outcome.kind = "division"
    outcome.say("instruction", f"{end.instruction}: {end.cause}", at)
    operands = outcome.evidence.service.operands(end.pc or 0, end.code)
    if not operands:
        return
    divisor = operands[0]
    if divisor.kind == "register":
        place = outcome.evidence.register_place(divisor.register)
        register = Register.from_name(divisor.register)
        value = register.bits(outcome.evidence.service.registers([at]).view)
    else:
        address = divisor.displacement
        for name, scale in ((divisor.base, 1), (divisor.index, divisor.scale)):
            if name == "rip":
                address += (end.pc or 0) + len(end.code)
            elif name:
                address += scale * outcome.evidence.register(name, at)
        place = True, address & (1 << 64) - 1, divisor.size
        value = outcome.evidence.number(at, place[1], divisor.size) or 0
    width = 8 * divisor.size
    if end.instruction.startswith("idiv") and value >> (width - 1):
        value -= 1 << width
    what = f"the divisor is {value}" + ("" if not value else ": the quotient does not fit")
    outcome.say("value", what, at)
    chains = outcome.evidence.explore(at, place)
    if chains:
        outcome.add(*outcome.story.steps(chains[0]))
        outcome.add(outcome.story.source(chains))
        origin = chains[0].source
        if origin is not None and origin.kind == "constant" and origin.transition is not None:
            outcome.say("source", "it is a constant", origin.transition)
    found = _first_wrong(outcome, [chains])
    if found is not None:
        outcome.blame(found)
        _headline(outcome, found)
    else:
        outcome.first_wrong = outcome.evidence.statement("wrong", f"divides by {value}", at)
        outcome.headline += f": {what}"


def _instruction(outcome: Outcome) -> None:
    """An instruction that is there to end the program, or garbage."""
    end = outcome.end
    assert end is not None
    assert end.transition is not None
    at = end.transition
    outcome.kind = "illegal instruction"
    outcome.say("instruction", f"{end.instruction or 'garbage'}: {end.cause}", at)
    if end.instruction.startswith(("ud2", "int3", "ud1", "hlt")):
        text = f"the compiler put {end.instruction} where the program must not come"
        outcome.first_wrong = outcome.say("wrong", text, at)
        explain_decision(outcome, at)
        return
    standing = outcome.evidence.own_standing(at)
    if standing is None:
        _bad_jump(outcome)
        outcome.kind = "illegal instruction"
