# SPDX-License-Identifier: Apache-2.0
"""The two executions that are compared, each asked in words that mean the same in both: places
in code by binary and offset, values by what they point to."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from reven import _engine
from reven.explain.evidence import Evidence, Service
from reven.explain.objects import Objects
from reven.trace.own_code import OwnCode
from reven2._service.code_places import CodePlace
from reven2._service.taint import OriginHop
from reven2.arch.register import Register

__all__ = [
    "Address",
    "CodeTable",
    "Likeness",
    "Moment",
    "Place",
    "Side",
    "address_likeness",
    "likeness",
]

Place = tuple[bool, int, int]
"""Whether it is memory, address and size, as `OriginHop` has it."""

Address = tuple[str, str, int]
"""What an address is, wherever it lies: a kind, a name, and the offset in that."""

Likeness = Literal["same", "address", "differs"]
"""`address`: both point into memory that the system or the allocator chose, and say no more."""

_BATCH = 32
_CHOSEN = frozenset({"heap", "anonymous", "stack"})
_PAGE = 0xFFF
_RSP = Register.from_name("rsp")


class Moment(NamedTuple):
    """A place of data in a context."""

    context: int
    place: Place


class CodeTable(NamedTuple):
    """Instructions of a side that count, by ascending address, and their labels."""

    addresses: npt.NDArray[np.uint64]
    labels: npt.NDArray[np.uint32]
    collapse: bool


class Side:
    """One of the two.

    Parameters:
        service: answers for the trace.
        own: the person's own code in it.
        start, stop: the transitions [start, stop) that are compared.
        name: how sentences call it.
    """

    def __init__(self, service: Service, own: OwnCode, start: int, stop: int, name: str) -> None:
        self.service, self.start, self.stop, self.name = service, start, stop, name
        self.evidence = Evidence(service, own)
        self._objects = Objects(self.evidence)
        self.count = service.transition_count()
        self._hops: dict[Moment, OriginHop] = {}
        self.own_site = lru_cache(maxsize=4096)(self._own_site)
        self.pc = lru_cache(maxsize=8192)(lambda at: service.instruction_at(at)[0])

    def label(self, table: CodeTable) -> None:
        """Say which code counts. To be called once, before anything is compared."""
        self.table = table
        self.code = _engine.LabelledCode(
            self.service._trace(), table.addresses, table.labels, table.collapse
        )
        self._label_of = dict(zip(table.addresses.tolist(), table.labels.tolist(), strict=True))
        self.address_of = {label: at for at, label in reversed(list(self._label_of.items()))}

    @property
    def is_whole(self) -> bool:
        """Whether it is the trace from its beginning to its end."""
        return self.start == 0 and self.stop == self.count

    def label_at(self, pc: int) -> int | None:
        """The label of an instruction; None: it does not count."""
        return self._label_of.get(pc)

    def is_own(self, transition: int) -> bool:
        return self.label_at(self.pc(transition)) is not None

    def key(self, transition: int) -> Address:
        """The instruction of a transition, comparably."""
        pc = self.pc(transition)
        load = self.service._ossi().space.load_at(pc, transition)
        if load is None:
            return "code", "", pc
        return "code", load.binary.filename, pc - load.base_address

    def place_of(self, transition: int) -> CodePlace:
        return self.evidence.place_of(transition)

    def _own_site(self, transition: int) -> int | None:
        """The transition in own code that a transition belongs to: itself, or the call of the
        library that it is part of."""
        if self.is_own(transition):
            return transition
        for frame in self.service.frames(transition):
            at = frame.creation_transition
            if at is not None and self.is_own(at):
                return at
        return None

    def hop(self, moment: Moment) -> OriginHop:
        """The step back from a place."""
        if moment not in self._hops:
            at = moment
            for hop in self.service.origin(moment.context, *moment.place, limit=_BATCH):
                self._hops[at] = hop
                if hop.before is None:
                    break
                at = Moment(hop.context, hop.before)
        return self._hops[moment]

    def value(self, moment: Moment) -> int | None:
        """The number in a place, little endian; None where it is not known."""
        is_memory, address, size = moment.place
        if moment.context > self.count:
            return None
        if is_memory:
            data = self.evidence.memory(moment.context, address, min(size, 64))
            return None if data is None else int.from_bytes(data, "little")
        view = self.service.registers([moment.context]).view
        if address + size > 8 * len(view):
            return None
        return int.from_bytes(view, "little") >> address & (1 << size) - 1

    def register(self, name: str, context: int) -> int:
        return self.evidence.register(name, context)

    @cached_property
    def _stack_base(self) -> int:
        """The stack pointer as own code first runs: what lies below does not depend on what the
        environment takes above."""
        transitions, _ = self.code.labels(1, 0, self.count, 1)
        at = int(transitions[0]) if len(transitions) else 0
        return self.register("rsp", at)

    @cached_property
    def _regions(self) -> list[_engine.Mapping]:
        return [one for one in self.service._trace().mappings() if not one.path.startswith("/")]

    @cached_property
    def _heap_base(self) -> int:
        return min((one.address for one in self._regions if one.path == "[heap]"), default=0)

    def where(self, value: int, context: int) -> Address | None:
        """What a number points to; None: to nothing that is mapped."""
        if not 0x1000 <= value < 1 << 47:
            return None
        load = self.service._ossi().space.load_at(value, context)
        if load is not None:
            return "binary", load.binary.filename, value - load.base_address
        text = self.service.text_of_start(value)
        if text is not None:
            return "text", text[0], text[1]
        for one in self._regions:
            inside = one.address <= value < one.address + one.size
            if not inside or not one.first_context <= context <= one.last_context:
                continue
            if one.path == "[stack]":
                return "stack", "", value - self._stack_base
            if one.path == "[heap]":
                return "heap", "", value - self._heap_base
            return "anonymous", one.path, value & _PAGE
        return None

    def variable_at(self, address: int, context: int) -> str:
        """The name of what stands in memory: a variable of own code's frames or outside of
        functions; "" where none is known."""
        found = self._objects.stack_variable(address, context)
        found = found or self._objects.global_at(address, context)
        if found is None:
            return ""
        offset = address - found.start
        return f"{found.name}, byte {offset}" if offset else found.name


def likeness(a: Side, at: Moment, b: Side, bt: Moment) -> Likeness:
    """How alike two places' values are."""
    va, vb = a.value(at), b.value(bt)
    if va is None or vb is None:
        return "same" if va is vb else "differs"
    if va == vb:
        return "same"
    if _bytes(at.place) != 8 or _bytes(bt.place) != 8:
        return "differs"
    return address_likeness(a.where(va, at.context), b.where(vb, bt.context))


def address_likeness(wa: Address | None, wb: Address | None) -> Likeness:
    """How alike two addresses are."""
    if wa is None or wb is None:
        return "differs"
    if wa == wb:
        return "same"
    return "address" if wa[0] in _CHOSEN and wb[0] in _CHOSEN else "differs"


def _bytes(place: Place) -> int:
    is_memory, _, size = place
    return size if is_memory else (size + 7) // 8
