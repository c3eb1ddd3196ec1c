# SPDX-License-Identifier: Apache-2.0
"""What it costs to index a trace."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.measure import in_fresh_process, peak_rss


def index(trace: Path, threads: int) -> dict[str, Any]:
    """Index a trace anew in a fresh process; see index_once."""
    result: dict[str, Any] = in_fresh_process(
        "indexing:index_once", trace=str(trace), threads=threads
    )
    return result


def index_once(trace: str, threads: int) -> dict[str, Any]:
    """Delete a trace's index and build it.

    Returns transitions, wall and processor seconds, bytes on disk before and after, and peak
    memory in bytes.
    """
    from reven import _engine

    (Path(trace) / "index.bin").unlink(missing_ok=True)
    engine = _engine.Trace(trace)
    before = engine.size_on_disk
    start, cpu = time.perf_counter(), time.process_time()
    engine.build_index(threads=threads)
    return {
        "transitions": engine.transition_count,
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
        "bytes_before": before,
        "bytes": engine.size_on_disk,
        "rss": peak_rss(),
    }
