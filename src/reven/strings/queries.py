# SPDX-License-Identifier: Apache-2.0
"""`StringService`: the strings that the trace accesses."""

from __future__ import annotations

from threading import Lock

from reven import _engine
from reven.trace.opened import OpenedTrace, translated
from reven.trace.stopping import acquired, keep_going
from reven2._service.strings import StringPage

__all__ = ["StringQueries"]


class StringQueries(OpenedTrace):
    """See `reven2._service.strings`."""

    def strings(self, pattern: str, *, first: int, limit: int) -> StringPage:
        trace = self._trace()
        with translated():
            index, making = self._kept("strings", lambda: (_engine.Strings(trace), Lock()))
            # Who makes the index does it without rest: everybody else waits for that.
            with acquired(making):
                index.count(keep_going)
            found = index.find(pattern, first, limit, keep_going)
        return StringPage(
            id=found.id.tobytes(),
            address=found.address.tobytes(),
            size=found.size.tobytes(),
            is_utf16=found.is_utf16.tobytes(),
            first_access=found.first_access.tobytes(),
            last_access=found.last_access.tobytes(),
            text=found.text,
            next=int(found.id[-1]) + 1 if len(found) >= limit else None,
        )
