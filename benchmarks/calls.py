# SPDX-License-Identifier: Apache-2.0
"""The index of calls: what it costs, and how fast it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.measure import in_fresh_process, peak_rss, percentile
from benchmarks.table import Table, count, duration, mebibytes, verdict

BUILD_RATE = 20e6  # transitions per second and core
FRAMES_SECONDS = 5e-3
PIXELS = 1000  # width of a timeline


def calls_table(trace: Path, samples: int, note: Callable[[str], None]) -> Table:
    """Measure and tabulate. `samples`: of each query."""
    note("calls: building")
    built = in_fresh_process("calls:build_once", trace=str(trace), threads=1)
    note("calls: queries")
    found = in_fresh_process("calls:ask", trace=str(trace), samples=samples)
    rate = built["transitions"] / built["seconds"]
    table = Table(
        "Calls",
        ("what", "p50", "p95", "budget"),
        notes=[
            f"{count(built['transitions'])} transitions, {count(built['calls'])} calls: built at "
            f"{count(rate)} transitions/s and core "
            f"({verdict(rate / 1e6, BUILD_RATE / 1e6, ' M/s', at_least=True)}), "
            f"{built['bytes'] / max(built['calls'], 1):.1f} bytes per call, "
            f"{built['bytes'] / built['transitions']:.4f} per transition, "
            f"{mebibytes(built['rss'])} of memory."
        ],
    )
    for query, seconds in found.items():
        p95 = percentile(seconds, 95)
        budget = verdict(p95 * 1e3, FRAMES_SECONDS * 1e3, " ms") if query == "frames" else ""
        table.rows.append((query, duration(percentile(seconds, 50)), duration(p95), budget))
    return table


def build_once(trace: str, threads: int) -> dict[str, Any]:
    """Delete a trace's index of calls and build it, with the functions that its symbols give.

    `seconds` are of the processor.
    """
    from reven import _engine
    from reven.service.local import LocalService

    # Symbols are read before.
    service = LocalService(trace)
    functions, stubs = service.function_starts()
    file = Path(trace) / "calls.bin"
    file.unlink(missing_ok=True)
    calls = _engine.Calls(_engine.Trace(trace))
    start = time.process_time()
    calls.build(functions, stubs, threads=threads)
    return {
        "transitions": service.transition_count(),
        "seconds": time.process_time() - start,
        "calls": len(calls),
        "bytes": file.stat().st_size,
        "rss": peak_rss(),
    }


def ask(trace: str, samples: int) -> dict[str, list[float]]:
    """Seconds of each query at random places."""
    from reven.service.local import LocalService

    service = LocalService(trace)
    total = service.transition_count()
    service.call_at(0)
    choose = Random(7)
    places = [choose.randrange(total) for _ in range(samples)]

    def timed(question: Callable[[int], object]) -> list[float]:
        seconds = []
        for place in places:
            start = time.perf_counter()
            question(place)
            seconds.append(time.perf_counter() - start)
        return seconds

    width = max(total // 100, 1)
    return {
        "frames": timed(service.frames),
        "call at a context": timed(service.call_at),
        "step over": timed(lambda place: service.step(place, forward=True, over=True)),
        "step over, backward": timed(lambda place: service.step(place, forward=False, over=True)),
        "calls of a hundredth, as a timeline shows them": timed(
            lambda place: service.calls(
                place,
                min(place + width, total),
                thread=None,
                shortest=width // PIXELS,
                deepest=1 << 31,
                first=0,
                limit=10_000,
            )
        ),
    }
