# SPDX-License-Identifier: Apache-2.0
"""One taint."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reven2._service import TraceService
from reven2._service.taint import TaintQuery, TaintStatus
from reven2.errors import InvalidArgumentError, OutOfRangeError, RevenError
from reven2.preview.taint._results import Item, PropagationDirection, TaintState, items_of
from reven2.preview.taint._views import TaintAccessView, TaintSinkView, TaintWarningView

if TYPE_CHECKING:
    from reven2.trace import Context, Trace

__all__ = ["Taint"]

_RANGES = 1000
_SHORTEST_WAIT, _LONGEST_WAIT = 0.005, 0.2


class Taint:
    """A taint that runs in the background: in a thread of this process, or in the server.

    Not meant to be constructed directly: it is what `Tainter.simple_taint` gives.
    """

    def __init__(self, trace: Trace, query: TaintQuery) -> None:
        self._trace, self._query = trace, query
        self._service: TraceService = trace._service
        self._status()

    @property
    def from_context(self) -> Context:
        """The first context of its range."""
        return self._trace._context(self._query.first)

    @property
    def to_context(self) -> Context:
        """The last context of its range."""
        return self._trace._context(self._query.last)

    @property
    def direction(self) -> PropagationDirection:
        """Which way it goes."""
        forward = self._query.forward
        return PropagationDirection.Forward if forward else PropagationDirection.Backward

    def accesses(self, changes_only: bool = False) -> TaintAccessView:
        """The transitions that read or write tainted data, in the taint's direction. Those
        that are no instruction (signals, thread switches) are left out.

        Parameters:
            changes_only: only those that change what is tainted.
        """
        return TaintAccessView(self, changes_only)

    def changes(self) -> TaintAccessView:
        """The accesses that change what is tainted: `accesses(changes_only=True)`."""
        return self.accesses(changes_only=True)

    def state_at(self, context: Context | int) -> TaintState:
        """What is tainted at a moment; waits until the taint is there.

        Raises:
            OutOfRangeError (an IndexError): the context is outside of the taint's range, or it
                was cancelled before it got there.
        """
        number = self._trace._moment(context, "context")
        if not self._query.first <= number <= self._query.last:
            raise OutOfRangeError(
                f"The taint goes from context {self._query.first} to {self._query.last}: "
                f"it says nothing of {number}."
            )
        pause = _SHORTEST_WAIT
        while True:
            status = self._status()
            reached = status.reached >= number if self._is_forward else status.reached <= number
            if status.finished or reached:
                return TaintState(self, self._trace._context(number))
            if status.cancelled:
                raise OutOfRangeError(f"The taint was cancelled before it came to #{number}.")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT)

    def warnings(self) -> TaintWarningView:
        """What may make the taint wrong: places where the kernel wrote over tainted memory."""
        return TaintWarningView(self)

    def sinks(self) -> TaintSinkView:
        """What the data leads to: bytes that are written to files, pipes and sockets, arguments
        of programs and system calls, the exit status; and what it decides: branches, jumps,
        addresses. What an instruction decides is named once, with how often it did.

        Raises:
            InvalidArgumentError (a ValueError): the taint was not asked for them.
        """
        if not self._query.sinks:
            raise InvalidArgumentError("Ask for them when the taint starts: sinks=True.")
        return TaintSinkView(self)

    def progress(self) -> int:
        """How much of its range it has been through, in percent: 100 when it is done."""
        status = self._status()
        total = self._query.last - self._query.first
        if status.finished or total == 0:
            return 100
        start = self._query.first if self._is_forward else self._query.last
        return min(abs(status.reached - start) * 100 // total, 99)

    def cancel(self) -> None:
        """Stop it. What it found until then stays available."""
        self._service.cancel_taint(self._query)

    @property
    def _is_forward(self) -> bool:
        return self._query.forward

    def _status(self) -> TaintStatus:
        status = self._service.taint_status(self._query)
        if status.error:
            raise RevenError(f"The taint failed: {status.error}")
        return status

    def _has_stopped(self) -> bool:
        status = self._status()
        return status.finished or status.cancelled

    def _state_items(self, context: int, with_memory: bool) -> Iterator[Item]:
        address: int | None = 0
        while address is not None:
            page = self._service.taint_state(
                self._query, context, address, limit=_RANGES if with_memory else 1
            )
            yield from items_of(page.items)
            address = page.next if with_memory else None

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return (
            f"Taint Object (from_context={self.from_context}, to_context={self.to_context}, "
            f"direction={self.direction.name},\ngranularity=Instruction)"
        )
