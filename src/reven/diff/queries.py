# SPDX-License-Identifier: Apache-2.0
"""`DiffService`: how two executions differ."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from reven.diff.alignment import Alignment, Divergence
from reven.diff.causes import Cause, Causes
from reven.diff.labels import label_own_code
from reven.diff.moments import compare_moments
from reven.diff.outcomes import outcomes
from reven.diff.pair import Pair
from reven.diff.sides import Side
from reven.explain.evidence import Service
from reven.explain.queries import ExplainQueries
from reven.trace.own_code import short_name
from reven2._service.diff import DiffData, DifferenceData, DivergenceData, MomentsData, ReasonKind
from reven2.errors import InvalidArgumentError, OutOfRangeError

__all__ = ["DiffQueries"]

_MOST_OUTCOMES = 8
_MOST_SHOWN = 200
_SAYS_LITTLE: frozenset[ReasonKind] = frozenset(
    {"random", "time", "environment", "address", "unknown", "process", "system call"}
)


class DiffQueries(ExplainQueries):
    """See `reven2._service.diff`."""

    find_other: Callable[[str], object] | None = None
    """Gives the trace with a name that is served beside this one; set by whoever serves it."""

    def beside(self, other: object) -> str:
        """The name by which `diff` of this trace knows another one that is open here.

        Raises InvalidArgumentError for what is not open in this process.
        """
        if other is self:
            return ""
        if not isinstance(other, DiffQueries):
            raise InvalidArgumentError(
                "Both traces must be opened the same way: two that are open here, or two "
                "scenarios of one server."
            )
        known = self._kept_others()
        name = f"#{id(other)}"
        known[name] = other
        return name

    def diff(
        self,
        *,
        other: str,
        window: tuple[int, int] | None,
        other_window: tuple[int, int] | None,
        own: list[str],
        not_own: list[str],
    ) -> DiffData:
        second = self._other(other)
        for one in (self, second):
            one._need_instructions("it cannot be compared with another")
        if second is self and window is None and other_window is None:
            raise InvalidArgumentError(
                "A trace is the same as itself: name another one, or two windows of it."
            )
        pair = Pair(
            _side(self, window, own, not_own, "the first"),
            _side(second, other_window, own, not_own, "the second"),
        )
        return _compare(pair)

    def diff_moments(
        self, *, other: str, context: int, other_context: int, limit: int
    ) -> MomentsData:
        second = self._other(other)
        for one, at in ((self, context), (second, other_context)):
            one._need_instructions("its moments cannot be compared")
            if not 0 <= at <= one.transition_count():
                raise OutOfRangeError(
                    f"There is no context {at}, only 0 to {one.transition_count()}."
                )
        a, b = _side(self, None, [], [], "the first"), _side(second, None, [], [], "the second")
        if second is not self:
            label_own_code(a, b)
        return compare_moments(a, context, b, other_context, limit)

    def _kept_others(self) -> weakref.WeakValueDictionary[str, DiffQueries]:
        return self._kept("others", weakref.WeakValueDictionary)

    def _other(self, name: str) -> Service:
        if not name:
            return self
        found: object = self._kept_others().get(name)
        if found is None and self.find_other is not None:
            found = self.find_other(name)
        if not isinstance(found, Service):
            raise InvalidArgumentError(f"No trace {name[:100]!r} is open beside this one.")
        return found


def _side(
    service: Service, window: tuple[int, int] | None, own: list[str], not_own: list[str], name: str
) -> Side:
    count = service.transition_count()
    start, stop = window or (0, count)
    if not 0 <= start < stop <= count:
        raise OutOfRangeError(
            f"The window {start} to {stop} of {name} trace is empty, or reaches beyond its "
            f"{count} transitions."
        )
    return Side(service, service.own_code(own, not_own), start, stop, name)


def _compare(pair: Pair) -> DiffData:
    causes = Causes(pair)
    said: list[DifferenceData] = []
    best: tuple[Cause, DifferenceData | None] | None = None
    for number, outcome in enumerate(outcomes(pair, causes)):
        said.append(outcome.statement)
        if number >= _MOST_OUTCOMES or (best is not None and best[0].kind not in _SAYS_LITTLE):
            continue
        cause = outcome.find()
        if cause is not None and (best is None or cause.rank < best[0].rank):
            best = cause, outcome.statement
    alignments = pair.alignments()
    if best is None:
        best = _of_divergences(causes, alignments)
    return _data(pair, causes, said, best, alignments)


def _of_divergences(
    causes: Causes, alignments: list[Alignment]
) -> tuple[Cause, DifferenceData | None] | None:
    """Where nothing came out otherwise, or its cause is not known: the first decision that
    differs and says most."""
    found = [
        cause
        for alignment in alignments
        for split in alignment.divergences[:_MOST_OUTCOMES]
        if (cause := causes.of_divergence(split)) is not None
    ]
    best = min(found, key=lambda cause: cause.rank, default=None)
    return None if best is None else (best, None)


def _data(
    pair: Pair,
    causes: Causes,
    said: list[DifferenceData],
    best: tuple[Cause, DifferenceData | None] | None,
    alignments: list[Alignment],
) -> DiffData:
    steps: list[DifferenceData] = []
    if best is not None:
        steps = [*([best[1]] if best[1] is not None else []), *best[0].steps]
    decisions = [one for one in steps if one.role == "decision" and one.first is not None]
    decisive = min(decisions, key=lambda one: one.first or 0, default=None)
    divergences = [
        _divergence(pair, number, split)
        for number, alignment in enumerate(alignments)
        for split in alignment.divergences
    ]
    kind = None if best is None else best[0].kind
    return DiffData(
        kind=kind,
        headline=_headline(pair, said, steps, decisive, divergences),
        decisive=decisive,
        origin=steps[-1] if steps else None,
        steps=steps,
        outcomes=said,
        divergences=divergences[:_MOST_SHOWN],
        is_cut=len(divergences) > _MOST_SHOWN or any(one.is_cut for one in alignments),
        common=sum(one.common_count for one in alignments),
        compared=pair.compared,
        limits=_limits(pair, causes),
    )


def _headline(
    pair: Pair,
    said: list[DifferenceData],
    steps: list[DifferenceData],
    decisive: DifferenceData | None,
    divergences: list[DivergenceData],
) -> str:
    if not said and not divergences:
        return "nothing that matters differs: the same code ran, and the same came out"
    parts = [said[0].text if said else "the same came out"]
    if decisive is not None:
        parts.append(f"they part{_at(decisive)}: {decisive.text}")
    if steps and steps[-1].role in ("source", "order"):
        parts.append(steps[-1].text)
    return "; ".join(parts)


def _at(step: DifferenceData) -> str:
    place = step.first_place
    if place is None:
        return ""
    where = short_name(place.function)
    if place.line:
        where += f" ({place.file.rpartition('/')[2]}:{place.line})"
    return f" in {where}" if where else ""


def _divergence(pair: Pair, thread: int, split: Divergence) -> DivergenceData:
    at = split.branch_a
    return DivergenceData(
        thread,
        at,
        split.branch_b,
        split.next_a,
        split.next_b,
        split.rejoin_a,
        split.rejoin_b,
        None if at is None else pair.a.place_of(at),
    )


def _limits(pair: Pair, causes: Causes) -> list[str]:
    found = list(causes.limits)
    if causes.is_cut:
        found.append("The way back was long: it was followed only so far.")
    first, second = pair.thread_count
    if first != second:
        found.append(
            f"{first} threads ran in the first, {second} in the second: those that only one has "
            "were not compared."
        )
    for side in (pair.a, pair.b):
        if side.service._is_imported():
            continue
        found += [one for one in side.evidence.limits if one not in found]
    return found
