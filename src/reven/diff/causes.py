# SPDX-License-Identifier: Apache-2.0
"""Why two executions differ: from a difference back through values and decisions to where it came
into the program.

What is the same in both is no reason, so that only operands that differ are followed. Where a
value was written by different steps, the decision that led there is the reason. Source of the
idea: Johnson, Caballero, Chen, McCamant, Poosankam, Reynaud and Song, "Differential slicing",
IEEE Security and Privacy 2011.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reven.diff.alignment import Divergence
from reven.diff.decisions import Decision, decision_at
from reven.diff.pair import Pair
from reven.diff.sides import Moment, Place, Side, address_likeness, likeness
from reven.taint.origin_tree import address_registers
from reven2._service.code_places import CodePlace
from reven2._service.diff import DifferenceData, DifferenceRole, ReasonKind
from reven2._service.taint import OriginHop, SourceData
from reven2.arch.register import Register

__all__ = ["Cause", "Causes"]

_CARRIES = frozenset({"copy", "load", "store", "kernel move"})
_MOST_HOPS = 4000
_MOST_WAYS = 3
_MOST_INPUTS = 1000
_DEEPEST = 40
_GOOD_ENOUGH = 1
_RANKS: dict[ReasonKind, int] = {
    "input": 0,
    "argument": 0,
    "order": 1,
    "uninitialised": 2,
    "code": 3,
    "system call": 4,
    "process": 4,
    "random": 5,
    "time": 5,
    "environment": 6,
    "address": 7,
    "unknown": 8,
}
_OF_SOURCE: dict[str, ReasonKind] = {
    "file": "input",
    "standard input": "input",
    "pipe": "input",
    "socket": "input",
    "device": "input",
    "argument": "argument",
    "environment": "environment",
    "time": "time",
    "random": "random",
    "processor": "time",
    "uninitialised": "uninitialised",
    "process": "process",
    "system call": "system call",
    "static data": "code",
    "constant": "code",
    "address": "address",
    "start": "unknown",
    "unknown": "unknown",
}


@dataclass
class Cause:
    """A way back. `steps`: the latest first; `kind`: of what it ends in."""

    kind: ReasonKind
    steps: list[DifferenceData] = field(default_factory=list)

    @property
    def rank(self) -> int:
        """The less, the more it says."""
        return _RANKS[self.kind]


class Causes:
    """Finds causes. Every question is asked once: what was asked before leads nowhere new."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.is_cut = False
        self.limits: list[str] = []
        self._hops = 0
        self._asked: set[object] = set()

    def limit(self, sentence: str) -> None:
        """Say what was not looked at."""
        if sentence not in self.limits:
            self.limits.append(sentence)

    def statement(
        self, role: DifferenceRole, text: str, a: int | None, b: int | None
    ) -> DifferenceData:
        return DifferenceData(role, text, a, b, *self._places(a, b))

    def of_values(self, a: Moment, b: Moment, depth: int = 0) -> Cause | None:
        """Why two places have different values."""
        steps: list[DifferenceData] = []
        pair = self.pair
        inside: tuple[int | None, int | None] = None, None
        while depth < _DEEPEST:
            if (a, b) in self._asked:
                return None
            self._asked.add((a, b))
            self._hops += 1
            if self._hops > _MOST_HOPS:
                self.is_cut = True
                return None
            ha, hb = pair.a.hop(a), pair.b.hop(b)
            sites = _site(pair.a, ha), _site(pair.b, hb)
            carried = _carried(pair.a, ha), _carried(pair.b, hb)
            # A library may move a value in one step or in ten: its call counts as one.
            stays = [now is not None and now == was for now, was in zip(sites, inside, strict=True)]
            if stays[0] is not stays[1]:
                if stays[0] and carried[0] is not None:
                    a = carried[0]
                    continue
                if stays[1] and carried[1] is not None:
                    b = carried[1]
                    continue
            if self._elsewhere(*sites):
                return _after(steps, self._of_writers(ha, hb, a, b, depth))
            before, inside = inside, sites
            if not self._are_alike(ha, hb):
                if carried == (None, None):
                    return _after(steps, self._in_library(ha, hb, a, b, before, depth))
                a, b = carried[0] or a, carried[1] or b
                continue
            steps += self._step(ha, hb, a, b)
            if ha.before is None or hb.before is None:
                return _after(steps, self._of_sources(ha, hb, before, depth))
            ways = list(self._ways(ha, hb))
            if not ways:
                return _after(steps, self._by_default(ha, hb, a, b))
            if len(ways) == 1:
                a, b = ways[0]
                continue
            return _after(steps, self._best(ways, depth))
        self.is_cut = True
        return None

    def _best(self, ways: list[tuple[Moment, Moment]], depth: int) -> Cause | None:
        """The cause, of several operands, that says most."""
        found: Cause | None = None
        for way in ways[:_MOST_WAYS]:
            cause = self.of_values(*way, depth + 1)
            if cause is not None and (found is None or cause.rank < found.rank):
                found = cause
            if found is not None and found.rank <= _GOOD_ENOUGH:
                break
        return found

    def of_arguments(self, a: int, b: int, depth: int = 0) -> Cause | None:
        """Why a function was called with other arguments."""
        ways = []
        for name in ("rdi", "rsi", "rdx", "rcx", "r8", "r9"):
            place = self.pair.a.evidence.register_place(name)
            way = Moment(a, place), Moment(b, place)
            if likeness(self.pair.a, way[0], self.pair.b, way[1]) == "differs":
                ways.append(way)
        return self._best(ways, depth)

    def of_divergence(self, split: Divergence, depth: int = 0) -> Cause | None:
        """Why two executions went different ways."""
        if split in self._asked or depth > _DEEPEST:
            return None
        self._asked.add(split)
        if split.branch_a is None or split.branch_b is None:
            text = "they differ from their beginning"
            return Cause("unknown", [self.statement("decision", text, split.next_a, split.next_b)])
        decision = decision_at(self.pair, split)
        if decision is None:
            text = "from here on they go different ways"
            at = self.statement("decision", text, split.branch_a, split.branch_b)
            return Cause("unknown", [at])
        steps = [self.statement("decision", decision.text, split.branch_a, split.branch_b)]
        if decision.inside is not None:
            steps.append(self.statement("decision", decision.inside, decision.a, decision.b))
        return _after(steps, self._of_decision(decision, depth) or Cause("unknown"))

    def _of_decision(self, decision: Decision, depth: int) -> Cause | None:
        found = []
        for places in decision.places:
            a, b = Moment(decision.a, places[0]), Moment(decision.b, places[1])
            alike = likeness(self.pair.a, a, self.pair.b, b)
            if alike == "same" or (alike == "address" and not decision.is_target):
                continue
            cause = self.of_values(a, b, depth + 1)
            if cause is not None:
                found.append(cause)
        return min(found, key=lambda cause: cause.rank, default=None)

    def of_addresses(self, a: int, b: int, depth: int = 0) -> Cause | None:
        """Why an instruction that both ran reaches for different addresses."""
        return self._best(list(self._address_ways(a, b, strictly=False)), depth)

    def _are_alike(self, ha: OriginHop, hb: OriginHop) -> bool:
        if ha.transition is None or hb.transition is None:
            return ha.transition is hb.transition and ha.before is None and hb.before is None
        if (ha.before is None) is not (hb.before is None):
            return False
        return self.pair.a.key(ha.transition) == self.pair.b.key(hb.transition)

    def _elsewhere(self, a: int | None, b: int | None) -> bool:
        """Whether two transitions of own code are different steps."""
        if a is None or b is None:
            return a is not b
        return not self.pair.are_same(a, b)

    def _ways(self, ha: OriginHop, hb: OriginHop) -> Iterator[tuple[Moment, Moment]]:
        """Pairs of operands that differ, what matters most first."""
        assert ha.before is not None
        assert hb.before is not None
        pair = self.pair
        weak = []
        if ha.before[0] and hb.before[0] and ha.transition is not None:
            assert hb.transition is not None
            wa = pair.a.where(ha.before[1], ha.context)
            wb = pair.b.where(hb.before[1], hb.context)
            if ha.before[1] != hb.before[1] and address_likeness(wa, wb) != "same":
                found = list(self._address_ways(ha.transition, hb.transition, strictly=True))
                if found and pair.is_whole:
                    yield from found
                    return
                # Iterations of a loop read at other places by their nature.
                weak = found or list(
                    self._address_ways(ha.transition, hb.transition, strictly=False)
                )
        operands = zip((ha.before, *ha.others), (hb.before, *hb.others), strict=False)
        for place_a, place_b in operands:
            a, b = Moment(ha.context, place_a), Moment(hb.context, place_b)
            alike = likeness(pair.a, a, pair.b, b)
            if alike == "differs":
                yield a, b
            elif alike == "address":
                weak.insert(0, (a, b))
        yield from weak

    def _address_ways(self, a: int, b: int, *, strictly: bool) -> Iterator[tuple[Moment, Moment]]:
        pc, code = self.pair.a.service.instruction_at(a)
        for name in address_registers(pc, code, access=3):
            place = self.pair.a.evidence.register_place(name)
            ma, mb = Moment(a, place), Moment(b, place)
            alike = likeness(self.pair.a, ma, self.pair.b, mb)
            if alike == "differs" or (alike == "address" and not strictly):
                yield ma, mb

    def _of_writers(
        self, ha: OriginHop, hb: OriginHop, a: Moment, b: Moment, depth: int
    ) -> Cause | None:
        """Why a value was written by different steps."""
        pair = self.pair
        ta, tb = _site(pair.a, ha), _site(pair.b, hb)
        step = self.statement(
            "value",
            f"{_name_of(pair.a, a)} was written by different steps: {_value_text(pair, a, b)}",
            ta if ta is not None else ha.transition,
            tb if tb is not None else hb.transition,
        )
        splits = [
            split
            for is_a, at in ((True, ta), (False, tb))
            if at is not None and (split := pair.divergence_at(is_a, at)) is not None
        ]
        splits.sort(key=lambda one: (one.branch_a or 0, one.branch_b or 0))
        for split in splits:
            cause = self.of_divergence(split, depth + 1)
            if cause is not None:
                return _after([step], cause)
        if splits:
            return None
        other_b = None if ta is None else pair.counterpart(True, ta)
        other_a = None if tb is None else pair.counterpart(False, tb)
        for at_a, at_b in ((ta, other_b), (other_a, tb)):
            if at_a is None or at_b is None:
                continue
            cause = self.of_addresses(at_a, at_b, depth + 1)
            if cause is not None:
                return _after([step], cause)
        if ta is not None and tb is not None:
            threads = pair.a.evidence.thread_at(ta), pair.b.evidence.thread_at(tb)
            if threads[0] != threads[1] or max(pair.thread_count) > 1:
                return _after([step], self._order(ta, tb, a, b))
        if ha.before is None and hb.before is None:
            return _after([step], self._of_sources(ha, hb, (None, None), depth))
        return _after([step], Cause("unknown"))

    def _in_library(
        self,
        ha: OriginHop,
        hb: OriginHop,
        a: Moment,
        b: Moment,
        before: tuple[int | None, int | None],
        depth: int,
    ) -> Cause | None:
        """Why a library, called by the same step, made different values."""
        sites = _site(self.pair.a, ha), _site(self.pair.b, hb)
        if ha.before is None and hb.before is None:
            return self._of_sources(ha, hb, before, depth)
        found = self._of_inputs(a, b)
        if found is None and sites[0] is not None and sites[1] is not None:
            found = self.of_arguments(sites[0], sites[1], depth + 1)
        return found or self._by_default(ha, hb, a, b)

    def _of_inputs(self, a: Moment, b: Moment) -> Cause | None:
        """The first byte of the program's input that both values were made of and that differs."""
        made: list[dict[tuple[str, int], tuple[SourceData, OriginHop]]] = []
        for side, moment in ((self.pair.a, a), (self.pair.b, b)):
            named: dict[tuple[str, int], tuple[SourceData, OriginHop]] = {}
            for chain in side.evidence.explore(moment.context, moment.place, limit=_MOST_INPUTS):
                source = chain.source
                if source is None or not chain.hops or not source.is_input:
                    continue
                kind = source.kind if source.kind in ("file", "argument") else ""
                named.setdefault((kind, source.offset or 0), (source, chain.hops[-1]))
            made.append(named)
        for key in sorted(made[0].keys() & made[1].keys()):
            (_, ha), (_, hb) = made[0][key], made[1][key]
            if _bytes_after(self.pair.a, ha) != _bytes_after(self.pair.b, hb):
                return self._of_sources(ha, hb, (None, None), _DEEPEST)
        return None

    def _order(self, ta: int, tb: int, a: Moment, b: Moment) -> Cause:
        one, other = self.pair.a.evidence.thread_at(ta), self.pair.b.evidence.thread_at(tb)
        text = (
            f"the order of threads differs: {_name_of(self.pair.a, a)} was last written by thread "
            f"{one} in {self.pair.a.name}, by thread {other} in {self.pair.b.name}"
        )
        return Cause("order", [self.statement("order", text, ta, tb)])

    def _of_sources(
        self, ha: OriginHop, hb: OriginHop, sites: tuple[int | None, int | None], depth: int
    ) -> Cause | None:
        """What two values came from; where both came from constants, who chose which."""
        sources: list[SourceData | None] = []
        for side, hop in ((self.pair.a, ha), (self.pair.b, hb)):
            if hop.before is not None:
                sources.append(None)
                continue
            sources.append(side.service.source_of(hop))
        shift = _first_difference(self.pair, ha, hb)
        is_constant = all(one is not None and one.kind == "static data" for one in sources)
        if is_constant and sites[0] is not None and sites[1] is not None:
            chosen = self.of_arguments(sites[0], sites[1], depth + 1)
            if chosen is not None:
                return chosen
        texts = [
            f"{side.name}: {_source_text(side, source, hop, shift)}"
            for side, source, hop in zip((self.pair.a, self.pair.b), sources, (ha, hb), strict=True)
        ]
        kinds = [_OF_SOURCE[source.kind] for source in sources if source is not None]
        unknown: ReasonKind = "unknown"
        kind = min(kinds, key=lambda one: _RANKS[one], default=unknown)
        if any(source is not None and source.name == "argv[0]" for source in sources):
            kind = "environment"
        step = self.statement("source", "; ".join(texts), ha.transition, hb.transition)
        return Cause(kind, [step])

    def _by_default(self, ha: OriginHop, hb: OriginHop, a: Moment, b: Moment) -> Cause:
        text = f"{_name_of(self.pair.a, a)} differs ({_value_text(self.pair, a, b)}), though what "
        text += "it was made of is the same: what made it is not known"
        return Cause("unknown", [self.statement("note", text, ha.transition, hb.transition)])

    def _step(self, ha: OriginHop, hb: OriginHop, a: Moment, b: Moment) -> Iterator[DifferenceData]:
        """What a hop in own code says."""
        if ha.transition is None or ha.kind == "copy" or _is_flag(a.place):
            return
        if not self.pair.a.is_own(ha.transition):
            return
        written = Moment(ha.transition + 1, ha.after), Moment((hb.transition or 0) + 1, hb.after)
        text = f"{_name_of(self.pair.a, written[0])} is {_value_text(self.pair, *written)}"
        yield self.statement("value", text, ha.transition, hb.transition)

    def _places(self, a: int | None, b: int | None) -> tuple[CodePlace | None, CodePlace | None]:
        """Where in own code."""
        return _place(self.pair.a, a), _place(self.pair.b, b)


