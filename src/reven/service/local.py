# SPDX-License-Identifier: Apache-2.0
"""`reven2._service.TraceService` on a trace directory, by the native engine."""

from __future__ import annotations

from reven.bookmarks.queries import BookmarkQueries
from reven.calls.queries import CallQueries
from reven.diff.queries import DiffQueries
from reven.end.queries import EndQueries
from reven.explain.queries import ExplainQueries
from reven.heap.detectors import HeapErrorQueries
from reven.overview.queries import OverviewQueries
from reven.resolving import PlaceQueries
from reven.search.queries import SearchQueries
from reven.service.healing import healing
from reven.slices.queries import SliceQueries
from reven.source.queries import TypeQueries
from reven.strings.queries import StringQueries
from reven.syscalls.queries import SyscallQueries
from reven.taint.queries import TaintQueries
from reven.trace.core import CoreQueries
from reven.unpacking.queries import UnpackingQueries

__all__ = ["LocalService"]


@healing
class LocalService(
    DiffQueries,
    ExplainQueries,
    PlaceQueries,
    SearchQueries,
    HeapErrorQueries,
    CallQueries,
    EndQueries,
    SliceQueries,
    TaintQueries,
    SyscallQueries,
    OverviewQueries,
    TypeQueries,
    StringQueries,
    BookmarkQueries,
    UnpackingQueries,
    CoreQueries,
):
    """Queries on one trace directory. Safe to call from several threads.

    Parameters:
        path: the trace directory.
        host: where files of this machine may be looked for; default: where its user allows.

    Raises:
        reven2.errors.TraceError (a RuntimeError): missing, damaged, or of another version.
    """
