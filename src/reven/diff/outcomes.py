# SPDX-License-Identifier: Apache-2.0
"""What came out otherwise, and the questions that lead from there to its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from reven.diff.causes import Cause, Causes
from reven.diff.pair import Pair
from reven.diff.sides import Moment, Side
from reven.syscalls.descriptors import Transfer
from reven2._service.diff import DifferenceData
from reven2._service.end import EndData

__all__ = ["Outcome", "outcomes"]

_MOST_BYTES = 1 << 22
_MOST_PLACES = 6


class Outcome(NamedTuple):
    """What came out otherwise, and what finds the cause."""

    statement: DifferenceData
    find: Callable[[], Cause | None]


def outcomes(pair: Pair, causes: Causes) -> Iterator[Outcome]:
    """All that came out otherwise: how the two end first, then what they wrote."""
    ends = pair.a.service.end(), pair.b.service.end()
    if pair.is_whole:
        yield from _of_ends(pair, causes, *ends)
    yield from _of_outputs(pair, causes)


def _of_ends(
    pair: Pair, causes: Causes, end_a: EndData | None, end_b: EndData | None
) -> Iterator[Outcome]:
    if _same_end(end_a, end_b):
        return
    text = "; ".join(
        f"{side.name} {_end_text(end)}" for side, end in ((pair.a, end_a), (pair.b, end_b))
    )
    last_a, last_b = pair.a.count - 1, pair.b.count - 1
    statement = causes.statement("outcome", text, last_a, last_b)
    if end_a is None or end_b is None:
        yield Outcome(statement, lambda: _of_last(pair, causes))
        return
    if end_a.reason == "exit" and end_b.reason == "exit":
        place = pair.a.evidence.register_place("edi")
        yield Outcome(
            statement,
            lambda: (
                causes.of_values(Moment(last_a, place), Moment(last_b, place))
                or _of_last(pair, causes)
            ),
        )
        return
    yield Outcome(
        statement, lambda: _of_fault(pair, causes, end_a, end_b) or _of_last(pair, causes)
    )


def _same_end(a: EndData | None, b: EndData | None) -> bool:
    if a is None or b is None:
        return a is b
    return (a.reason, a.status, a.signal) == (b.reason, b.status, b.signal)


def _end_text(end: EndData | None) -> str:
    if end is None:
        return "has no end that was recorded"
    if end.reason == "exit":
        return f"exits with status {end.status}"
    return end.sentence or f"ends by {end.reason}"


def _of_fault(pair: Pair, causes: Causes, end_a: EndData, end_b: EndData) -> Cause | None:
    """The fault of one side: why it reached the instruction, or with another address."""
    for is_a, side, end in ((False, pair.b, end_b), (True, pair.a, end_a)):
        if end.reason != "signal" or end.transition is None:
            continue
        fault = min(end.transition, side.count - 1)
        site = side.own_site(fault)
        if site is None:
            continue
        # The faulting instruction itself did not run, so that no label counts it.
        before = site if site < fault else site - 1
        split = pair.divergence_at(is_a, before)
        if split is None or split.rejoin_a is not None:
            reached = _counterpart_of_fault(pair, is_a, site, fault)
            if reached is not None:
                a, b = (site, reached) if is_a else (reached, site)
                reach = causes.of_addresses if site == fault else causes.of_arguments
                cause = reach(a, b)
                if cause is not None:
                    return cause
        if split is not None:
            cause = causes.of_divergence(split)
            if cause is not None:
                return cause
    return None


def _counterpart_of_fault(pair: Pair, is_a: bool, site: int, fault: int) -> int | None:
    if site < fault:
        return pair.counterpart(is_a, site)
    alignment = pair.alignment_of(is_a, site)
    last = alignment.divergences[-1] if alignment is not None and alignment.divergences else None
    if last is None:
        return None
    other = pair.b if is_a else pair.a
    following = last.next_b if is_a else last.next_a
    own = pair.a if is_a else pair.b
    if following is None or own.key(site) != other.key(following):
        return None
    return following


def _of_last(pair: Pair, causes: Causes) -> Cause | None:
    """The divergence after which the two never met again."""
    for alignment in pair.alignments():
        for split in reversed(alignment.divergences):
            if split.rejoin_a is None:
                return causes.of_divergence(split)
    return None


def _of_outputs(pair: Pair, causes: Causes) -> Iterator[Outcome]:
    streams_a, streams_b = _streams(pair.a), _streams(pair.b)
    for name, stream in (*streams_a.items(), *streams_b.items()):
        if stream.is_cut:
            causes.limit(f"What was written to {name} was compared for {_MOST_BYTES:,} bytes only.")
    for name in [*streams_a, *(name for name in streams_b if name not in streams_a)]:
        a, b = streams_a.get(name), streams_b.get(name)
        bytes_a = b"" if a is None else a.data
        bytes_b = b"" if b is None else b.data
        if bytes_a == bytes_b:
            continue
        for at in _differing(bytes_a, bytes_b):
            yield _of_output(pair, causes, name, at, a, b)


class _Stream:
    """All that was written to something; `where`: transition and address of a byte."""

    def __init__(self, side: Side, transfers: list[Transfer]) -> None:
        self._starts: list[tuple[int, Transfer]] = []
        data = bytearray()
        self.is_cut = False
        for one in transfers:
            if len(data) >= _MOST_BYTES:
                self.is_cut = True
                break
            self._starts.append((len(data), one))
            for address, size in one.parts:
                data += side.evidence.memory(one.transition, address, size) or bytes(size)
        self.data = bytes(data)

    def where(self, position: int) -> tuple[int, int]:
        start, transfer = next(entry for entry in reversed(self._starts) if entry[0] <= position)
        rest = position - start
        for address, size in transfer.parts:
            if rest < size:
                return transfer.transition, address + rest
            rest -= size
        raise AssertionError("a byte lies in a part")


def _streams(side: Side) -> dict[str, _Stream]:
    descriptors = side.service._descriptors()
    by_name: dict[str, list[Transfer]] = {}
    for one in descriptors.transfers:
        if one.is_write and side.start <= one.transition < side.stop and one.size:
            by_name.setdefault(descriptors.files[one.file].name, []).append(one)
    return {name: _Stream(side, transfers) for name, transfers in by_name.items()}


def _differing(a: bytes, b: bytes) -> Iterator[int]:
    """Positions that differ: the first, and the first of some lines that follow."""
    at = _first(a, b, 0)
    for _ in range(_MOST_PLACES):
        if at is None:
            return
        yield at
        line = a.find(b"\n", at)
        if line < 0:
            return
        at = _first(a, b, line + 1)


def _first(a: bytes, b: bytes, start: int) -> int | None:
    shorter = min(len(a), len(b))
    step = 1 << 16
    for low in range(start, shorter, step):
        high = min(low + step, shorter)
        if a[low:high] != b[low:high]:
            return next(at for at in range(low, high) if a[at] != b[at])
    return shorter if len(a) != len(b) and shorter >= start else None


def _of_output(
    pair: Pair, causes: Causes, name: str, at: int, a: _Stream | None, b: _Stream | None
) -> Outcome:
    where_a = None if a is None or at >= len(a.data) else a.where(at)
    where_b = None if b is None or at >= len(b.data) else b.where(at)
    shown = [
        f"{side.name} {'writes ' + _line(stream.data, at) if where and stream else 'nothing more'}"
        for side, stream, where in ((pair.a, a, where_a), (pair.b, b, where_b))
    ]
    statement = causes.statement(
        "outcome",
        f"byte {at} of {name}: {', '.join(shown)}",
        None if where_a is None else where_a[0],
        None if where_b is None else where_b[0],
    )

    def find() -> Cause | None:
        if where_a is not None and where_b is not None:
            return causes.of_values(
                Moment(where_a[0], (True, where_a[1], 1)),
                Moment(where_b[0], (True, where_b[1], 1)),
            )
        is_a = where_a is not None
        only = where_a or where_b
        assert only is not None
        return _of_extra(pair, causes, is_a, *only)

    return Outcome(statement, find)


def _of_extra(
    pair: Pair, causes: Causes, is_a: bool, transition: int, address: int
) -> Cause | None:
    """Why a byte was written that the other side did not write."""
    side = pair.a if is_a else pair.b
    hop = side.hop(Moment(transition, (True, address, 1)))
    for at in (hop.transition, transition):
        site = None if at is None else side.own_site(at)
        split = None if site is None else pair.divergence_at(is_a, site)
        if split is not None:
            return causes.of_divergence(split)
    site = None if hop.transition is None else side.own_site(hop.transition)
    other = None if site is None else pair.counterpart(is_a, site)
    if site is None or other is None:
        return _of_last(pair, causes)
    return causes.of_arguments(*((site, other) if is_a else (other, site)))


def _line(data: bytes, at: int) -> str:
    """The line that a byte stands in, as text."""
    start = data.rfind(b"\n", 0, at) + 1
    stop = data.find(b"\n", at)
    line = data[max(start, at - 40) : stop if stop >= 0 else len(data)][:80]
    return repr(line.decode("utf-8", "backslashreplace"))