def _place(side: Side, at: int | None) -> CodePlace | None:
    site = None if at is None or at >= side.count else side.own_site(at)
    return None if site is None else side.place_of(site)


def _after(steps: list[DifferenceData], cause: Cause | None) -> Cause | None:
    if cause is None:
        return None
    found: list[DifferenceData] = []
    for one in (*steps, *cause.steps):
        # Of the values of a line, the one that is nearest to the end says what it made.
        follows = one.role == "value" and found and found[-1].role == "value"
        if follows and _line(one) and _line(one) == _line(found[-1]):
            continue
        found.append(one)
    return Cause(cause.kind, found)


def _line(step: DifferenceData) -> tuple[str, int] | None:
    place = step.first_place
    return (place.file, place.line) if place is not None and place.line else None


def _carried(side: Side, hop: OriginHop) -> Moment | None:
    """The place that a library only carried a value from; None: it is no such hop."""
    if hop.before is None or hop.transition is None or hop.kind not in _CARRIES:
        return None
    if side.is_own(hop.transition):
        return None
    return Moment(hop.context, hop.before)


def _bytes_after(side: Side, hop: OriginHop) -> int | None:
    """What a hop gave to its place."""
    context = 0 if hop.transition is None else hop.transition + 1
    is_memory, address, size = hop.after
    return side.value(Moment(context, (is_memory, address, min(size, 64))))


