# SPDX-License-Identifier: Apache-2.0
"""A recorded program as a debugger sees one: it is somewhere, and runs forward and backward until
a breakpoint, a watchpoint, a signal, or an end of the trace.

To run is to look up: the next stop of each kind is asked of the trace's indexes, and the nearest
wins. What debuggers of every protocol share is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reven2 import OpenTrace
from reven2._service import (
    KIND_END_SIGNAL,
    KIND_INSTRUCTION,
    KIND_SIGNAL,
    KIND_SWITCH,
    EventData,
    TraceService,
    column,
)
from reven2.arch.register import Register
from reven2.trace import Thread

__all__ = ["Condition", "Machine", "Reason", "Stop", "Watchpoint"]

Reason = Literal[
    "step", "breakpoint", "write", "read", "access", "signal", "begin", "end", "interrupted"
]
Condition = Callable[[int, bytes], bool]
"""Whether to stop at a context, of which the register view is given."""

_FIRST_WINDOW, _LARGEST_WINDOW = 1 << 18, 1 << 28
_FIRST_HITS, _MOST_HITS = 64, 4096
_RIP, _RAX = Register.from_name("rip"), Register.from_name("rax")
_EXIT = 60  # the system call
_LARGEST_RANGE_STEP = 1 << 22
_SCANNED, _PARTS = 256, 64


@dataclass(frozen=True)
class Stop:
    """Where and why the program stopped.

    Attributes:
        context: where.
        reason: why.
        thread: number of the thread that it is about.
        address: of a watchpoint: the first byte of it that was touched.
        signal: Linux's number of the signal.
        watchpoint: which one.
    """

    context: int
    reason: Reason
    thread: int
    address: int = 0
    signal: int = 0
    watchpoint: Watchpoint | None = None


@dataclass(frozen=True)
class Watchpoint:
    """Memory to stop at: `kind` is "write", "read" or "access"; `changes`: only writes that
    change a byte count."""

    kind: Literal["write", "read", "access"]
    address: int
    size: int
    changes: bool = False


class Machine:
    """The program at a moment.

    Parameters:
        server: the open trace.
        context: the moment.
    """

    def __init__(self, server: OpenTrace, context: int = 0) -> None:
        self.server, self.trace = server, server.trace
        self.service = server.trace._service
        self.breakpoints: dict[int, list[Condition]] = {}
        self.watchpoints: list[Watchpoint] = []
        self.passed_signals: frozenset[int] = frozenset()
        self.is_interrupted: Callable[[], bool] = lambda: False
        self._changes: dict[tuple[Watchpoint, bool], tuple[int, int | None]] = {}
        self._threads = self.trace.threads
        self._exiting: dict[int, bool] = {}
        self.context = context
        # The context at which the signal that comes there was told already.
        self._told: int | None = None

    # ------------------------------------------------------------------ where it is

    @property
    def count(self) -> int:
        """Number of transitions, and of the last context."""
        return self.trace.transition_count

    @property
    def thread(self) -> int:
        """Number of the thread that runs."""
        return self.trace._context(self.context).thread

    def threads(self) -> list[int]:
        """Numbers of the threads that have begun and not ended."""
        return [
            one.id
            for one in self._threads
            if one.first_transition.id <= self.context
            and (self.context <= one.last_transition.id + 1 or not self._exits(one))
        ] or [self.thread]

    def _exits(self, thread: Thread) -> bool:
        """Whether a thread ends by itself: others wait for ever."""
        if thread.id not in self._exiting:
            last = thread.last_transition
            is_call = last.instruction is not None and last.instruction.mnemonic == "syscall"
            number = _RAX.bits(last.context_before()._view()) if is_call else None
            self._exiting[thread.id] = number == _EXIT
        return self._exiting[thread.id]

    def view(self, thread: int) -> bytes | None:
        """Registers of a thread at its own last moment; None if it has not run yet."""
        context = self.trace._context(self.context)
        if thread == context.thread:
            return context._view()
        return self.service.thread_registers(thread, self.context)

    def read_memory(self, address: int, size: int) -> bytes:
        """The bytes from an address on, up to the first that is not known."""
        data, known = self.service.read_known_memory(self.context, address, size)
        unknown = known.find(0)
        return data if unknown < 0 else data[:unknown]

    def pc(self) -> int:
        """The program counter."""
        return self.trace._context(self.context)._pc()

    def go(self, context: int) -> None:
        """Be at another moment."""
        self.context, self._told = max(0, min(context, self.count)), None

    # ------------------------------------------------------------------ moving

    def resume(self, is_forward: bool) -> Stop:
        """Run until something stops it."""
        limit = self.count if is_forward else 0
        found = self._nearest(is_forward, limit)
        return self._arrive(found or self._at_end(is_forward))

    def run_to(self, context: int, is_forward: bool) -> Stop:
        """Run to a context, or to what stops it before."""
        found = self._nearest(is_forward, context)
        if found is None:
            # What a watchpoint sees of the last instruction is told too.
            low, high = (context - 1, context) if is_forward else (context, context + 1)
            found = self._next_watch(low, high, is_forward)
        if found is None and is_forward and context >= self.count:
            found = self._at_end(True)
        return self._arrive(found or Stop(context, "step", self._thread_at(context)))

    def step(self, thread: int, is_forward: bool) -> Stop:
        """One instruction of a thread; others run meanwhile as they did."""
        if is_forward:
            return self._step_forward(thread)
        return self._step_back(thread)

    def step_while_in(self, thread: int, low: int, high: int) -> Stop:
        """Steps of a thread while its program counter lies in [low, high)."""
        stop = self.step(thread, True)
        begin = self.context
        while stop.reason == "step" and low <= self.pc() < high:
            if self.context - begin > _LARGEST_RANGE_STEP or self.is_interrupted():
                break
            end = self._leaves(thread, low, high)
            if end is not None and end > self.context:
                stop = self.run_to(end, True)
            else:
                stop = self.step(thread, True)
        return stop

    # ------------------------------------------------------------------ parts of it

    def _arrive(self, stop: Stop) -> Stop:
        self.context = stop.context
        self._told = stop.context if stop.reason == "signal" else None
        return stop

    def _at_end(self, is_forward: bool) -> Stop:
        context = self.count if is_forward else 0
        return Stop(context, "end" if is_forward else "begin", self._thread_at(context))

    def _thread_at(self, context: int) -> int:
        return self.trace._context(context).thread

    def event_at(self, transition: int) -> EventData | None:
        """The event that a transition is, None for an instruction."""
        block = self.trace._pages.block_of(transition)
        if block.kind(transition) == KIND_INSTRUCTION:
            return None
        return block._page.events[transition]

    def signal_at(self, context: int) -> int:
        """The signal that comes at a context and that the debugger wants to be told; else 0."""
        if context >= self.count:
            return 0
        event = self.event_at(context)
        if event is None or event.kind not in (KIND_SIGNAL, KIND_END_SIGNAL):
            return 0
        if event.kind == KIND_SIGNAL and event.signal in self.passed_signals:
            return 0
        return event.signal

    def _signal_stop(self, context: int) -> Stop | None:
        signal = self.signal_at(context)
        return Stop(context, "signal", self._thread_at(context), signal=signal) if signal else None

    def _step_forward(self, thread: int) -> Stop:
        here, first = self.context, self.context
        if here >= self.count or not self._runs(here, thread):
            found = self._next_of(thread, here)
            if found is None:
                return self.resume(True)
            first = found
            if stop := self._nearest(True, first + 1):
                return self._arrive(stop)
            self.go(first)
        elif self._told != here and (stop := self._signal_stop(here)):
            return self._arrive(stop)
        return self.run_to(first + 1, True)

    def _step_back(self, thread: int) -> Stop:
        before = self.context - 1
        if before < 0:
            return self._arrive(self._at_end(False))
        target = before if self._runs(before, thread) else self.previous_of(thread, before)
        if target is None:
            # It had not begun: what ran then is where its story goes on.
            target = before
        stop = self._nearest(False, target) or self._signal_stop(target)
        return self._arrive(stop) if stop else self.run_to(target, False)

    def _runs(self, transition: int, thread: int) -> bool:
        """Whether a transition is an instruction of the thread, or a signal to it."""
        block = self.trace._pages.block_of(transition)
        return block.kind(transition) != KIND_SWITCH and block.thread(transition) == thread

    def _next_of(self, thread: int, start: int) -> int | None:
        return self._of_thread(thread, start, self.count, True)

    def previous_of(self, thread: int, stop: int) -> int | None:
        """The last transition of a thread before another one, switches left out."""
        return self._of_thread(thread, 0, stop, False)

    def _of_thread(self, thread: int, start: int, stop: int, is_forward: bool) -> int | None:
        """The first or last transition of a thread in [start, stop), switches left out."""
        if stop - start <= _SCANNED:
            numbers = range(start, stop) if is_forward else range(stop - 1, start - 1, -1)
            return next((number for number in numbers if self._runs(number, thread)), None)
        for begin, width, parts in _divided(start, stop, is_forward):
            activity = self.service.thread_activity(begin, width, parts)
            mine = [one.transitions for one in activity if one.thread == thread]
            inside = [part for part, ran in enumerate(column(mine[0], "Q")) if ran] if mine else []
            for part in inside if is_forward else reversed(inside):
                low = begin + part * width
                found = self._of_thread(thread, low, low + width, is_forward)
                if found is not None:
                    return found
        return None

    def _leaves(self, thread: int, low: int, high: int) -> int | None:
        """The next context at which the thread's pc is outside of a range, or at which something
        happens but instructions of the thread; None if that is far away."""
        start, size = self.context, 64
        while start < self.count and start - self.context < _LARGEST_RANGE_STEP:
            page = self.service.transitions(start, min(start + size, self.count))
            pcs = np.frombuffer(page.pc, "<u8")
            kinds = np.frombuffer(page.kind, "u1")
            threads = np.frombuffer(page.thread, "<u4")
            out = (pcs < low) | (pcs >= high) | (kinds != KIND_INSTRUCTION) | (threads != thread)
            if out.any():
                return page.first + int(out.argmax())
            if page.count == 0:
                return None
            start, size = page.first + page.count, min(size * 4, 8192)
        return start if start > self.context else None

    def _nearest(self, is_forward: bool, limit: int) -> Stop | None:
        """What stops the program before it comes to the context `limit`; None if nothing does."""
        for low, high in _windows(self.context, limit, is_forward):
            stops = [
                stop
                for look in (self._next_watch, self._next_breakpoint, self._next_signal)
                if (stop := look(low, high, is_forward)) is not None
            ]
            if stops:
                # Of those at one moment the first of the list is told: debuggers look for
                # breakpoints at every stop, but not for watchpoints.
                pick = min if is_forward else max
                context = pick(stop.context for stop in stops)
                return next(stop for stop in stops if stop.context == context)
            if self.is_interrupted():
                context = high if is_forward else low
                return Stop(context, "interrupted", self._thread_at(context))
        return None

    def _next_breakpoint(self, low: int, high: int, is_forward: bool) -> Stop | None:
        """At contexts strictly between those where the window begins and ends, or where it ends
        if that is no limit: see `_windows`."""
        if not self.breakpoints:
            return None
        ranges = [(address, address + 1) for address in sorted(self.breakpoints)]
        start, stop = (low + 1, high + 1) if is_forward else (low, high)
        start, stop = max(start, 0), min(stop, self.count)
        limit = _FIRST_HITS if any(self.breakpoints.values()) else 1
        while start < stop:
            page = self.service.find_pcs(ranges, start, stop, forward=is_forward, limit=limit)
            hits = column(page.transition, "Q")
            if any(self.breakpoints.values()):
                context = self._first_that_holds(hits)
            else:
                context = hits[0] if hits else None
            if context is not None:
                reason: Reason = "interrupted" if self.is_interrupted() else "breakpoint"
                return Stop(context, reason, self._thread_at(context))
            if page.next is None:
                break
            start, stop = (page.next, stop) if is_forward else (start, page.next)
            limit = min(limit * 4, _MOST_HITS)
        return None

    def _first_that_holds(self, hits: Sequence[int]) -> int | None:
        """The first of the contexts at breakpoints whose conditions hold, or at which the user
        does not want to wait any more."""
        for begin in range(0, len(hits), _FIRST_HITS):
            part = hits[begin : begin + _FIRST_HITS]
            # Decoding goes forward: a page is quickest in ascending order.
            ascending = sorted(part)
            page = self.service.registers(ascending)
            for context in part:
                view = page.row(ascending.index(context))
                conditions = self.breakpoints.get(_RIP.bits(view), [])
                if not conditions or any(condition(context, view) for condition in conditions):
                    return context
            if self.is_interrupted():
                return part[-1]
        return None

    def _next_watch(self, low: int, high: int, is_forward: bool) -> Stop | None:
        best: Stop | None = None
        for one in self.watchpoints:
            found = (
                self._next_change(one, is_forward)
                if one.changes
                else self._next_access(one, low, high, is_forward)
            )
            if found is None:
                continue
            transition, address = found
            context = transition + 1 if is_forward else transition
            if not (low < context <= high if is_forward else low <= context < high):
                continue
            if best is None or (context < best.context) == is_forward:
                thread = self.trace.transition(transition).thread
                best = Stop(context, one.kind, thread, address=address, watchpoint=one)
        return best

    def _next_access(
        self, one: Watchpoint, low: int, high: int, is_forward: bool
    ) -> tuple[int, int] | None:
        page = self.service.accesses(
            low,
            min(high, self.count),
            one.address,
            one.size,
            reads=one.kind != "write",
            writes=one.kind != "read",
            forward=is_forward,
            limit=1,
        )
        if not page.transition:
            return None
        addresses = column(page.linear or page.address, "Q")
        return column(page.transition, "Q")[0], max(addresses[0], one.address)

    def _next_change(self, one: Watchpoint, is_forward: bool) -> tuple[int, int] | None:
        begin, found = self._changes.get((one, is_forward), (-1, -1))
        here = self.context
        is_still_next = begin >= 0 and (
            begin <= here and (found is None or here < found)
            if is_forward
            else begin >= here and (found is None or here > found)
        )
        if not is_still_next:
            found = self.service.find_memory_change(here, one.address, one.size, is_forward)
            self._changes[one, is_forward] = (here, found)
        if found is None:
            return None
        return found - 1 if is_forward else found, one.address

    def _next_signal(self, low: int, high: int, is_forward: bool) -> Stop | None:
        if is_forward:
            start, stop = low + (self._told == low), min(high + 1, self.count)
        else:
            start, stop = low, min(high, self.count)
        for number in _signals(self.service, start, stop, is_forward):
            if found := self._signal_stop(number):
                return found
        return None


def _windows(context: int, limit: int, is_forward: bool) -> Iterator[tuple[int, int]]:
    """Cut the way from a context to the one before `limit` into (low, high) of growing size."""
    size = _FIRST_WINDOW
    if is_forward:
        low = context
        while low < limit - 1:
            high = min(low + size, limit - 1)
            yield low, high
            low, size = high, min(size * 8, _LARGEST_WINDOW)
    else:
        high = context
        while high > limit + 1:
            low = max(high - size, limit + 1)
            yield low, high
            high, size = low, min(size * 8, _LARGEST_WINDOW)


def _signals(service: TraceService, start: int, stop: int, is_forward: bool) -> Iterator[int]:
    """Numbers of the signals in [start, stop), in the direction."""
    while start < stop:
        if is_forward:
            found = service.event_parts("signal", start, stop - start, 1)
            number = found[0].first if found else None
        else:
            number = _last_signal(service, start, stop)
        if number is None:
            return
        yield number
        start, stop = (number + 1, stop) if is_forward else (start, number)


def _last_signal(service: TraceService, start: int, stop: int) -> int | None:
    for begin, width, parts in _divided(start, stop, is_forward=False):
        found = service.event_parts("signal", begin, width, parts)
        if found:
            last = found[-1]
            low = begin + last.part * width
            return last.first if last.count == 1 else _last_signal(service, low, low + width)
    return None


def _divided(start: int, stop: int, is_forward: bool) -> list[tuple[int, int, int]]:
    """[start, stop) as (begin, width, number) of equal parts: those, and what is left over."""
    width = max((stop - start) // _PARTS, 1)
    parts = (stop - start) // width
    edge = start + parts * width
    divided = [(start, width, parts)] if parts else []
    divided += [(edge, stop - edge, 1)] if edge < stop else []
    return divided if is_forward else divided[::-1]
