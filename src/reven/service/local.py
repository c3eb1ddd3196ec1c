# SPDX-License-Identifier: Apache-2.0
"""`reven2._service.TraceService` on a trace directory, by the native engine."""

from __future__ import annotations

from reven.service.bookmarks import BookmarkQueries
from reven.service.calls import CallQueries
from reven.service.core import CoreQueries
from reven.service.heap_errors import HeapErrorQueries
from reven.service.overview import OverviewQueries
from reven.service.searching import SearchQueries
from reven.service.strings import StringQueries
from reven.service.taint import TaintQueries
from reven.service.types import TypeQueries

__all__ = ["LocalService"]


class LocalService(
    SearchQueries,
    HeapErrorQueries,
    TaintQueries,
    TypeQueries,
    CallQueries,
    StringQueries,
    BookmarkQueries,
    OverviewQueries,
    CoreQueries,
):
    """Queries on one trace directory. Safe to call from several threads.

    Parameters:
        path: the trace directory.

    Raises:
        reven2.errors.TraceError (a RuntimeError): missing, damaged, or of another version.
    """
