# SPDX-License-Identifier: Apache-2.0
"""Where a value came from, through every fork that leads somewhere.

A chain of hops has one way back. Here the other operands are followed too, and, where it is
meant, the address that a value was loaded from: `table[x]` of a constant table is decided by
`x` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec
from capstone import CS_AC_READ, x86_const

from reven.trace.disassembly import detailed_disassembler
from reven2._service.taint import FollowMode, OriginHop, SourceData
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = ["Chain", "Explorer", "Hops", "address_registers"]

Place = tuple[bool, int, int]

_BATCH = 32
_MOST_FORKS = 3
_DEEPEST = 12
_RSP = Register.from_name("rsp").fields[0].offset * 8


@dataclass
class Chain:
    """See `OriginPath`. `start`: the place that it leads back from, in `context`."""

    role: Literal["value", "other", "address"]
    parent: Chain | None
    parent_step: int
    context: int
    start: Place
    hops: list[OriginHop] = field(default_factory=list)
    source: SourceData | None = None
    joins: Chain | None = None

    @property
    def _end(self) -> SourceData | None:
        end = self
        while end.source is None and end.joins is not None:
            end = end.joins
        return end.source

    @property
    def leads_somewhere(self) -> bool:
        """Whether it ends in what the program did not make itself."""
        return self._end is not None and self._end.is_made_elsewhere

    @property
    def leads_to_input(self) -> bool:
        """Whether it ends in what the program was given."""
        return self._end is not None and self._end.is_input


class Hops(Protocol):
    """What the explorer asks of a trace."""

    def origin(
        self, context: int, is_memory: bool, address: int, size: int, *, limit: int
    ) -> list[OriginHop]: ...

    def source_of(self, hop: OriginHop) -> SourceData: ...

    def instruction_at(self, transition: int) -> tuple[int, bytes]: ...

    def value_at(self, context: int, place: Place) -> int | None: ...


class Explorer:
    """Explores from one place.

    Parameters:
        trace: answers for single hops.
        follow: see `FollowMode`.
        limit: hops to look at, at most.
        may_fork: whether the load at a transition may show a second way.
        of_address: the value is one: the way back is that of its largest part, the base,
            and not of what is added to that.
    """

    def __init__(
        self,
        trace: Hops,
        follow: FollowMode,
        limit: int,
        may_fork: Callable[[int], bool] = lambda transition: True,
        *,
        of_address: bool = False,
    ) -> None:
        self._trace, self._follow, self._left = trace, follow, limit
        self._limit, self._may_fork, self._of_address = limit, may_fork, of_address
        self._seen: dict[tuple[int | None, Place], Chain] = {}
        self.chains: list[Chain] = []

    @property
    def followed(self) -> int:
        """Hops looked at."""
        return self._limit - self._left

    @property
    def is_cut(self) -> bool:
        """Whether there was more than the limit."""
        return self._left <= 0

    def explore(self, context: int, place: Place) -> list[Chain]:
        """All chains; the value's own is the first."""
        self.chains = self._family(Chain("value", None, 0, context, place), 0)
        return self.chains

    def _family(self, chain: Chain, depth: int) -> list[Chain]:
        """A chain, and those that lead off from it."""
        family: list[Chain] = []
        waiting = [chain]
        while waiting:
            # Breadth first: what is near matters more than what a long way leads to.
            one = waiting.pop(0)
            family.append(one)
            waiting += self._walk(one)
            if self._left <= 0:
                break
        if self._follow != "values" and depth < _DEEPEST:
            for one in list(family):
                family += self._through_addresses(one, depth)
        return family

    def _through_addresses(self, chain: Chain, depth: int) -> list[Chain]:
        found: list[Chain] = []
        somewhere = chain.leads_somewhere
        if chain.source is None and not somewhere:
            return found
        loads = [
            step
            for step, hop in enumerate(chain.hops)
            if hop.kind in ("load", "copy", "arithmetic")
            and hop.before is not None
            and hop.before[0]
        ]
        if self._follow == "meant" and not somewhere:
            # The load nearest to the source is the one that took it from its table.
            loads.reverse()
        forks = 0
        for step in loads:
            hop = chain.hops[step]
            if hop.transition is None or self._left <= 0 or forks >= _MOST_FORKS:
                break
            if self._follow == "meant" and somewhere and not self._may_fork(hop.transition):
                continue
            took = False
            for register in self._registers(hop.transition):
                start = (False, register, 64)
                seen = dict(self._seen)
                branch = Chain("address", chain, step, hop.transition, start)
                family = self._family(branch, depth + 1)
                if self._follow == "pointers" or any(one.leads_to_input for one in family):
                    found += family
                    took = True
                else:
                    self._seen = seen
            forks += took
            if took and self._follow == "meant" and not somewhere:
                break
        return found

    def _registers(self, transition: int) -> Iterator[int]:
        pc, code = self._trace.instruction_at(transition)
        for name in address_registers(pc, code):
            offset = Register.from_name(name).fields[0].offset * 8
            if offset != _RSP:
                yield offset

    def _walk(self, chain: Chain) -> list[Chain]:
        """Follow a chain to its end; the chains of the other operands on the way."""
        others: list[Chain] = []
        context, place = chain.context, chain.start
        is_address = self._of_address and chain.parent is None
        while self._left > 0:
            if not place[0] and _RSP <= place[1] < _RSP + 64:
                chain.source = SourceData("address", "the stack pointer", None, context, 8)
                return others
            hops = self._trace.origin(context, *place, limit=min(_BATCH, self._left))
            for found in hops:
                hop = self._by_base(found) if is_address else found
                is_address = is_address and hop.kind != "load"
                key = hop.transition, hop.after
                known = self._seen.get(key)
                if known is not None:
                    chain.joins = known
                    return others
                self._seen[key] = chain
                chain.hops.append(hop)
                self._left -= 1
                others += [
                    Chain("other", chain, len(chain.hops) - 1, hop.context, other)
                    for other in hop.others
                    if hop.before is not None and not _is_stack_pointer(other)
                ]
                if hop.before is None:
                    chain.source = self._trace.source_of(hop)
                    return others
                if _is_stack_pointer(hop.before):
                    chain.source = SourceData(
                        "address", "the stack pointer", None, hop.transition, 8
                    )
                    return others
                if hop is not found:
                    break
            last = chain.hops[-1]
            assert last.before is not None
            context, place = last.context, last.before
        return others

    def _by_base(self, hop: OriginHop) -> OriginHop:
        """Back from an address: by its largest part."""
        if hop.before is None or hop.kind != "arithmetic":
            return hop
        parts = [hop.before, *(one for one in hop.others if one[2] == hop.before[2])]
        base = max(parts, key=lambda part: self._magnitude(hop.context, part))
        if base == hop.before:
            return hop
        others = [hop.before if one == base else one for one in hop.others]
        return msgspec.structs.replace(hop, before=base, others=others)

    def _magnitude(self, context: int, place: Place) -> int:
        value = self._trace.value_at(context, place) or 0
        return min(value, (1 << 64) - value) if value < 1 << 64 else value


def address_registers(pc: int, code: bytes, access: int = CS_AC_READ) -> list[str]:
    """The general registers that the addresses are made of which an instruction reads (or
    otherwise accesses), the index before the base."""
    decoded = next(detailed_disassembler().disasm(code, pc, 1), None) if code else None
    if decoded is None or decoded.mnemonic.partition(" ")[0] in ("lea", "nop"):
        return []
    found: list[str] = []
    for operand in decoded.operands:
        if operand.type != x86_const.X86_OP_MEM or not operand.access & access:
            continue
        for number in (operand.mem.index, operand.mem.base):
            name = decoded.reg_name(number) if number else None
            if name is None or name in ("rip", "eip"):
                continue
            try:
                root = Register.from_name(name).root.name
            except InvalidArgumentError:
                continue
            if root not in found and not root.startswith(("xmm", "ymm", "zmm")):
                found.append(root)
    return found


def _is_stack_pointer(place: Place) -> bool:
    return not place[0] and _RSP <= place[1] < _RSP + 64
