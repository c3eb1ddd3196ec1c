# SPDX-License-Identifier: Apache-2.0
"""All measurements, and the tables that show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import indexing, limits, queries
from benchmarks.calls import calls_table
from benchmarks.measure import in_fresh_process, percentile
from benchmarks.peers import PEERS
from benchmarks.programs import Sizes, compressor, make_programs
from benchmarks.recording import ProgramResult, measure_program, record
from benchmarks.remote import remote_table
from benchmarks.search import search_table
from benchmarks.sessions import sessions_table
from benchmarks.table import Table, count, duration, mebibytes, verdict
from benchmarks.taint import taint_table

Note = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How much to measure."""

    sizes: Sizes = field(default_factory=Sizes)
    smaller_traces: tuple[int, ...] = (4_000, 240_000)
    """Bytes for gzip that give traces of about 10^6 and 10^8 transitions; the program of the
    same name is the third."""
    programs: tuple[str, ...] = ("gzip", "sqlite", "python", "cc1", "threads")
    """The first one's trace is the large one that is asked questions."""
    runs: int = 3
    peer_runs: int = 3
    peer_seconds: float = 2.5
    samples: int = 200
    """Of each query."""
    loop: int = 200_000
    """Items of each loop."""
    listeners: tuple[int, ...] = (1, 10, 100, 1000)
    """Of a session."""


@dataclass(frozen=True)
class SizedTrace:
    """A trace to ask questions of."""

    path: Path
    transitions: int

    @property
    def name(self) -> str:
        return f"{count(self.transitions)} transitions"


def measure(folder: Path, settings: Settings, note: Note) -> Iterator[Table]:
    """Measure everything, in a folder for programs, inputs and traces; gives each table as soon
    as it is complete.

    Raises RuntimeError if a program is missing or a measurement fails.
    """
    note("making the programs and the recorder")
    made = {program.name: program for program in make_programs(folder, settings.sizes)}
    programs = [made[name] for name in settings.programs]
    record(compressor(folder, 1), folder / "first.reven")  # compiles the recorder
    results = [
        measure_program(
            program,
            folder / f"{program.name}.reven",
            runs=settings.runs,
            peer_runs=settings.peer_runs,
            peer_seconds=settings.peer_seconds,
            note=note,
        )
        for program in programs
    ]
    yield recording_table(results)
    yield peers_table(results, settings.peer_seconds)
    indexed = _index_all(results, note)
    yield size_table(results, indexed)
    yield indexing_table(results, indexed)
    traces = _traces_by_size(folder, settings, results[0], note)
    yield opening_table(traces, 5, note)
    for trace in traces:
        yield queries_table(trace, settings.samples, note)
    yield calls_table(traces[-1].path, settings.samples, note)
    yield search_table(traces[-1].path, note)
    note("taint")
    yield taint_table(traces[-1].path)
    yield limits_table(traces[-1], note)
    yield rates_table(traces[-1], settings.loop, note)
    yield remote_table(traces[0].path, note)
    yield sessions_table(traces[0].path, note, settings.listeners)


def _index_all(results: Sequence[ProgramResult], note: Note) -> list[dict[int, dict[str, Any]]]:
    """By program, the results of index_once by number of threads."""
    found = []
    for number, result in enumerate(results):
        note(f"{result.program.name}: indexing")
        threads = (1, 2) if number == 0 else (2,)
        found.append({each: indexing.index(result.trace, each) for each in threads})
    return found


def _traces_by_size(
    folder: Path, settings: Settings, large: ProgramResult, note: Note
) -> list[SizedTrace]:
    traces = []
    for size in settings.smaller_traces:
        note(f"recording gzip -9 of {size:,} bytes")
        path = folder / f"gzip-{size}.reven"
        recorded = record(compressor(folder, size), path)
        indexing.index(path, 2)
        traces.append(SizedTrace(path, recorded["transitions"]))
    return [*traces, SizedTrace(large.trace, large.transitions)]