def _site(side: Side, hop: OriginHop) -> int | None:
    return None if hop.transition is None else side.own_site(hop.transition)


def _is_flag(place: Place) -> bool:
    return not place[0] and place[2] == 1


def _name_of(side: Side, moment: Moment) -> str:
    is_memory, address, size = moment.place
    if is_memory:
        where = side.where(address, moment.context)
        if where is not None and where[0] == "text":
            return f"byte {where[2]} of {where[1]}"
        named = side.variable_at(address, min(moment.context, side.count - 1))
        what = f"{size} bytes" if size > 1 else "the byte"
        return named or f"{what} at {address:#x}"
    for register in _REGISTERS:
        field_ = register.fields[0]
        low = field_.offset * 8 + (field_.mask & -field_.mask).bit_length() - 1
        if low <= address < low + register.bit_size:
            return register.name
    return "a register"


_REGISTERS = [
    Register.from_name(name)
    for name in (
        *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12"),
        *("r13", "r14", "r15", "zf", "cf", "sf", "of", "pf", "af"),
    )
]


def _value_text(pair: Pair, a: Moment, b: Moment) -> str:
    return f"{_shown(pair.a, a)} in {pair.a.name}, {_shown(pair.b, b)} in {pair.b.name}"


def _shown(side: Side, moment: Moment) -> str:
    value = side.value(moment)
    if value is None:
        return "unknown"
    if moment.place[0] and moment.place[2] > 8:
        data = value.to_bytes(min(moment.place[2], 64), "little")
        return data[:16].hex(" ") + (" …" if len(data) > 16 else "")
    return f"{value:#x}"


