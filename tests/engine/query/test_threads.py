# SPDX-License-Identifier: Apache-2.0
"""Many threads may ask one trace at once."""

from __future__ import annotations

import threading

from reven._engine import Trace
from tests.engine.conftest import Everything


def test_refreshing_does_not_wait_for_a_query_that_waits_for_python(
    varied: Everything,
) -> None:
    """Queries tell Python how far they are; a refresh waits for them to end."""
    trace = Trace(str(varied.path))
    ended = threading.Event()

    def ask() -> None:
        for context in range(0, trace.transition_count, 9973):
            trace.read_known_memory(context, varied.buffer, 64)
            trace.check(lambda done, total: True)
        ended.set()

    def refresh() -> None:
        while not ended.is_set():
            trace.refresh()

    threads = [threading.Thread(target=work, daemon=True) for work in (ask, refresh)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