def recording_table(results: Sequence[ProgramResult]) -> Table:
    table = Table(
        "Recording to disk",
        ("program", "wall", "× native", "transitions/s", "writer + recorder", "cpu", "budget"),
        notes=[
            f"Medians of {len(results[0].native)} rounds of native, Valgrind and REVEN. "
            "REVEN's wall time is from the start of the program until the trace is "
            "complete on disk. Memory is the peak of each process, the buffers that they share "
            "counted twice; cpu is processor seconds of writer + recorder.",
            "\n".join(f"- {r.program.name}: {r.program.description}." for r in results),
        ],
    )
    for index, result in enumerate(results):
        native = result.native_seconds
        none = median(run.seconds for run in result.none)
        wall = result.of_recordings("seconds")
        writer, recorder = result.of_recordings("writer_rss"), result.of_recordings("recorder_rss")
        budget = ""
        if index == 0:
            memory = (writer + recorder) / (1 << 20)
            budget = f"{verdict(wall / native, 15, '×')}; {verdict(memory, 300, ' MiB')}"
        table.rows += [
            (f"{result.program.name}, native", duration(native), "1", "", "", "", ""),
            (
                f"{result.program.name}, valgrind --tool=none",
                duration(none),
                f"{none / native:.1f}",
                count(result.transitions / none),
                mebibytes(median(run.peak_rss for run in result.none)),
                "",
                "",
            ),
            (
                f"{result.program.name}, reven record",
                duration(wall),
                f"{wall / native:.1f}",
                count(result.transitions / wall),
                f"{mebibytes(writer)} + {mebibytes(recorder)}",
                f"{result.of_recordings('writer_cpu'):.2f} + "
                f"{result.of_recordings('recorder_cpu'):.2f}",
                budget,
            ),
        ]
    return table


def peers_table(results: Sequence[ProgramResult], seconds: float) -> Table:
    table = Table(
        "Time per instruction, beside tools that report each one",
        ("program", "native", "reven record", *(peer.name for peer in PEERS)),
        notes=[
            "The same programs and inputs; in brackets the ratio to native. REVEN and native run "
            f"to the end; the others, which would take hours, for {seconds:g} s from the "
            "program's start (PyQBDI: from `main`, the first thread alone), divided by the "
            "instructions that they got through. lackey prints to a pipe that is drained; "
            "PyQBDI's callback keeps address and accesses in a list; gdb runs with the C library "
            "told to do without AVX, which it cannot record.",
        ],
    )
    for result in results:
        native = result.native_nanoseconds
        own = result.of_recordings("seconds") / result.transitions * 1e9
        cells = []
        for peer in PEERS:
            if peer.name in result.cannot:
                cells.append(result.cannot[peer.name])
                continue
            each = median(r.seconds / r.instructions for r in result.peers[peer.name]) * 1e9
            cells.append(_per_instruction(each, native))
        table.rows.append(
            (result.program.name, f"{native:.3f} ns", _per_instruction(own, native), *cells)
        )
    return table


def size_table(
    results: Sequence[ProgramResult], indexed: Sequence[dict[int, dict[str, Any]]]
) -> Table:
    table = Table(
        "Size on disk",
        ("program", "transitions", "trace", "B/transition", "with index", "budget"),
        notes=["Without and with all indexes; copies of the mapped binaries are not counted."],
    )
    for result, runs in zip(results, indexed, strict=True):
        table.rows.append(
            _size_row(
                result.program.name, result.transitions, runs[2]["bytes_before"], runs[2]["bytes"]
            )
        )
    total = sum(result.transitions for result in results)
    before = sum(runs[2]["bytes_before"] for runs in indexed)
    after = sum(runs[2]["bytes"] for runs in indexed)
    *cells, _ = _size_row("all", total, before, after)
    table.rows.append((*cells, verdict(after / total, 0.5)))
    return table


def _size_row(name: str, transitions: int, before: int, after: int) -> tuple[str, ...]:
    each = f"{before / transitions:.3f}", f"{after / transitions:.3f}"
    return name, count(transitions), mebibytes(before), *each, ""


