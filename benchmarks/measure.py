# SPDX-License-Identifier: Apache-2.0
"""Run things and measure them: wall time, processor time, memory; medians and percentiles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

_LOOK_INTERVAL = 0.05  # seconds

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """What one run of a command took."""

    seconds: float  # wall
    cpu_seconds: float  # user and system
    peak_rss: int  # bytes


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Run:
    """Run a command without input or output.

    Raises RuntimeError if its exit status is not 0.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    with _Watch(process.pid) as watch:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}.")
    return Run(seconds, usage.ru_utime + usage.ru_stime, watch.peak)


def in_fresh_process(function: str, **parameters: Any) -> Any:
    """Call a function of this package in a new Python process.

    Parameters:
        function: `module:function`, the module without `benchmarks.`.
        parameters: what it is called with; like its result, made of JSON's types.

    Raises RuntimeError, with what the process printed, if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="reven-fresh-") as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", "benchmarks.fresh", function, str(result)]
        done = subprocess.run(
            [*command, json.dumps(parameters)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{function} failed: {done.stderr.strip()}")
        return json.loads(result.read_text())


def peak_rss(pid: int | None = None) -> int:
    """Most memory a process (default: this one) has had resident since it began its program,
    in bytes; 0 if it is gone. What wait4 tells includes the memory of its parent."""
    return _status(pid, "VmHWM")


def rss() -> int:
    """Memory this process has resident, in bytes."""
    return _status(None, "VmRSS")


def _status(pid: int | None, key: str) -> int:
    try:
        text = Path(f"/proc/{pid or 'self'}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    return 0  # it has ended and was not waited for yet


class _Watch:
    """Looks at the memory of a running process."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.peak = max(self.peak, peak_rss(self._pid))
            if self._ended.wait(_LOOK_INTERVAL):
                return


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
