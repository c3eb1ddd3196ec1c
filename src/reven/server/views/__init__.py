# SPDX-License-Identifier: Apache-2.0
"""What the browser client shows: one request for each view, answered from a trace's queries.

A view is a function of a `TraceService` and a request. Its answer is what is painted, so
that the browser neither decodes columns nor asks twice. Addresses and values are strings,
`0x…`.
"""

from __future__ import annotations

from collections.abc import Mapping

from reven.server.views import (
    calls,
    memory,
    moves,
    registers,
    search,
    source,
    timeline,
    trace,
    variables,
)
from reven.server.views.view import View

__all__ = ["VIEWS", "View"]

VIEWS: Mapping[str, View] = {
    view.name: view
    for area in (trace, registers, memory, moves, timeline, calls, search, source, variables)
    for view in area.VIEWS
}
"""Every view by name. A new area: a module with `VIEWS`, added above."""
