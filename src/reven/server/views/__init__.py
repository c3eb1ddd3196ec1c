# SPDX-License-Identifier: Apache-2.0
"""What the browser client shows: one request for each view, answered from a trace's queries.

A view is a function of a `TraceService` and a request. Its answer is what is painted, so
that the browser neither decodes columns nor asks twice. Addresses and values are strings,
`0x…`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from reven.server.views.view import View

__all__ = ["VIEWS", "View"]


def _views() -> dict[str, View]:
    areas = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    return {view.name: view for area in areas for view in getattr(area, "VIEWS", ())}


VIEWS: Mapping[str, View] = _views()
"""Every view by name: those that the modules here have in their `VIEWS`."""
