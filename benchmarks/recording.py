# SPDX-License-Identifier: Apache-2.0
"""What it costs to record a program."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Run, in_fresh_process, peak_rss, run
from benchmarks.peers import PEERS, CannotRun, Rate, valgrind_none
from benchmarks.programs import Program


@dataclass
class ProgramResult:
    """Everything measured of one program."""

    program: Program
    trace: Path  # of the last recording
    native: list[Run] = field(default_factory=list)
    none: list[Run] = field(default_factory=list)
    recordings: list[dict[str, Any]] = field(default_factory=list)  # of record_once
    peers: dict[str, list[Rate]] = field(default_factory=dict)
    cannot: dict[str, str] = field(default_factory=dict)  # why a peer gave nothing

    @property
    def transitions(self) -> int:
        count: int = self.recordings[-1]["transitions"]
        return count

    @property
    def native_seconds(self) -> float:
        return median(one.seconds for one in self.native)

    @property
    def native_nanoseconds(self) -> float:
        """Per instruction."""
        return self.native_seconds / self.transitions * 1e9

    def of_recordings(self, key: str) -> float:
        """Median of a figure of record_once."""
        return float(median(one[key] for one in self.recordings))


def measure_program(
    program: Program,
    trace: Path,
    *,
    runs: int,
    peer_runs: int,
    peer_seconds: float,
    note: Callable[[str], None],
) -> ProgramResult:
    """Run a program natively, under Valgrind alone, recorded, and under each peer in turn."""
    result = ProgramResult(program, trace)
    for number in range(runs):
        note(f"{program.name}: recording, run {number + 1} of {runs}")
        result.native.append(run(program.command))
        result.none.append(valgrind_none(program.command))
        result.recordings.append(record(program, trace))
    for peer in PEERS:
        note(f"{program.name}: {peer.name}")
        try:
            result.peers[peer.name] = [
                peer.measure(program.command, peer_seconds) for _ in range(peer_runs)
            ]
        except CannotRun as error:
            result.cannot[peer.name] = str(error)
    return result


def record(program: Program, trace: Path) -> dict[str, Any]:
    """Record a program in a fresh process; see record_once."""
    result: dict[str, Any] = in_fresh_process(
        "recording:record_once", command=list(program.command), trace=str(trace)
    )
    return result


def record_once(command: list[str], trace: str) -> dict[str, Any]:
    """Record a program with this process as the writer.

    Returns transitions; bytes on disk; wall seconds, from the start of the program until all
    is written; processor seconds and peak memory in bytes of the writer (this process) and of
    the recorder (the recorded program with Valgrind in it).

    Raises RuntimeError if not everything was recorded.
    """
    import reven.record

    peak = 0

    def look(_progress: object) -> None:
        nonlocal peak
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            peak = max(peak, peak_rss(int(pid)))

    summary = reven.record.record(
        command,
        Path(trace),
        options=reven.record.RecordOptions(force=True),
        on_progress=look,
    )
    main = summary.main
    if not main.complete or summary.exit_status != 0:
        raise RuntimeError(f"{command[0]} was not recorded: {main.error or summary.exit_status}.")
    writer = resource.getrusage(resource.RUSAGE_SELF)
    recorder = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "transitions": main.transitions,
        "bytes": main.bytes_written,
        "seconds": summary.seconds,
        "writer_cpu": writer.ru_utime + writer.ru_stime,
        "recorder_cpu": recorder.ru_utime + recorder.ru_stime,
        "writer_rss": peak_rss(),
        "recorder_rss": peak,
    }
