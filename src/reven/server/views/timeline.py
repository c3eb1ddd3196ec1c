# SPDX-License-Identifier: Apache-2.0
"""The strip of the whole trace: threads, events and calls, in as many parts as are drawn.

The client asks for tiles whose borders do not move, so that it keeps what it has seen.
"""

from __future__ import annotations

import msgspec

from reven.places import function_name
from reven.server.views.view import view
from reven2._service import TraceService, column
from reven2._service.calls import CallKind
from reven2._service.overview import EventKind

__all__ = ["VIEWS"]

CALLS_LIMIT = 4000
DEEPEST = 400


class TimelineRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`parts` parts of `width` transitions each, from `start` on."""

    start: int
    width: int
    parts: int


class TimelineThread(msgspec.Struct, frozen=True):
    """`share` of its time that the thread ran in each part, 0 to 255."""

    id: int
    share: list[int]


class TimelineEvent(msgspec.Struct, frozen=True):
    """A part with events: how many, and the first of them."""

    part: int
    count: int
    first: int
    name: str


class TimelineEvents(msgspec.Struct, frozen=True):
    """Switches are there where several threads run."""

    threads: list[TimelineThread]
    syscalls: list[TimelineEvent]
    signals: list[TimelineEvent]
    switches: list[TimelineEvent]


def timeline_events(service: TraceService, request: TimelineRequest) -> TimelineEvents:
    """Threads, system calls, signals and switches of a piece of the trace."""
    where = (request.start, request.width, request.parts)

    def events(kind: EventKind) -> list[TimelineEvent]:
        return [
            TimelineEvent(one.part, one.count, one.first, one.name)
            for one in service.event_parts(kind, *where)
        ]

    threads = [
        TimelineThread(
            one.thread,
            [-(-255 * ran // request.width) for ran in column(one.transitions, "Q")],
        )
        for one in service.thread_activity(*where)
    ]
    return TimelineEvents(
        threads,
        events("syscall"),
        events("signal"),
        events("switch") if len(service.threads()) > 1 else [],
    )


class TimelineCallsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that overlap the transitions [start, stop), last at least `shortest` transitions
    and have a depth of `shallowest` to `deepest`."""

    start: int
    stop: int
    shortest: int
    shallowest: int = 0
    deepest: int = DEEPEST


class TimelineCall(msgspec.Struct, frozen=True):
    """A call lasts for the transitions [start, stop)."""

    id: int
    thread: int
    depth: int
    kind: CallKind
    start: int
    stop: int
    name: str


class TimelineCalls(msgspec.Struct, frozen=True):
    """`complete`: there are no more calls than these."""

    calls: list[TimelineCall]
    complete: bool


def timeline_calls(service: TraceService, request: TimelineCallsRequest) -> TimelineCalls:
    """Calls of a piece of the trace that are long enough to be seen."""
    total = service.transition_count()
    page = service.calls(
        request.start,
        min(request.stop, total),
        thread=None,
        shortest=request.shortest,
        deepest=min(request.deepest, DEEPEST),
        first=0,
        limit=CALLS_LIMIT,
    )
    return TimelineCalls(
        [
            TimelineCall(
                one.id,
                one.thread,
                one.depth,
                one.kind,
                one.first_context,
                total if one.end_transition is None else one.end_transition + 1,
                function_name(service, one.first_context, one.function),
            )
            for one in page.calls
            if one.depth >= request.shallowest
        ],
        page.next is None,
    )


VIEWS = [view(timeline_events, slow=True), view(timeline_calls, slow=True)]
