# SPDX-License-Identifier: Apache-2.0
"""A recording that keeps its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import reven2
from reven import _engine
from reven.record import RecordOptions, record

REVEN = str(Path(sys.executable).with_name("reven"))

NOISE = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static unsigned long state = 88172645463325252ul;
static unsigned long table[4096];
static unsigned long next(void) {
  state ^= state << 13; state ^= state >> 7; state ^= state << 17;
  return table[state % 4096] += state;
}
static void *other(void *argument) { for (int i = 0; i < 1000; i++) next(); return argument; }
int main(int argc, char **argv) {
  unsigned long all = 0;
  long rounds = argc > 1 ? atol(argv[1]) : 30;
  for (long i = 0; i < rounds; i++) {
    pthread_t thread;
    char *fresh = malloc(200000);
    fresh[i % 200000] = i;
    pthread_create(&thread, NULL, other, NULL);
    for (int k = 0; k < 20000; k++) all += next();
    pthread_join(thread, NULL);
    if (i % 3) free(fresh);
  }
  printf("%lu\\n", all);
  return 0;
}
"""


@pytest.fixture(scope="module")
def noisy(compile_program: Callable[..., Path]) -> Path:
    return compile_program(NOISE, "-pthread")


@pytest.fixture(scope="module")
def kept(noisy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    trace = tmp_path_factory.mktemp("last") / "t.reven"
    summary = record([str(noisy)], trace, options=RecordOptions(last="2MB"))
    assert summary.exit_status == 0
    assert summary.main.dropped > 0
    return trace


def test_the_end_is_kept_and_right(kept: Path) -> None:
    engine = _engine.Trace(str(kept))
    checked = engine.check()
    assert (checked.problems, checked.bad_loads, checked.bad_key_frames) == ([], 0, 0)
    manifest = json.loads((kept / "manifest.json").read_text())
    assert manifest["transitions"] == engine.transition_count == checked.transitions
    assert (manifest["end_reason"], manifest["complete"]) == ("exit", True)
    size = (kept / "segments.bin").stat().st_size
    assert 2_000_000 <= size < 9_000_000


def test_it_begins_with_a_whole_state(kept: Path) -> None:
    server = reven2.open(kept)
    first = server.trace.first_context
    assert server.trace.transition(0).id == 0
    stack = first.read(reven2.arch.x64.rsp)
    assert len(first.read(reven2.address.LinearAddress(stack), 64, raw=True)) == 64
    assert server.trace.threads
    names = {Path(binary.path).name for binary in server.ossi.executed_binaries()}
    assert "program" in names
    server.close()


def test_its_values_are_those_of_the_whole(noisy: Path, kept: Path, tmp_path: Path) -> None:
    """Only threads' order may differ between two runs: the last instructions do not."""
    whole = tmp_path / "whole.reven"
    record([str(noisy)], whole)
    columns = []
    for trace in (whole, kept):
        engine = _engine.Trace(str(trace))
        count = engine.transition_count
        columns.append(engine.transitions(count - 500, count).code.tolist())
    assert columns[0] == columns[1]


def test_a_recording_that_is_killed_opens(noisy: Path, tmp_path: Path) -> None:
    trace = tmp_path / "t.reven"
    command = [
        str(REVEN),
        "record",
        "-o",
        str(trace),
        "--last",
        "1MB",
        "--",
        str(noisy),
        "100000000",
    ]
    recording = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _begins_late(trace):
            assert recording.poll() is None
            time.sleep(0.05)
    finally:
        program = json.loads((trace / "manifest.json").read_text())["pid"]
        recording.send_signal(signal.SIGKILL)
        recording.wait()
        # It would run on unrecorded.
        os.kill(program, signal.SIGKILL)
    copy = tmp_path / "copy.reven"
    shutil.copytree(trace, copy)
    engine = _engine.Trace(str(copy))
    assert engine.transition_count > 0
    checked = engine.check()
    assert (checked.problems, checked.bad_loads) == ([], 0)


def test_ctrl_c_keeps_the_end(noisy: Path, tmp_path: Path) -> None:
    trace = tmp_path / "t.reven"
    command = [
        str(REVEN),
        "record",
        "-o",
        str(trace),
        "--last",
        "1MB",
        "--",
        str(noisy),
        "100000000",
    ]
    recording = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not _begins_late(trace):
        assert recording.poll() is None
        time.sleep(0.05)
    # As a terminal does: to the program too.
    program = json.loads((trace / "manifest.json").read_text())["pid"]
    recording.send_signal(signal.SIGINT)
    subprocess.run(["kill", "-INT", str(program)], check=False)
    _, said = recording.communicate(timeout=100)
    assert b"were dropped (--last)" in said
    manifest = json.loads((trace / "manifest.json").read_text())
    assert (manifest["end_reason"], manifest["end_code"]) == ("signal", signal.SIGINT)
    assert not _engine.Trace(str(trace)).check().problems


def _begins_late(trace: Path) -> bool:
    """Whether the first segments have been dropped."""
    directory = trace / "directory.bin"
    if not directory.exists():
        return False
    entry = directory.read_bytes()[16:24]
    return len(entry) == 8 and int.from_bytes(entry, "little") > 0