def _first_difference(pair: Pair, ha: OriginHop, hb: OriginHop) -> int:
    """The first byte of two places' values that differs."""
    values = []
    for side, hop in ((pair.a, ha), (pair.b, hb)):
        context = 0 if hop.transition is None else hop.transition + 1
        value = side.value(Moment(context, hop.after))
        if value is None or not hop.after[0]:
            return 0
        values.append(value.to_bytes(64, "little"))
    return next((at for at in range(64) if values[0][at] != values[1][at]), 0)


def _source_text(side: Side, source: SourceData | None, hop: OriginHop, shift: int) -> str:
    if source is None:
        return "the program made it"
    value = source.value
    if value is not None:
        return source.name
    is_memory, address, size = hop.after
    context = 0 if hop.transition is None else hop.transition + 1
    if is_memory and source.offset is not None:
        byte = side.value(Moment(context, (True, address + shift, 1)))
        shown = "unknown" if byte is None else f"{byte:#04x}"
        if byte is not None and 0x20 < byte < 0x7F:
            shown += f" ('{chr(byte)}')"
        return f"byte {source.offset + shift} of {source.name} is {shown}"
    number = side.value(Moment(context, (is_memory, address, min(size, 64))))
    if number is None:
        return source.name
    signed = number - (1 << 64) if not is_memory and size == 64 and number >> 63 else number
    return f"{source.name} is {signed if -4096 < signed < 4096 else f'{number:#x}'}"
