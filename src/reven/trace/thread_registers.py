# SPDX-License-Identifier: Apache-2.0
"""The registers of a thread that may not be the one that runs."""

from __future__ import annotations

from reven2._service import TraceService
from reven2.errors import OutOfRangeError

__all__ = ["registers_of_thread"]


def registers_of_thread(service: TraceService, thread: int, context: int) -> bytes:
    """The register view of a thread at its own last moment.

    Raises:
        OutOfRangeError: it has not run by then.
    """
    view = service.thread_registers(thread, context)
    if view is None:
        raise OutOfRangeError(f"Thread {thread} has not run yet.")
    return view
