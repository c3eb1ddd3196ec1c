# SPDX-License-Identifier: Apache-2.0
"""Views: results that come while the taint runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reven2._service import column
from reven2.errors import InvalidArgumentError
from reven2.filter import ContextRange
from reven2.preview.taint._results import TaintAccess, TaintWarning, items_of
from reven2.preview.taint._sinks import Sink

if TYPE_CHECKING:
    from reven2.preview.taint._taint import Taint
    from reven2.trace import Context

__all__ = ["TaintAccessView", "TaintSinkView", "TaintWarningView"]

_PAGE = 1000
_SHORTEST_WAIT, _LONGEST_WAIT = 0.005, 0.2


def _number(context: Context | int | None) -> int | None:
    return context if context is None or isinstance(context, int) else context._id


class _View:
    def __init__(self, taint: Taint, first: int | None = None, last: int | None = None) -> None:
        """Transitions [first, last) only."""
        self._taint = taint
        self._first = taint._query.first if first is None else first
        self._last = taint._query.last if last is None else last

    def _range(
        self, from_context: ContextRange | Context | int | None, to_context: Context | int | None
    ) -> tuple[int, int]:
        if isinstance(from_context, ContextRange):
            if to_context is not None:
                raise InvalidArgumentError("Give a range of contexts, or two contexts.")
            within = from_context
            from_context, to_context = within.begin, within.end
        first, last = _number(from_context), _number(to_context)
        return (
            self._first if first is None else max(first, self._first),
            self._last if last is None else min(last, self._last),
        )


class TaintAccessView(_View):
    """The accesses of a taint, in its direction."""

    def __init__(
        self,
        taint: Taint,
        changes_only: bool,
        first: int | None = None,
        last: int | None = None,
    ) -> None:
        super().__init__(taint, first, last)
        self._changes_only = changes_only

    def all(self) -> Iterator[TaintAccess]:
        """Every access; waits until each is known."""
        return self._accesses(wait=True)

    def available(self) -> Iterator[TaintAccess]:
        """The accesses known so far; never waits for the taint."""
        return self._accesses(wait=False)

    def filter_by_context_range(
        self,
        from_context: ContextRange | Context | int | None = None,
        to_context: Context | int | None = None,
    ) -> TaintAccessView:
        """Only accesses between two contexts.

        Parameters:
            from_context: the earlier one, or a `reven2.filter.ContextRange`; default: where
                the view starts.
            to_context: the later one; default: where the view ends.
        """
        first, last = self._range(from_context, to_context)
        return TaintAccessView(self._taint, self._changes_only, first, last)

    def _accesses(self, wait: bool) -> Iterator[TaintAccess]:
        taint, forward = self._taint, self._taint._is_forward
        if self._first >= self._last:
            return
        start = self._first if forward else self._last - 1
        pause = _SHORTEST_WAIT
        has_ended = False
        while self._first <= start < self._last:
            page = taint._service.taint_accesses(
                taint._query, start, changes_only=self._changes_only, limit=_PAGE
            )
            items = iter(items_of(page.items))
            transitions = column(page.transition, "Q")
            for number, count in zip(transitions, column(page.item_count, "I"), strict=True):
                found = [next(items) for _ in range(count)]
                if not self._first <= number < self._last:
                    return
                yield TaintAccess(taint, number, found)
            if page.next is not None:
                start = page.next
                continue
            if page.finished:
                return
            if forward:
                start = max(start, page.reached, *(number + 1 for number in transitions[-1:]))
            else:
                start = min(start, page.reached - 1, *(number - 1 for number in transitions[-1:]))
            if not wait or has_ended:
                return
            # What it found last comes with one more page.
            has_ended = taint._has_stopped()
            if not has_ended:
                pause = _SHORTEST_WAIT if transitions else min(pause * 2, _LONGEST_WAIT)
                time.sleep(pause)

    def __iter__(self) -> Iterator[TaintAccess]:
        return self.all()


class TaintWarningView(_View):
    """The warnings of a taint, in its direction."""

    def all(self) -> Iterator[TaintWarning]:
        """Every warning; waits until each is known."""
        return self._warnings(wait=True)

    def available(self) -> Iterator[TaintWarning]:
        """The warnings known so far; never waits for the taint."""
        return self._warnings(wait=False)

    def filter_by_context_range(
        self,
        from_context: ContextRange | Context | int | None = None,
        to_context: Context | int | None = None,
    ) -> TaintWarningView:
        """Only warnings between two contexts; parameters as for accesses."""
        return TaintWarningView(self._taint, *self._range(from_context, to_context))

    def _warnings(self, wait: bool) -> Iterator[TaintWarning]:
        taint, start, pause = self._taint, 0, _SHORTEST_WAIT
        while True:
            has_ended = taint._has_stopped()
            found = taint._service.taint_warnings(taint._query, start, limit=_PAGE)
            for warning in found:
                if self._first <= warning.transition < self._last:
                    transition = taint._trace.transition(warning.transition)
                    yield TaintWarning(transition, warning.text)
            start += len(found)
            if not found:
                if has_ended or not wait:
                    return
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_WAIT)

    def __iter__(self) -> Iterator[TaintWarning]:
        return self.all()


class TaintSinkView(_View):
    """The sinks of a taint, in the order of their first transitions."""

    def all(self) -> Iterator[Sink]:
        """Every sink; waits for the end of the taint, since what an instruction decides may
        happen again until then."""
        pause = _SHORTEST_WAIT
        while not self._taint._has_stopped():
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT)
        return self.available()

    def available(self) -> Iterator[Sink]:
        """The sinks known so far; never waits for the taint."""
        taint, start = self._taint, 0
        while True:
            page = taint._service.taint_sinks(taint._query, start, limit=_PAGE)
            for one in page.sinks:
                yield Sink(taint._trace, one)
            if page.next is None:
                return
            start = page.next

    @property
    def left_out(self) -> int:
        """How many there are besides those that are kept, so far."""
        return self._taint._service.taint_sinks(self._taint._query, 0, limit=1).left_out

    def __iter__(self) -> Iterator[Sink]:
        return self.all()
