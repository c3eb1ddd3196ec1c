# SPDX-License-Identifier: Apache-2.0
"""The way of a value as a story in own code, and what was wrong on that way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from capstone import CS_AC_READ, CS_AC_WRITE

from reven.explain.evidence import Evidence, Standing
from reven.explain.objects import Object, Objects
from reven.heap.blocks import Block
from reven.taint.origin_tree import Chain, address_registers
from reven2._service.explain import StatementData
from reven2._service.taint import OriginHop
from reven2.arch.register import Register

__all__ = ["Story", "Wrong", "runs_text"]

_MOST_STEPS = 10
_MOST_CHECKED = 16
_FAR = 1 << 32
_TEXT = 3
_FLAGS_AT = Register.from_name("rflags").fields[0].offset * 8
_DESTINATIONS = {
    **dict.fromkeys(
        (
            *("memcpy", "memmove", "mempcpy", "strcpy", "strncpy", "stpcpy", "stpncpy", "strcat"),
            *("strncat", "memset", "bzero", "sprintf", "snprintf", "vsprintf", "vsnprintf", "gets"),
            *("fgets", "fread", "wcscpy", "wmemcpy", "strlcpy", "strlcat", "bcopy"),
        ),
        0,
    ),
    **dict.fromkeys(("read", "pread", "recv", "recvfrom", "pread64"), 1),
}
"""Library functions that write to memory, and the argument that says where."""


@dataclass(frozen=True)
class Wrong:
    """Something wrong on the way of a value. `at`: the first transition of it."""

    kind: Literal["use after free", "overflow", "uninitialised", "failed call"]
    at: StatementData
    more: tuple[StatementData, ...] = ()


class Story:
    """Tells stories of values."""

    def __init__(self, evidence: Evidence, objects: Objects) -> None:
        self._evidence, self._objects = evidence, objects

    def steps(self, chain: Chain) -> list[StatementData]:
        """The way back, the latest first: one statement for each line of own code, and one for
        each call of a library."""
        found: list[StatementData] = []
        last: tuple[object, ...] | None = None
        for hop in chain.hops:
            if hop.transition is None or hop.before is None or is_flag(hop.after):
                continue
            place = self._evidence.place_of(hop.transition)
            if place.is_own:
                key: tuple[object, ...] = (place.file, place.line, place.function)
                if key == last or hop.kind == "copy":
                    continue
                text = self._hop_text(hop)
                found.append(self._evidence.statement("value", text, hop.transition))
            else:
                if not hop.after[0] and not is_result(hop.after):
                    # A register that a library only saves and restores, or its own business.
                    continue
                called = self._evidence.called_from_own(hop.transition)
                if called is None:
                    continue
                key = (called[1].transition,)
                if key == last:
                    continue
                found.append(self._call_statement(called, hop))
            last = key
            if len(found) == _MOST_STEPS:
                break
        return found

    def source(self, chains: list[Chain]) -> StatementData | None:
        """What the value came from: all named sources of its chains in a sentence."""
        named = [chain for chain in chains if chain.source is not None and chain.leads_somewhere]
        chosen = named or [chain for chain in chains[:1] if chain.source is not None]
        if not chosen:
            return None
        texts: list[str] = []
        offsets: dict[str, list[int]] = {}
        for chain in chosen:
            source = chain.source
            assert source is not None
            if source.offset is None:
                if source.name not in texts:
                    texts.append(source.name)
                continue
            offsets.setdefault(source.name, []).extend(
                range(source.offset, source.offset + min(source.size, 64))
            )
        texts += [f"{name}, {runs_text(at)}" for name, at in offsets.items()]
        first = chosen[0].source
        assert first is not None
        return self._evidence.statement(
            "source", f"it comes from {' and '.join(texts[:4])}", first.transition
        )

    def returned_null(self, chain: Chain) -> Wrong | None:
        """Where a library's function returned the value: a call that failed."""
        for number, hop in enumerate(chain.hops):
            if hop.transition is None:
                continue
            before = chain.hops[number - 1].transition if number else None
            if before is None or not self._evidence.place_of(before).is_own:
                continue
            if self._evidence.place_of(hop.transition).is_own:
                continue
            called = self._evidence.called_from_own(hop.transition)
            returned = None if called is None else self._evidence.returned(called[0])
            if called is None or returned is None or returned[1] > before:
                continue
            value, end = returned
            if value & 0xFFFFFFFF or hop.after[0]:
                continue
            name = self._evidence.function_named(called[0])
            text = f"{name} returned {'NULL' if not value else '0'}"
            argument = self._first_text_argument(name, called[0])
            if argument:
                text = f"{name}({argument}) returned NULL"
            failure = self._evidence.last_failure(
                called[0].frame.first_context, end, self._evidence.thread_at(end)
            )
            more = []
            if failure is not None:
                call, words = failure
                more.append(self._evidence.statement("cause", words, call.transition))
            at = self._evidence.statement("wrong", text, called[1].transition)
            return Wrong("failed call", at, tuple(more))
        return None

    def _first_text_argument(self, name: str, callee: Standing) -> str:
        if name in ("malloc", "operator new", "calloc", "realloc"):
            arguments = [self._evidence.argument(callee, at) for at in range(2)]
            return (
                f"{arguments[0]:,}"
                if name in ("malloc", "operator new")
                else ", ".join(f"{one:,}" for one in arguments)
            )
        if name not in ("fopen", "fopen64", "getenv", "opendir", "dlopen", "strdup", "realpath"):
            return ""
        text = self._evidence.text(callee.frame.first_context, self._evidence.argument(callee, 0))
        return f'"{text}"' if text is not None else ""

    def wrongs(self, chains: list[Chain]) -> list[Wrong]:
        """What is wrong with the memory that a value went through, the latest first."""
        found: list[Wrong] = []
        checked = 0
        for chain in chains:
            for number, hop in enumerate(chain.hops):
                if checked == _MOST_CHECKED:
                    self._evidence.limit(
                        f"The memory that a value went through was examined for the last "
                        f"{_MOST_CHECKED} accesses only."
                    )
                    return found
                if hop.before is not None and hop.before[0] and hop.transition is not None:
                    checked += 1
                    following = chain.hops[number + 1] if number + 1 < len(chain.hops) else None
                    wrong = self._wrong_load(hop, following)
                    if wrong is not None:
                        found.append(wrong)
                if hop.after[0] and hop.transition is not None and hop.kind != "mapping":
                    wrong = self._wrong_store(hop)
                    if wrong is not None:
                        found.append(wrong)
                if found:
                    return found
        return found

    def _wrong_load(self, hop: OriginHop, writer: OriginHop | None) -> Wrong | None:
        assert hop.before is not None
        assert hop.transition is not None
        address, at = hop.before[1], hop.transition
        block = self._objects.block_at(address, at, was_freed=True)
        if block is not None and block.end <= at and block.freed is not None:
            return self.use_after_free(block, address, at, "read")
        if block is not None or self._objects.frame_of(address, at) is not None:
            wrong = self.check_read(address, at)
            if wrong is not None:
                return wrong
        if writer is None:
            return None
        written = -1 if writer.transition is None else writer.transition
        if block is not None and not block.is_mapping and block.end > at:
            enter, leave = block.allocated.enter, block.allocated.leave
            if written >= leave:
                return None
            if block.allocated.role.zeroed or block.moved_from is not None:
                return None
            thread_wrote = enter <= written < leave or written < enter
            if not thread_wrote:
                return None
            # A pointer that was read from freed memory leads anywhere, here by chance.
            freed = self._pointer_from_freed(at)
            if freed is not None:
                return freed
            what = self._objects.block_object(block).offset_text(address)
            statement = self._evidence.statement(
                "wrong", f"reads {what}, which was never written since it was allocated", at
            )
            return Wrong("uninitialised", statement, (self._objects.allocated(block),))
        if block is None:
            return self._uninitialised_local(address, at, written)
        return None

    def _pointer_from_freed(self, at: int) -> Wrong | None:
        """Whether what an instruction reads through came from a block that was freed."""
        pc, code = self._evidence.service.instruction_at(at)
        for name in address_registers(pc, code, CS_AC_READ):
            place = self._evidence.register_place(name)
            for chain in self._evidence.explore(at, place, "values", 600):
                for hop in chain.hops:
                    if hop.before is None or not hop.before[0] or hop.transition is None:
                        continue
                    read, when = hop.before[1], hop.transition
                    block = self._objects.block_at(read, when, was_freed=True)
                    if block is not None and block.end <= when and block.freed is not None:
                        return self.use_after_free(block, read, when, "read")
        return None

    def _uninitialised_local(self, address: int, at: int, written: int) -> Wrong | None:
        variable = self._objects.stack_variable(address, at)
        if variable is None:
            return None
        standing = self._objects.frame_of(address, at)
        if standing is None or written >= standing.frame.first_context:
            return None
        if not standing.place.is_own:
            return None
        statement = self._evidence.statement(
            "wrong", f"reads the variable {variable.name}, which was never set", at
        )
        return Wrong("uninitialised", statement)

    def use_after_free(self, block: Block, address: int, at: int, verb: str) -> Wrong:
        what = self._objects.block_object(block).offset_text(address)
        state = "unmapped" if block.is_mapping else "freed"
        statement = self._evidence.statement("wrong", f"{verb}s {what}, which was {state}", at)
        more = [self._objects.allocated(block)]
        freed = self._objects.freed(block)
        if freed is not None:
            more.append(freed)
        return Wrong("use after free", statement, tuple(more))

    def _wrong_store(self, hop: OriginHop) -> Wrong | None:
        """Whether an instruction wrote to a place that its pointer was not made for."""
        assert hop.transition is not None
        address, at = hop.after[1], hop.transition
        if self._objects.made_by_allocator(at, self._evidence.thread_at(at)) is not None:
            return None
        if hop.kind == "syscall input":
            called = self._evidence.called_from_own(at)
            return None if called is None else self.check_call(called, address, at)
        return self.check_write(address, at)

    def check_write(self, address: int, at: int) -> Wrong | None:
        """Whether the instruction at a transition, which writes an address, does so beyond what
        its pointer was made for."""
        if not self._evidence.place_of(at).is_own:
            called = self._evidence.called_from_own(at)
            return None if called is None else self.check_call(called, address, at)
        pc, code = self._evidence.service.instruction_at(at)
        for name in address_registers(pc, code, CS_AC_WRITE | CS_AC_READ):
            if name in ("rsp",):
                continue
            chains = self._evidence.explore(at, self._evidence.register_place(name), "values", 600)
            meant = self._objects.pointed(chains)
            if meant is not None:
                return self._beyond(meant, address, at, at)
        return None

    def check_call(self, called: tuple[Standing, Standing], address: int, at: int) -> Wrong | None:
        """The same for what a library's function wrote."""
        callee, caller = called
        number = _DESTINATIONS.get(
            self._evidence.function_named(callee).removesuffix("_chk").removeprefix("__")
        )
        if number is None or caller.transition is None:
            return None
        context = callee.frame.first_context
        name = ("rdi", "rsi")[number]
        target = self._evidence.register(name, context)
        meant = self._objects.at(target, context)
        if meant is None:
            chains = self._evidence.explore(
                context, self._evidence.register_place(name), "values", 600
            )
            meant = self._objects.pointed(chains)
        if meant is None:
            return None
        return self._beyond(meant, address, at, caller.transition) or self._text_over_pointer(
            called, target, address, at
        )

    def _text_over_pointer(
        self, called: tuple[Standing, Standing], target: int, address: int, at: int
    ) -> Wrong | None:
        """Whether what a function copied to a place before a pointer is a text that reached it:
        beyond a member, within the same object."""
        slot = address & ~7
        data = self._evidence.memory(at + 1, slot, 8)
        if data is None or target >= slot or called[1].transition is None:
            return None
        if sum(0x20 <= byte < 0x7F for byte in data) < _TEXT:
            return None
        found = self._objects.at(slot, at)
        where = found.offset_text(slot) if found is not None else f"{slot:#x}"
        name = self._evidence.function_named(called[0])
        text = f"{name}, called here, writes a text over the pointer at {where}"
        return Wrong("overflow", self._evidence.statement("wrong", text, called[1].transition))

    def check_read(self, address: int, at: int) -> Wrong | None:
        """Whether the instruction of own code at a transition reads an address by a pointer into
        what was freed, whoever has the memory now."""
        if not self._evidence.place_of(at).is_own:
            return None
        pc, code = self._evidence.service.instruction_at(at)
        for name in address_registers(pc, code):
            if name in ("rsp", "rbp"):
                continue
            chains = self._evidence.explore(at, self._evidence.register_place(name), "values", 600)
            left = self._objects.left_frame(chains, at)
            if left is not None and left.holds(address):
                text = f"reads the variable {left.name}, whose function had returned"
                return Wrong("use after free", self._evidence.statement("wrong", text, at))
            meant = self._objects.pointed(chains)
            block = None if meant is None else meant.block
            if block is None:
                continue
            if block.end <= at and block.freed is not None and block.start <= address < block.stop:
                return self.use_after_free(block, address, at, "read")
            return None
        return None

    def passed_freed(self, at: int) -> Wrong | None:
        """Whether own code passed a library's function, in which a transition lies, a pointer to
        what was freed."""
        called = self._evidence.called_from_own(at)
        if called is None or called[1].transition is None:
            return None
        context, name = called[1].transition, self._evidence.function_named(called[0])
        for register in ("rdi", "rsi"):
            value = self._evidence.register(register, context)
            if self._objects.block_at(value, context, was_freed=True) is None:
                continue
            chains = self._evidence.explore(
                context, self._evidence.register_place(register), "values", 600
            )
            meant = self._objects.pointed(chains)
            block = None if meant is None else meant.block
            if block is None or block.freed is None or not block.start <= value < block.stop:
                continue
            if block.end <= context:
                wrong = self.use_after_free(block, value, context, "read")
                text = f"{name} is given {self._objects.block_object(block).name}, which was freed"
                return Wrong(
                    "use after free", self._evidence.statement("wrong", text, context), wrong.more
                )
        return None

    def _beyond(self, meant: Object, address: int, at: int, place_at: int) -> Wrong | None:
        if abs(address - meant.start) > _FAR:
            return None
        if meant.holds(address):
            if meant.block is not None and meant.block.end <= at and meant.block.freed is not None:
                return self.use_after_free(meant.block, address, at, "write")
            return None
        first = self._first_beyond(meant, address, at)
        verb = "writes"
        if place_at != at:
            called = self._evidence.called_from_own(at)
            if called is not None:
                verb = f"{self._evidence.function_named(called[0])}, called here, writes"
                first = place_at
        here = address if first in (at, place_at) else self._written_at(first, address)
        statement = self._evidence.statement("wrong", f"{verb} {meant.offset_text(here)}", first)
        more = []
        if first != at:
            hit = self._objects.at(address, at)
            into = f", which is {hit.offset_text(address)}" if hit is not None else ""
            more.append(
                self._evidence.statement(
                    "wrong", f"and then {meant.offset_text(address)}{into}", at
                )
            )
        if meant.block is not None:
            more.append(self._objects.allocated(meant.block))
        return Wrong("overflow", statement, tuple(more))

    def _written_at(self, transition: int, otherwise: int) -> int:
        found = self._evidence.trace().accesses(transition, transition + 1, reads=False, limit=1)
        return int(found.address[0]) if len(found) else otherwise

    def _first_beyond(self, meant: Object, address: int, at: int) -> int:
        """The first write beyond an object by the instruction that came as far as `address`."""
        pc, _ = self._evidence.service.instruction_at(at)
        low, high = (meant.stop, address) if address >= meant.stop else (address, meant.start - 1)
        if high - low > 1 << 20:
            return at
        start = self._evidence.stack(at)[0].frame.first_context
        found = self._evidence.trace().accesses(
            start, at, low, high - low + 1, reads=False, limit=512
        )
        for number in found.transition.tolist():
            if self._evidence.service.instruction_at(number)[0] == pc:
                return int(number)
        return at

    def _hop_text(self, hop: OriginHop) -> str:
        assert hop.before is not None
        assert hop.transition is not None
        value = self._evidence.value_after(hop)
        shown = "a value" if value is None else f"{value:#x}"
        match hop.kind:
            case "load":
                return f"{shown} was read from {self._memory(hop.before, hop.transition)}"
            case "store":
                return f"{shown} was written to {self._memory(hop.after, hop.transition)}"
            case "arithmetic":
                return f"{shown} was computed"
        return f"{shown} was moved"

    def _memory(self, place: tuple[bool, int, int], context: int) -> str:
        if not place[0]:
            return "a register"
        found = self._objects.at(place[1], context)
        if found is None:
            return f"{place[1]:#x}"
        offset = place[1] - found.start
        return f"{found.name}+{offset}" if offset else found.name

    def _call_statement(self, called: tuple[Standing, Standing], hop: OriginHop) -> StatementData:
        callee, caller = called
        name = self._evidence.function_named(callee)
        returned = self._evidence.returned(callee)
        value = self._evidence.value_after(hop)
        if not hop.after[0] and returned is not None and value is not None and value == returned[0]:
            text = f"{name} returned {returned[0]:#x}"
        elif hop.after[0]:
            text = f"{name} wrote it to {self._memory(hop.after, hop.transition or 0)}"
        else:
            text = f"{name} made it"
        return self._evidence.statement("value", text, caller.transition)


def is_result(place: tuple[bool, int, int]) -> bool:
    """Whether a place is a part of a register in which functions return."""
    return not place[0] and any(
        offset <= place[1] < offset + 64
        for offset in (Register.from_name(name).fields[0].offset * 8 for name in ("rax", "xmm0"))
    )


def is_flag(place: tuple[bool, int, int]) -> bool:
    """Whether a place is a part of the flags."""
    return not place[0] and place[1] >= _FLAGS_AT


def runs_text(numbers: list[int]) -> str:
    """[3, 4, 5, 9] → "bytes 3–5 and 9"."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][1] + 1 == number:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    texts = [f"{low}" if low == high else f"{low}–{high}" for low, high in runs[:8]]
    if len(runs) > 8:
        texts.append("…")
    word = "byte" if len(runs) == 1 and runs[0][0] == runs[0][1] else "bytes"
    return f"{word} {', '.join(texts)}"
