# SPDX-License-Identifier: Apache-2.0
"""`OverviewService`: what is drawn of a whole trace, and its source files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from reven import _engine
from reven.ossi import Binary, signal_name, syscall_name
from reven.source.files import SourceFiles
from reven.source.queries import TypeQueries
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._service.overview import (
    EventKind,
    EventPart,
    SourceFileData,
    SourceLineData,
    SourceText,
    ThreadActivity,
)
from reven2.errors import InvalidArgumentError, OutOfRangeError

__all__ = ["OverviewQueries"]

_PARTS_LIMIT = 1 << 14

Numbers = npt.NDArray[np.uint64]
Points = tuple[Numbers, npt.NDArray[np.uint32]]


class OverviewQueries(TypeQueries):
    """See `reven2._service.overview`."""

    def thread_activity(self, start: int, width: int, parts: int) -> list[ThreadActivity]:
        edges = self._edges(start, width, parts)
        count = self.transition_count()
        contexts, threads = self._points("switch")
        ends = np.append(contexts[1:], np.uint64(count))
        first = np.searchsorted(contexts, edges[0], side="right") - 1
        last = np.searchsorted(contexts, edges[-1], side="left")
        inside = slice(max(int(first), 0), int(last))
        found = []
        for thread in np.unique(threads[inside]).tolist():
            mine = np.flatnonzero(threads[inside] == thread) + inside.start
            ran = np.diff(_time_before(edges, contexts[mine], ends[mine]))
            found.append(ThreadActivity(int(thread), ran.astype(np.uint64).tobytes()))
        return found

    def event_parts(self, kind: EventKind, start: int, width: int, parts: int) -> list[EventPart]:
        edges = self._edges(start, width, parts)
        positions, numbers = self._points(kind)
        places = np.searchsorted(positions, edges)
        counts = np.diff(places)
        name = _NAMES[kind]
        return [
            EventPart(
                int(part),
                int(counts[part]),
                int(positions[places[part]]),
                int(numbers[places[part]]),
                name(int(numbers[places[part]])) or "",
            )
            for part in np.flatnonzero(counts)
        ]

    def source_files(self) -> list[SourceFileData]:
        return self._sources().files()

    def source_lines(self, path: str) -> list[SourceLineData]:
        return self._sources().lines(path)

    def source_text(self, path: str) -> SourceText:
        return self._sources().text(path)

    def _sources(self) -> SourceFiles:
        return self._kept("source files", self._find_sources)

    def _find_sources(self) -> SourceFiles:
        trace = self._trace()
        with translated():
            addresses, counts = _engine.execution_counts(trace, keep_going)
            return SourceFiles(
                self._ossi().space,
                addresses,
                counts,
                self._path,
                self._manifest.sources,
                self._host_files(),
                self._copies_of,
            )

    def _copies_of(self, binary: Binary) -> Callable[[int], int]:
        """See `SourceFiles`."""
        debug = self._debug(self._kept("binary numbers", self._binary_numbers)[binary.path])

        def copy_at(rva: int) -> int:
            with self._reading(debug):
                if debug.source is None:
                    return 0
                address = rva + debug.image_vaddr
                place = debug.source.info.index.function_at(address)
                inside = [
                    (high - low, number)
                    for low, high, number in debug.source.scopes.copies_in(address)
                    if low <= address < high
                ]
                if inside:
                    return min(inside)[1]
                return 0 if place is None else place.offset

        return copy_at

    def _points(self, kind: str) -> Points:
        if kind not in _NAMES:
            raise InvalidArgumentError(f"{kind!r} is no kind of event: use one of {set(_NAMES)}.")
        return self._kept(f"{kind} points", lambda: self._find_points(kind))

    def _find_points(self, kind: str) -> Points:
        find = {
            "switch": _engine.thread_switches,
            "syscall": _engine.syscall_points,
            "signal": _engine.signal_points,
        }[kind]
        with translated():
            positions, numbers = find(self._trace(), keep_going)
        # In the order of the trace already, but for what the kernel does in between.
        order = np.argsort(positions, kind="stable")
        return positions[order], numbers[order]

    def _edges(self, start: int, width: int, parts: int) -> Numbers:
        """Where each part begins, and where the last ends."""
        count = self.transition_count()
        if not 0 <= start <= count:
            raise OutOfRangeError(f"The trace has no transition {start}, only {count}.")
        if not 1 <= parts <= _PARTS_LIMIT or width < 1:
            raise InvalidArgumentError(
                f"Ask for 1 to {_PARTS_LIMIT} parts of 1 transition or more."
            )
        return np.array([min(start + width * i, count) for i in range(parts + 1)], dtype=np.uint64)


def _time_before(edges: Numbers, starts: Numbers, ends: Numbers) -> Numbers:
    """How long the spans [start, end), ascending and disjoint, have lasted at each edge."""
    lasted = np.concatenate(([np.uint64(0)], np.cumsum(ends - starts, dtype=np.uint64)))
    span = np.searchsorted(starts, edges, side="right")
    before = lasted[np.maximum(span, 1) - 1]
    at = np.maximum(span, 1) - 1
    current = np.minimum(edges, ends[at]) - np.minimum(starts[at], edges)
    return np.where(span == 0, np.uint64(0), before + current).astype(np.uint64)


_NAMES: dict[str, Callable[[int], str | None]] = {
    "syscall": syscall_name,
    "signal": signal_name,
    "switch": lambda thread: f"thread {thread}",
}
