# SPDX-License-Identifier: Apache-2.0
"""What an address is part of, and what a pointer was meant to point into."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from reven.explain.evidence import Evidence, Standing
from reven.heap.blocks import AllocatorCall, Block
from reven.taint.origin_tree import Chain
from reven.trace.own_code import short_name
from reven2._service.explain import StatementData
from reven2.arch.register import Register
from reven2.errors import RevenError

__all__ = ["Object", "Objects"]

_ARRAY = re.compile(r" \[(\d+)\](?!\[)")


@dataclass(frozen=True)
class Object:
    """Something with bounds: [start, stop). `block`: of the heap, or a mapping."""

    kind: Literal["block", "mapping", "global", "stack variable", "region"]
    name: str
    start: int
    stop: int
    block: Block | None = None

    @property
    def size(self) -> int:
        return self.stop - self.start

    def holds(self, address: int) -> bool:
        return self.start <= address < self.stop

    def offset_text(self, address: int) -> str:
        """`byte 24 of …`, `element 70 of table (int [64])`, `8 bytes beyond …`."""
        away = signed(address - self.start)
        array = _ARRAY.search(self.name)
        if array is not None and int(array[1]) and not self.holds(address):
            element = self.size // int(array[1])
            if element:
                number = away // element
                return f"element {number:,} of {self.name}"
        if self.holds(address):
            return f"byte {address - self.start} of {self.name}"
        if away >= self.size:
            beyond = away - self.size
            return (
                f"{bytes_text(beyond)} beyond {self.name}" if beyond else f"just beyond {self.name}"
            )
        return f"{bytes_text(-away)} before {self.name}"


class Objects:
    """Finds objects at moments of a trace."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._service = evidence.service
        self.variables_at = lru_cache(maxsize=256)(self._variables_at)

    def block_at(self, address: int, context: int, *, was_freed: bool = False) -> Block | None:
        return self._service._heap().at(address, context, was_freed=was_freed)

    def block_object(self, block: Block) -> Object:
        call = block.allocated
        kind: Literal["block", "mapping"] = "mapping" if block.is_mapping else "block"
        name = f"the {kind} of {bytes_text(block.stop - block.start)} from {call.function}"
        return Object(kind, f"{name} (#{call.enter})", block.start, block.stop, block)

    def at(self, address: int, context: int) -> Object | None:
        """The object that an address is part of."""
        block = self.block_at(address, context)
        if block is not None and not block.is_mapping:
            return self.block_object(block)
        found = self.stack_variable(address, context) or self.global_at(address, context)
        if found is None and block is not None:
            return self.block_object(block)
        return found

    def global_at(self, address: int, context: int, *, nearest: bool = False) -> Object | None:
        """The object of a binary's data; `nearest`: also one that ends before the address."""
        found = self._service.locate(context, address)
        if found is None or found.symbol is None or found.symbol.kind != "object":
            return None
        symbol = found.symbol
        start = found.base_address + symbol.rva
        name = short_name(symbol.demangled_name or symbol.name)
        type_name = self._type_of_global(name, context) or bytes_text(symbol.size)
        one = Object("global", f"{name} ({type_name})", start, start + symbol.size)
        return one if nearest or one.holds(address) else None

    def _type_of_global(self, name: str, context: int) -> str:
        key = f"type of global {name}"
        return self._service._kept(key, lambda: self._find_type_of_global(name, context))

    def _find_type_of_global(self, name: str, context: int) -> str:
        try:
            found = self._service.variable(min(context, self._evidence.count), name, frame=0)
        except RevenError:
            return ""
        return "" if found is None else found.type_name

    def stack_variable(self, address: int, context: int) -> Object | None:
        """The local variable of a function on the stack that an address is part of."""
        for number, standing in enumerate(self._evidence.stack(context)):
            if number > 24:
                return None
            if address > standing.frame.stack_pointer:
                continue
            for one in self.variables_at(context, number):
                if one.holds(address):
                    return one
            return None
        return None

    def frame_of(self, address: int, context: int) -> Standing | None:
        """The frame whose part of the stack holds an address."""
        for standing in self._evidence.stack(context):
            if address <= standing.frame.stack_pointer + 7:
                return standing
        return None

    def _variables_at(self, context: int, number: int) -> list[Object]:
        try:
            found = self._service.variables(context, frame=number, is_global=False)
        except RevenError:
            return []
        result = []
        for variable in found:
            if len(variable.location) == 1 and variable.location[0].kind == "memory":
                start, size = variable.location[0].address, variable.location[0].size
                name = f"{variable.name} ({variable.type_name} in {short_name(variable.function)})"
                result.append(Object("stack variable", name, start, start + size))
        return result

    def made_by_allocator(self, transition: int, thread: int) -> AllocatorCall | None:
        """The allocating call in which a transition of a thread lies."""
        heap = self._service._heap()
        calls = self._service._kept("allocator calls by thread", lambda: _by_thread(heap.calls))
        mine = calls.get(thread, [])
        at = bisect_right(mine, transition, key=lambda call: call.enter)
        if at and mine[at - 1].enter <= transition < mine[at - 1].leave:
            return mine[at - 1]
        return None

    def block_of_call(self, call: AllocatorCall) -> Block | None:
        blocks = self._service._kept(
            "blocks by call", lambda: {one.allocated: one for one in self._service._heap().blocks}
        )
        return blocks.get(call)

    def left_frame(self, chains: list[Chain], at: int) -> Object | None:
        """Of a pointer to a local variable, that variable, if its function has returned since."""
        for chain in chains:
            if chain.source is None or chain.source.kind != "address":
                continue
            made = next((one for one in reversed(chain.hops) if not is_frame(one.after)), None)
            if made is None or made.transition is None:
                continue
            found = self._at_source(chain)
            value = self._evidence.value_after(made)
            standing = None if value is None else self.frame_of(value, made.transition)
            if found is None or standing is None or standing.frame.call is None:
                continue
            end = self._service.frame_end(standing.frame.call)
            if end is not None and end < at:
                return found
        return None

    def pointed(self, chains: list[Chain]) -> Object | None:
        """The object that a pointer was made for, by where it came from."""
        for chain in chains:
            for number, hop in enumerate(chain.hops):
                if hop.transition is None:
                    continue
                thread = self._evidence.thread_at(hop.transition)
                call = self.made_by_allocator(hop.transition, thread)
                gives = not hop.after[0] and hop.after[1] < 64
                if call is not None and call.role.out is not None:
                    gives = gives or hop.after[0]
                if call is not None and gives and call.role.role in ("allocate", "resize"):
                    block = self.block_of_call(call)
                    if block is not None:
                        return self.block_object(block)
                mapped = self._mapped_by(hop.transition)
                if mapped is not None:
                    return mapped
                if number + 1 == len(chain.hops) and chain.source is not None:
                    found = self._at_source(chain)
                    if found is not None:
                        return found
        return None

    def _mapped_by(self, transition: int) -> Object | None:
        blocks = self._service._kept(
            "mappings by call",
            lambda: {
                one.allocated.enter: one for one in self._service._heap().blocks if one.is_mapping
            },
        )
        block = blocks.get(transition)
        return None if block is None else self.block_object(block)

    def _at_source(self, chain: Chain) -> Object | None:
        """Of a pointer that the code itself made: `lea rax, [rip+table]`, `lea rdi, [rsp+8]`."""
        assert chain.source is not None
        hop = chain.hops[-1]
        if chain.source.kind == "address":
            hop = next((one for one in reversed(chain.hops) if not is_frame(one.after)), hop)
        if hop.transition is None:
            return None
        if chain.source.kind == "constant" and chain.source.value:
            return self.global_at(chain.source.value, hop.transition, nearest=True)
        if chain.source.kind == "address" and not hop.after[0]:
            value = self._evidence.value_after(hop)
            if value is not None:
                return self.stack_variable(value, hop.transition)
        return None

    def allocated(self, block: Block) -> StatementData:
        call = block.allocated
        return self._evidence.statement(
            "allocated",
            f"{call.function} gave {bytes_text(block.stop - block.start)} at {block.start:#x}",
            call.enter,
        )

    def freed(self, block: Block) -> StatementData | None:
        call = block.freed
        if call is None:
            return None
        verb = "unmapped" if block.is_mapping else "freed"
        return self._evidence.statement("freed", f"{call.function} {verb} it", call.enter)


def signed(number: int) -> int:
    """A number of 64 bits, as far as it is from 0 in either direction."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def is_frame(place: tuple[bool, int, int]) -> bool:
    """Whether a place is the stack or frame pointer."""
    return not place[0] and any(
        offset <= place[1] < offset + 64
        for offset in (Register.from_name(name).fields[0].offset * 8 for name in ("rsp", "rbp"))
    )


def bytes_text(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def _by_thread(calls: Sequence[AllocatorCall]) -> dict[int, list[AllocatorCall]]:
    found: dict[int, list[AllocatorCall]] = {}
    for call in calls:
        found.setdefault(call.thread, []).append(call)
    return found
