# SPDX-License-Identifier: Apache-2.0
"""The documented API's lower level as far as public scripts use it: `server._rvn`, and what
`reven_api` names. Thin names over `reven2`; new scripts need none of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reven2._arguments import integer
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2.trace import Context, Trace

__all__ = [
    "LowLevel",
    "criterion",
    "criterion_accuracy",
    "criterion_effect",
    "criterion_type",
    "execution_point",
    "search_range",
    "search_request",
    "search_results",
]

_INVALID = (1 << 64) - 1


class execution_point:  # noqa: N801 (the documented name; so are those below)
    """A transition by number. Without one it is not valid."""

    def __init__(self, sequence_identifier: int = _INVALID) -> None:
        self.sequence_identifier = integer(sequence_identifier, "An execution point")

    def valid(self) -> bool:
        """Whether it is a transition."""
        return 0 <= self.sequence_identifier < _INVALID

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, execution_point):
            return NotImplemented
        return self.sequence_identifier == other.sequence_identifier

    def __hash__(self) -> int:
        return hash(self.sequence_identifier)

    def __repr__(self) -> str:
        shown = self.sequence_identifier if self.valid() else "invalid"
        return f"execution_point({shown})"


class criterion_type(enum.Enum):  # noqa: N801
    """What a criterion is about."""

    binary = "binary"


class criterion_accuracy(enum.Enum):  # noqa: N801
    """How a criterion's pattern is compared: as the whole path."""

    exact = "exact"


class criterion_effect(enum.Enum):  # noqa: N801
    """Whether what fits is looked for, or what does not."""

    match = "match"
    invert_match = "invert_match"


@dataclass
class criterion:  # noqa: N801
    """What to look for: transitions in the binary of a path, or outside of it."""

    type: criterion_type = criterion_type.binary
    accuracy: criterion_accuracy = criterion_accuracy.exact
    effect: criterion_effect = criterion_effect.match
    case_sensitive: bool = True
    pattern: str = ""


@dataclass
class search_request:  # noqa: N801
    """What to look for, and how much of it: `max_results` at most. `max_sequences` and
    `need_all` change nothing here: a search always covers its whole range, and all criteria
    must hold."""

    max_sequences: int = 0
    max_results: int = 0
    forward: bool = True
    need_all: bool = True
    criteria: list[criterion] = field(default_factory=list)


class search_range:  # noqa: N801
    """Transitions [begin, end)."""

    def __init__(self, begin: int, end: int) -> None:
        self._begin, self._end = begin, max(begin, end)

    def begin(self) -> execution_point:
        """The first transition."""
        return execution_point(self._begin)

    def end(self) -> execution_point:
        """The one after the last."""
        return execution_point(self._end)

    def __repr__(self) -> str:
        return f"search_range({self._begin}, {self._end})"


@dataclass(frozen=True)
class search_match:  # noqa: N801
    """A transition that was found."""

    transition_id: int


@dataclass(frozen=True)
class search_results:  # noqa: N801
    """What was found, and the rest of the range, where more may be."""

    content: list[search_match]
    remaining_range: search_range


class LowLevel:
    """`server._rvn`: searches by number."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def run_search_next_register_use(
        self,
        start: execution_point,
        forward: bool = True,
        read: bool = True,
        write: bool = True,
        register_name: str = "",
        stop: execution_point | None = None,
    ) -> execution_point:
        """The next transition, not `start` itself, that changes a register.

        Parameters:
            start: where to begin.
            forward: the direction.
            read: must be False: reads of registers are not recorded by themselves.
            write: must be True.
            register_name: which register.
            stop: where to end; it is the answer if nothing comes before (default: the end of
                the trace, and the answer is not valid).

        Raises:
            InvalidArgumentError (a ValueError): reads are asked for, or no such register.
        """
        if read or not write:
            raise InvalidArgumentError(
                "Only writes of registers can be looked for: pass read=False and write=True."
            )
        register = Register.from_name(register_name)
        count = self._trace.transition_count
        number = start.sequence_identifier
        end = stop.sequence_identifier if stop is not None else count if forward else -1
        changed = None
        if 0 <= number < count:
            context = self._trace._context(number + 1 if forward else number)
            changed = context.find_register_change(register, is_forward=forward)
        if changed is not None:
            found = changed._id - 1 if forward else changed._id
            if found < end if forward else found > end:
                return execution_point(found)
        # What lies outside of the trace can be reached by no further search.
        return execution_point() if stop is None or not 0 < end < count else stop

    def run_search_sequences(self, where: search_range, request: search_request) -> search_results:
        """The transitions of a range that fit all criteria; at most `max_results` of them.

        Raises:
            InvalidArgumentError (a ValueError): no criteria.
        """
        if not request.criteria:
            raise InvalidArgumentError("A search takes criteria: add one to request.criteria.")
        start, stop = where._begin, where._end
        limit = request.max_results or stop - start
        content: list[search_match] = []
        while start < stop and len(content) < limit:
            found = self._nearest(request, start, stop)
            if found is None:
                start = stop
            else:
                content.append(search_match(found))
                start, stop = (found + 1, stop) if request.forward else (start, found)
        return search_results(content, search_range(start, stop))

    def _nearest(self, request: search_request, start: int, stop: int) -> int | None:
        """The first transition in [start, stop), or the last one, that fits all criteria."""
        position = start if request.forward else stop - 1
        step = 1 if request.forward else -1
        while start <= position < stop:
            follows = [self._next(one, position, start, stop, step) for one in request.criteria]
            if None in follows:
                return None
            numbers = [number for number in follows if number is not None]
            furthest = max(numbers) if step > 0 else min(numbers)
            if all(number == furthest for number in numbers):
                return furthest
            position = furthest
        return None

    def _next(
        self, wanted: criterion, position: int, start: int, stop: int, step: int
    ) -> int | None:
        """The first transition from a position on that fits one criterion."""
        ranges = self._code(wanted)
        if wanted.effect is criterion_effect.match:
            return self._first_in(ranges, position, start, stop, step)
        # Outside of a binary: all other code, below, between and above it.
        outside, low = [], 0
        for begin, end in sorted(ranges):
            if low < begin:
                outside.append((low, begin))
            low = max(low, end)
        outside.append((low, (1 << 64) - 1))
        return self._first_in(outside, position, start, stop, step)

    def _first_in(
        self, ranges: list[tuple[int, int]], position: int, start: int, stop: int, step: int
    ) -> int | None:
        from reven2._service import column

        low, high = (position, stop) if step > 0 else (start, position + 1)
        if not ranges:
            return None
        page = self._trace._service.find_pcs(ranges, low, high, forward=step > 0, limit=1)
        found = column(page.transition, "Q")
        return found[0] if found else None

    def _code(self, wanted: criterion) -> list[tuple[int, int]]:
        """Where the code of the binary of a path is loaded."""
        service = self._trace._service
        pattern = wanted.pattern

        def fits(path: str) -> bool:
            if wanted.case_sensitive:
                return path == pattern
            return path.casefold() == pattern.casefold()

        return [
            (part.start, part.stop)
            for binary in service.binaries()
            if fits(binary.path)
            for part in service.binary_ranges(binary.id)
        ]


def contexts_as_range(trace: Trace, start: Context | None, stop: Context | None) -> search_range:
    """The transitions that follow the contexts [start, stop)."""
    count = trace.transition_count
    begin = 0 if start is None else trace._moment(start, "context")
    end = count if stop is None else trace._moment(stop, "context")
    return search_range(begin, min(end, count))
