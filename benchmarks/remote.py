# SPDX-License-Identifier: Apache-2.0
"""The Python client over HTTP on loopback, beside the same queries in this process."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import reven2
from benchmarks.measure import percentile
from benchmarks.table import Table, count, duration, verdict
from reven2.arch import x64

SAMPLES = 200
ITERATED = 400_000
NEIGHBOURS = 40_000
TRANSITIONS_BUDGET = 200  # thousands per second
READS_BUDGET = 20  # thousands per second
COLD_BUDGET_MILLISECONDS = 2.0


def remote_table(trace: Path, note: Callable[[str], None]) -> Table:
    """Measure and tabulate. `trace`: one of some 10^6 transitions or more."""
    table = Table(
        "The Python client, in process and over HTTP",
        ("what", "in process", "over HTTP", "budget over HTTP"),
        notes=["One client, a server process on the same machine, loopback."],
    )
    note("queries over HTTP")
    with reven2.open(trace) as local, _served(trace) as remote:
        rates = [_transitions(server.trace) for server in (local, remote)]
        budget = verdict(rates[1] / 1e3, TRANSITIONS_BUDGET, " k/s", at_least=True)
        cells = (f"{count(rate)}/s" for rate in rates)
        table.rows.append(("transitions iterated with their text", *cells, budget))
        rates = [_neighbours(server.trace) for server in (local, remote)]
        budget = verdict(rates[1] / 1e3, READS_BUDGET, " k/s", at_least=True)
        cells = (f"{count(rate)}/s" for rate in rates)
        table.rows.append(("register reads at neighbouring contexts", *cells, budget))
        cold = [_scattered(server.trace) for server in (local, remote)]
        median = percentile(cold[1], 50) * 1e3
        for which, budget in ((50, verdict(median, COLD_BUDGET_MILLISECONDS, " ms")), (95, "")):
            times = (duration(percentile(found, which)) for found in cold)
            table.rows.append((f"one cold scattered register read, p{which}", *times, budget))
    return table


@contextmanager
def _served(trace: Path) -> Iterator[reven2.RevenServer]:
    command = [str(Path(sys.executable).with_name("reven")), "serve", "--port", "0", str(trace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = next(line for line in process.stdout if line.startswith("at "))
        try:
            with reven2.RevenServer("localhost", int(url.rpartition(":")[2])) as server:
                yield server
        finally:
            process.terminate()


def _transitions(trace: reven2.trace.Trace) -> float:
    """Transitions per second."""
    part = trace.transitions(0, min(ITERATED, trace.transition_count))
    number = len(part)
    start = time.perf_counter()
    for transition in part:
        str(transition)
    return number / (time.perf_counter() - start)


def _neighbours(trace: reven2.trace.Trace) -> float:
    """Reads per second."""
    first = trace.transition_count // 3
    last = min(first + NEIGHBOURS, trace.transition_count)
    start = time.perf_counter()
    for number in range(first, last):
        trace.context_before(number).read(x64.rax)
    return (last - first) / (time.perf_counter() - start)


def _scattered(trace: reven2.trace.Trace) -> list[float]:
    """Seconds of each read."""
    chosen = random.Random(1)
    found = []
    for _ in range(SAMPLES):
        context = trace.context_before(chosen.randrange(trace.transition_count))
        start = time.perf_counter()
        context.read(x64.rax)
        found.append(time.perf_counter() - start)
    return found
