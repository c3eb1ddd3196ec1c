# SPDX-License-Identifier: Apache-2.0
"""`kill -9`, at any moment, of what is recorded or of what records it: the trace opens, and
is right as far as it goes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reven import _engine
from reven.record import RecordSummary, record

CompileProgram = Callable[..., Path]

KILLED_CHILDREN = 200
KILLED_WRITERS = 8

# Forks the given number of children, one after the other. Each works for ever: it writes
# memory, calls the kernel, and takes signals. No C library, so that each starts fast.
ENDLESS = """
static long call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return number;
}
static long values[1 << 14];
static void work(void) {
  call(37, 300, 0, 0, 0); /* alarm: not quite for ever */
  for (long round = 1;; round++) {
    for (long i = 0; i < 1 << 14; i++) values[i] = values[(i * 31 + round) & 0x3fff] + i;
    call(96, (long)values, 0, 0, 0); /* gettimeofday */
  }
}
__attribute__((used)) static void start(long *stack) {
  long count = 0;
  for (char *digit = (char *)stack[2]; *digit; digit++) count = count * 10 + *digit - '0';
  if (count == 0) work();
  while (count-- > 0) {
    long child = call(57, 0, 0, 0, 0); /* fork */
    if (child == 0) work();
    call(61, child, 0, 0, 0); /* wait4 */
  }
  call(231, 0, 0, 0, 0);
}
__asm__(".globl _start\\n_start: mov %rsp, %rdi\\n and $-16, %rsp\\n call start");
"""
FLAGS = ("-nostdlib", "-static", "-fno-stack-protector")


@pytest.fixture(scope="module")
def endless(compile_program: CompileProgram) -> Path:
    return compile_program(ENDLESS, *FLAGS)


def manifest_of(trace: Path) -> dict[str, Any]:
    """Waits for it."""
    deadline = time.monotonic() + 30
    while True:
        with suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads((trace / "manifest.json").read_bytes())
            return found
        assert time.monotonic() < deadline, f"{trace} has no manifest"
        time.sleep(0.001)


def assert_right(trace: Path) -> int:
    """The number of transitions of a trace, after checking all of it."""
    checked = _engine.Trace(str(trace)).check()
    assert (checked.bad_loads, checked.bad_key_frames, checked.problems) == (0, 0, [])
    return checked.transitions


def test_killed_at_200_moments(tmp_path: Path, endless: Path) -> None:
    trace = tmp_path / "t.reven"
    summaries: list[RecordSummary] = []
    recording = threading.Thread(
        target=lambda: summaries.append(record([str(endless), str(KILLED_CHILDREN)], trace))
    )
    recording.start()
    choose = random.Random(1)
    for number in range(1, KILLED_CHILDREN + 1):
        child = manifest_of(tmp_path / f"t.{number}.reven")
        time.sleep(choose.uniform(0, 0.06))
        os.kill(child["pid"], signal.SIGKILL)
    recording.join()
    (summary,) = summaries
    assert (summary.exit_status, len(summary.processes)) == (0, KILLED_CHILDREN + 1)
    lengths = []
    for process in summary.processes[1:]:
        assert not process.complete
        lengths.append(assert_right(process.trace))
        assert lengths[-1] == process.transitions
    assert assert_right(trace) > 0
    assert len(set(lengths)) > KILLED_CHILDREN / 4


def test_the_writer_killed(tmp_path: Path, endless: Path) -> None:
    choose = random.Random(2)
    code = (
        "import sys; from pathlib import Path; from reven.record import record;"
        "record(sys.argv[2:], Path(sys.argv[1]))"
    )
    for number in range(KILLED_WRITERS):
        trace = tmp_path / f"{number}.reven"
        writer = subprocess.Popen([sys.executable, "-c", code, trace, endless, "0"])
        program = manifest_of(trace)["pid"]
        time.sleep(choose.uniform(0, 0.1))
        writer.kill()
        writer.wait()
        os.kill(program, signal.SIGKILL)
        assert assert_right(trace) >= 0
        assert not manifest_of(trace)["complete"]
