# SPDX-License-Identifier: Apache-2.0
"""Which transitions of two executions are the same step of the program.

Both are followed through the code that counts until they differ: the last common instruction
decided otherwise. They go on together where all ways from there meet, in the same activation
of the function. Source of the idea: Xin, Sumner and Zhang, "Efficient program execution
indexing", PLDI 2008.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reven import _engine
from reven.diff.control_flow import FunctionFlow
from reven.diff.sides import Side
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._service import CallData

__all__ = ["Alignment", "Divergence", "Stretches"]

_MOST_CANDIDATES = 4096
_PAGE = 64
_MOST_LEVELS = 64
_MOST_TARGETS = 256
_MOST_MEETINGS = 32


class Stretches(NamedTuple):
    """What is compared: of each side a thread and its transitions [start, stop)."""

    thread_a: int
    start_a: int
    stop_a: int
    thread_b: int
    start_b: int
    stop_b: int


@dataclass(frozen=True)
class Divergence:
    """Where the two begin to differ. `branch`: the last transitions that both have, None where
    they differ from the beginning; `next`: the first ones that only one has, None: it has none
    left. `rejoin`: where they go on together; None: they never do."""

    branch_a: int | None
    branch_b: int | None
    next_a: int | None
    next_b: int | None
    rejoin_a: int | None = None
    rejoin_b: int | None = None

    def holds(self, is_a: bool, transition: int) -> bool:
        """Whether a transition of one of the sides lies between the branch and the rejoin."""
        first = self.next_a if is_a else self.next_b
        last = self.rejoin_a if is_a else self.rejoin_b
        return first is not None and first <= transition and (last is None or transition < last)


@dataclass(frozen=True)
class _Common:
    """A stretch that both have: `count` labels, from `start_a` and `start_b` on."""

    start_a: int
    start_b: int
    difference: _engine.CodeDifference


class Alignment:
    """Of one thread of each side.

    Parameters:
        sides: the two.
        codes: the code that counts, of each.
        most: divergences to look for, at most.
    """

    def __init__(
        self,
        sides: tuple[Side, Side],
        codes: tuple[_engine.LabelledCode, _engine.LabelledCode],
        stretches: Stretches,
        most: int,
    ) -> None:
        self.sides, self._codes, self.stretches = sides, codes, stretches
        self.divergences: list[Divergence] = []
        self.is_cut = False
        self._common: list[_Common] = []
        self._flows: dict[tuple[int, int], FunctionFlow | None] = {}
        self._align(most)

    @property
    def common_count(self) -> int:
        """Instructions (or lines) that both ran."""
        return sum(one.difference.common for one in self._common)

    def divergence_at(self, is_a: bool, transition: int) -> Divergence | None:
        """The divergence that a transition of one side lies in."""
        return next((one for one in self.divergences if one.holds(is_a, transition)), None)

    def counterpart(self, is_a: bool, transition: int) -> int | None:
        """The transition of the other side that is the same step; None: there is none."""
        starts = [one.start_a if is_a else one.start_b for one in self._common]
        at = bisect_right(starts, transition) - 1
        if at < 0:
            return None
        common = self._common[at]
        found = common.difference
        last, other_last = found.last_a, found.last_b
        if not is_a:
            last, other_last = other_last, last
        if last is None or other_last is None or transition > last:
            return None
        here = found.checkpoints_a if is_a else found.checkpoints_b
        there = found.checkpoints_b if is_a else found.checkpoints_a
        point = bisect_right(here, transition) - 1
        if point < 0:
            return None
        own, other = self._codes if is_a else self._codes[::-1]
        threads = self.stretches.thread_a, self.stretches.thread_b
        thread, other_thread = threads if is_a else threads[::-1]
        with translated():
            number = own.count(thread, here[point], transition, keep_going)
            return other.nth(other_thread, there[point], other_last + 1, number, keep_going)

    def _align(self, most: int) -> None:
        thread_a, a, stop_a, thread_b, b, stop_b = self.stretches
        level = 0
        while True:
            with translated():
                found = _engine.first_code_difference(
                    self._codes[0], (thread_a, a, stop_a),
                    self._codes[1], (thread_b, b, stop_b),
                    keep_going,
                )  # fmt: skip
            last = self.divergences[-1] if self.divergences else None
            if found.common:
                self._common.append(_Common(a, b, found))
                level = 0
                if found.next_a is None and found.next_b is None:
                    return
                last = Divergence(found.last_a, found.last_b, found.next_a, found.next_b)
            elif found.next_a is None and found.next_b is None:
                return
            elif last is None:
                self.divergences.append(Divergence(None, None, found.next_a, found.next_b))
                return
            else:
                # They do not go on alike where they were thought to: the frame below may tell.
                self.divergences.pop()
                level += 1
            if len(self.divergences) >= most:
                self.is_cut = True
                return
            met = self._rejoin(last, level)
            if met is None:
                self.divergences.append(
                    Divergence(last.branch_a, last.branch_b, last.next_a, last.next_b)
                )
                return
            level, a, b = met
            self.divergences.append(
                Divergence(last.branch_a, last.branch_b, last.next_a, last.next_b, a, b)
            )

    def _rejoin(self, split: Divergence, level: int) -> tuple[int, int, int] | None:
        """Where both go on after a divergence, and how many frames below it: where all ways meet
        in the function, or, if it was left otherwise, in one that called it."""
        frames: list[tuple[int, CallData]] = []
        for side, at in zip(self.sides, (split.branch_a, split.branch_b), strict=True):
            call = None if at is None else side.service.call_at(at)
            if at is None or call is None:
                return None
            frames.append((at, call))
        for up in range(_MOST_LEVELS):
            met = self._meeting(*frames) if up >= level else None
            if met is not None:
                return up, *met
            callers = [self._caller(number, call) for number, (_, call) in enumerate(frames)]
            if callers[0] is None or callers[1] is None:
                return None
            frames = [callers[0], callers[1]]
        return None

    def _caller(self, number: int, call: CallData) -> tuple[int, CallData] | None:
        """Where the function that called another one did so, and its activation."""
        service = self.sides[number].service
        start = service.frame_start(call.id)
        if start.transition is None or start.parent is None:
            return None
        return start.transition, service.call(start.parent)

    def _meeting(
        self, frame_a: tuple[int, CallData], frame_b: tuple[int, CallData]
    ) -> tuple[int, int] | None:
        """Where, after two branches, the ways from them meet in the same activations."""
        ways = [
            self._meeting_points(number, at) for number, (at, _) in enumerate((frame_a, frame_b))
        ]
        for target_a, target_b in zip(*ways, strict=False):
            a = self._next_in(0, frame_a, target_a)
            b = None if a is None else self._next_in(1, frame_b, target_b)
            if a is not None and b is not None:
                return a, b
        return None

    def _meeting_points(self, number: int, at: int) -> list[int]:
        pc = self.sides[number].pc(at)
        flow = self._flow(number, pc, at)
        return [] if flow is None else flow.meeting_points(pc)[:_MOST_MEETINGS]

    def _next_in(self, number: int, frame: tuple[int, CallData], target: int) -> int | None:
        """The next transition that executes an instruction in an activation of its function."""
        service = self.sides[number].service
        at, call = frame
        end = service.frame_end(call.id)
        stops = self.stretches.stop_a, self.stretches.stop_b
        stop = stops[number] if end is None else min(end + 1, stops[number])
        start, looked = at + 1, 0
        while start < stop and looked < _MOST_CANDIDATES:
            with translated():
                found = service._trace().find_pcs(
                    [(target, target + 1)], start, stop, limit=_PAGE, progress=keep_going
                )
            for candidate in found.tolist():
                reached = service.call_at(candidate)
                if reached is not None and reached.id == call.id:
                    return int(candidate)
            if len(found) < _PAGE:
                return None
            start, looked = int(found[-1]) + 1, looked + len(found)
        return None

    def _flow(self, number: int, pc: int, context: int) -> FunctionFlow | None:
        side = self.sides[number]
        load = side.service._ossi().space.load_at(pc, context)
        symbol = None if load is None else load.binary.symbol_at(pc - load.base_address)
        if load is None or symbol is None or not symbol.size:
            return None
        start = load.base_address + symbol.rva
        if (number, start) not in self._flows:
            code = side.evidence.memory(context, start, symbol.size)
            self._flows[number, start] = (
                None
                if code is None
                else FunctionFlow(start, code, lambda at: self._targets(number, at))
            )
        return self._flows[number, start]

    def _targets(self, number: int, address: int) -> set[int]:
        """Where an indirect jump led to in either trace, as far as it was looked at."""
        found = set(self._targets_in(number, address))
        there = self._moved(number, address)
        if there is not None:
            back = (self._moved(1 - number, at) for at in self._targets_in(1 - number, there))
            found |= {at for at in back if at is not None}
        return found

    def _targets_in(self, number: int, address: int) -> Iterator[int]:
        trace = self.sides[number].service._trace()
        with translated():
            jumps = trace.find_pcs(
                [(address, address + 1)], 0, trace.transition_count, limit=_MOST_TARGETS
            )
        for at in jumps.tolist():
            if at + 1 < trace.transition_count:
                yield self.sides[number].pc(at + 1)

    def _moved(self, number: int, address: int) -> int | None:
        """An address of code as it is in the other trace."""
        for load in self.sides[number].service._ossi().space.loads():
            if not load.base_address <= address < load.base_address + load.size:
                continue
            for other in self.sides[1 - number].service._ossi().space.loads():
                if other.binary.filename == load.binary.filename:
                    return address - load.base_address + other.base_address
        return None
