# SPDX-License-Identifier: Apache-2.0
"""Derived indexes where the trace's directory cannot take them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = r"""
volatile int sum;
__attribute__((noinline)) void leaf(int n) { sum += n; }
int main(void) {
    for (int i = 0; i < 300; i++) leaf(i);
    return 0;
}
"""

# Mounts a file system of its own on DIRECTORY, fills it with the trace up to the last page
# and builds the indexes. What it mounts is gone when it ends.
ON_A_FULL_DISK = """
import shutil, subprocess, sys
from pathlib import Path
import numpy as np
from reven._engine import Calls, Trace, TraceError

trace, disk, small = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
room = sum(file.stat().st_size for file in trace.rglob("*") if file.is_file()) * 2 + (1 << 20)
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "none", disk], check=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", small], check=True)
shutil.copytree(trace, disk / "trace")
for full in (disk, small):
    with open(full / "filling", "wb", buffering=0) as filling:
        try:
            while filling.write(bytes(4096)):
                pass
        except OSError:
            pass
def answers(trace):
    none = np.array([], dtype=np.uint64)
    calls = Calls(trace)
    calls.build(none, none)
    trace.build_index()
    assert trace.indexed
    return [len(trace.mappings()), len(calls), trace.read_memory(5, 0x400000, 8) == b""]
try:
    print(answers(Trace(str(disk / "trace"))))
except TraceError as error:
    print(error)
print([name for name in ("index.bin", "calls.bin") if (disk / "trace" / name).exists()
       and (disk / "trace" / name).stat().st_size > 0])
"""


def run_apart(arguments: list[str | Path], **environment: str) -> list[str]:
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, *arguments]
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def trace(record_program: Any, tmp_path: Path) -> Path:
    copy = tmp_path / "trace"
    shutil.copytree(record_program(SOURCE, "-static", "-no-pie"), copy)
    for derived in ("index.bin", "calls.bin"):
        (copy / derived).unlink(missing_ok=True)
    return copy


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "full.py"
    file.write_text(ON_A_FULL_DISK)
    (tmp_path / "disk").mkdir()
    (tmp_path / "small").mkdir()
    return file


def test_a_full_disk_does_without_them(trace: Path, script: Path, tmp_path: Path) -> None:
    answer, left = run_apart([script, trace, tmp_path / "disk", tmp_path / "small"])
    assert answer.startswith("[")
    assert eval(answer)[1] > 300
    assert left == "[]"


def test_no_place_at_all_is_said(trace: Path, script: Path, tmp_path: Path) -> None:
    message, left = run_apart(
        [script, trace, tmp_path / "disk", tmp_path / "small"], TMPDIR=str(tmp_path / "small")
    )
    assert "There is no place for" in message
    assert "TMPDIR" in message
    assert left == "[]"


def test_a_directory_that_cannot_be_written_does_without_them(
    trace: Path, script: Path, tmp_path: Path
) -> None:
    # A mount that is read only stops root too.
    read_only = tmp_path / "read-only.py"
    read_only.write_text(
        ON_A_FULL_DISK.replace(
            "def answers",
            'subprocess.run(["mount", "-o", "remount,ro", disk], check=True)\ndef answers',
        )
    )
    answer, left = run_apart([read_only, trace, tmp_path / "disk", tmp_path / "small"])
    assert eval(answer)[1] > 300
    assert left == "[]"
