# SPDX-License-Identifier: Apache-2.0
"""What it costs to find strings, bytes, values and instructions in a whole trace, and to make
a table of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import in_fresh_process, peak_rss
from benchmarks.table import Table, count, duration, mebibytes, verdict

if TYPE_CHECKING:
    import reven2.trace

Note = Callable[[str], None]

_ABSENT = b"nothing has these bytes"
_RARE_VALUE = 0x7A3F91C4E2B85D06
_TABLE_TRANSITIONS = 60_000_000


def search_table(trace: Path, note: Note) -> Table:
    """Index the strings of an indexed trace anew, and search it from end to end."""
    note("strings")
    strings = in_fresh_process("search:index_strings", trace=str(trace))
    note("searches of a whole trace")
    searches = in_fresh_process("search:search_whole", trace=str(trace))
    transitions = strings["transitions"]
    rate = transitions / strings["cpu_seconds"] / 1e6
    table = Table(
        f"Searches of {count(transitions)} transitions",
        ("what", "found", "time", "transitions/s", "note"),
        notes=[
            "In process, over the whole trace. Strings: one pass, beside which a second thread "
            "decompresses; the rate is that of wall time, the budget per processor second. "
            "Bytes and value occur nowhere, so that nothing but the search is measured."
        ],
    )
    table.rows.append(
        (
            "index of strings",
            count(strings["strings"]),
            duration(strings["seconds"]),
            count(transitions / strings["seconds"]),
            f"{strings['bytes'] / transitions:.4f} B/transition, {mebibytes(strings['rss'])}, "
            + verdict(rate, 20, " M/s", at_least=True),
        )
    )
    for name, (found, seconds) in searches.items():
        of = count(found / seconds) + " rows/s" if "pandas" in name else ""
        table.rows.append((name, count(found), duration(seconds), count(transitions / seconds), of))
    return table


def index_strings(trace: str) -> dict[str, float]:
    """Delete the index of strings and make it: transitions, strings, wall and processor
    seconds, bytes on disk, and peak memory in bytes."""
    from reven import _engine

    file = Path(trace) / "strings.bin"
    file.unlink(missing_ok=True)
    engine = _engine.Trace(trace)
    start, cpu = time.perf_counter(), time.process_time()
    strings = _engine.Strings(engine).count()
    return {
        "transitions": engine.transition_count,
        "strings": strings,
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
        "bytes": file.stat().st_size,
        "rss": peak_rss(),
    }


def search_whole(trace: str) -> dict[str, tuple[int, float]]:
    """How many results each search has, and the seconds that finding them takes."""
    import reven2

    with reven2.open(trace) as server:
        whole, find = server.trace, server.trace.search
        whole.first_context.read(reven2.arch.x64.rax)
        searches: dict[str, Callable[[], int]] = {
            "a part of a string": lambda: whole.strings("usr").count(),
            "bytes in memory, ever": lambda: len(list(find.memory(_ABSENT).matches())),
            "bytes in memory at one context": lambda: len(
                list(whole.last_context.search_in_memory(_ABSENT, 0, 1 << 64))
            ),
            "a value in registers and accesses": lambda: find.value(_RARE_VALUE).count(),
            "an instruction's text": lambda: find.instruction("^cpuid").count(),
            "accesses into pandas": lambda: _accesses(whole),
        }
        found = {}
        for name, search in searches.items():
            start = time.perf_counter()
            results = search()
            found[name] = results, time.perf_counter() - start
    return found


def _accesses(trace: reven2.trace.Trace) -> int:
    """Rows of a table of the accesses of the first transitions."""
    stop = min(trace.transition_count, _TABLE_TRANSITIONS)
    return len(trace.memory_accesses(from_transition=0, to_transition=stop).to_pandas())