def indexing_table(
    results: Sequence[ProgramResult], indexed: Sequence[dict[int, dict[str, Any]]]
) -> Table:
    table = Table(
        "Indexing",
        ("program", "1 thread", "2 threads", "per core", "peak memory", "budget"),
        notes=[
            "Transitions per second of wall time; per core: per processor second, with 2 threads."
        ],
    )
    for result, runs in zip(results, indexed, strict=True):
        rates = {threads: run["transitions"] / run["seconds"] for threads, run in runs.items()}
        per_core = runs[2]["transitions"] / runs[2]["cpu_seconds"]
        table.rows.append(
            (
                result.program.name,
                count(rates[1]) if 1 in rates else "",
                count(rates[2]),
                count(per_core),
                mebibytes(runs[2]["rss"]),
                verdict(per_core / 1e6, 20, " M/s", at_least=True),
            )
        )
    return table


def opening_table(traces: Sequence[SizedTrace], repetitions: int, note: Note) -> Table:
    table = Table(
        "Opening a trace",
        ("trace", "import reven2", "open", "first registers", "peak memory", "budget"),
        notes=[
            f"Medians of {repetitions} fresh processes, the files in the page cache. In brackets "
            "the memory of the process with only `reven2` imported."
        ],
    )
    for trace in traces:
        note(f"opening {trace.name}")
        runs = queries.opening(trace.path, repetitions)
        middle = {key: median(run[key] for run in runs) for key in runs[0]}
        table.rows.append(
            (
                trace.name,
                duration(middle["import_seconds"]),
                duration(middle["open_seconds"]),
                duration(middle["first_seconds"]),
                f"{mebibytes(middle['rss'])} ({mebibytes(middle['import_rss'])})",
                f"{verdict(middle['open_seconds'], 0.5, ' s')}; "
                f"{verdict(middle['rss'] / (1 << 20), 200, ' MiB')}",
            )
        )
    return table


def queries_table(trace: SizedTrace, samples: int, note: Note) -> Table:
    note(f"queries on {trace.name}")
    found = queries.latencies(trace.path, samples)
    table = Table(
        f"Queries on {trace.name}",
        ("query", "samples", "p50", "p95", "p99", "budget of p95"),
        notes=[
            "In process. Cold: a fresh process's first touch of a segment. Warm: a segment "
            "touched before. Memory: a page of 4 KiB. Searches are at random moments in one "
            "process: previous write to an address about to be used, or to one that the "
            "program's start wrote (rare); next run of an instruction that runs at a random "
            "moment, or of one that the program's start runs (rare: most never run again)."
        ],
    )
    for layer, by_query in found.items():
        for name, seconds in by_query.items():
            budget = 5.0 if name.endswith("cold") else 0.3 if name.endswith("warm") else 20.0
            p50, p95, p99 = (percentile(seconds, percent) for percent in (50, 95, 99))
            table.rows.append(
                (
                    f"{layer}: {name}",
                    str(len(seconds)),
                    duration(p50),
                    duration(p95),
                    duration(p99),
                    verdict(p95 * 1e3, budget, " ms"),
                )
            )
    return table


def limits_table(trace: SizedTrace, note: Note) -> Table:
    note("limits of the machine")
    segments = in_fresh_process("queries:segment_count", trace=str(trace.path))
    each = limits.segment_decompression_seconds(trace.path, segments)
    return Table(
        "Limits of this machine",
        ("what", "measured"),
        rows=[
            (f"zstd alone, on a mean segment of {trace.name}", duration(each)),
            ("transitions in that segment", count(trace.transitions / segments)),
            ("memcpy beyond the caches", f"{limits.memory_copy_rate() / 1e9:.1f} GB/s"),
            ("round trip of a byte on loopback", duration(limits.loopback_round_trip())),
        ],
    )


def rates_table(trace: SizedTrace, loop: int, note: Note) -> Table:
    note("loops")
    found = in_fresh_process("queries:rates", trace=str(trace.path), count=loop)
    return Table(
        "Loops",
        ("loop", "items/s"),
        rows=[(name, count(rate)) for name, rate in found.items()],
        notes=[f"Over {count(loop)} transitions (columns: 20 times as many) of {trace.name}."],
    )


def _per_instruction(nanoseconds: float, native: float) -> str:
    shown = f"{nanoseconds:.2f} ns" if nanoseconds < 1000 else f"{nanoseconds / 1000:.2f} µs"
    return f"{shown} ({count(nanoseconds / native)}×)"
