# SPDX-License-Identifier: Apache-2.0
"""A recording that is killed, damaged or out of room still opens, or says why not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reven._engine import Trace

Compile = Callable[..., Path]
Record = Callable[..., Path]

HERE = Path(__file__).parent
AT_ONCE = 4
KILLS = 100  # of each kind

# Little work between many system calls, so that a second is few transitions.
BUSY = r"""
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
int main(void) {
    char *block = malloc(4096);
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 2000; k++) block[k * 7 % 4096] += (char)(i ^ k);
        if (i % 7 == 0) {
            char *pages =
                mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memcpy(pages + 5000, block, 4096);
            munmap(pages, 16384);
        }
        nanosleep(&(struct timespec){0, 1000000}, 0);
    }
    return 0;
}
"""

SMALL = r"""
long values[64];
static void sort(long *at, int count) {
    for (int i = 1; i < count; i++)
        for (int k = i; k > 0 && at[k] < at[k - 1]; k--) {
            long other = at[k];
            at[k] = at[k - 1], at[k - 1] = other;
        }
}
static void sleep_for(long nanoseconds) {
    long time[2] = {0, nanoseconds}, result;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(35), "D"(time), "S"(0) : "rcx", "r11", "memory");
}
void _start(void) {
    for (int i = 0; i < 64; i++) values[i] = (i * 37 + 11) % 64;
    for (int half = 1; half <= 2; half++) {
        sort(values + 32 * (half - 1), 12);
        sleep_for(300000000);
    }
    sort(values, 64);
    __asm__ volatile("syscall" : : "a"(231), "D"(0));
    __builtin_unreachable();
}
"""
FREESTANDING = ("-nostdlib", "-static", "-no-pie", "-ffreestanding", "-fno-stack-protector")


@pytest.mark.parametrize("what", ["everything", "valgrind"])
def test_a_recording_that_is_killed_opens(
    compile_program: Compile, record_command: Record, tmp_path: Path, what: str
) -> None:
    """SIGKILL for the whole process group, or for the recorded process alone."""
    program = compile_program(BUSY, "-static")
    size = (record_command([program]) / "directory.bin").stat().st_size
    command = [sys.executable, HERE / "kill_driver.py", tmp_path, program, size]
    drivers = [
        subprocess.Popen(
            [*map(str, command), str(KILLS // AT_ONCE), str(seed), what], stdout=subprocess.PIPE
        )
        for seed in range(AT_ONCE)
    ]
    outputs = [driver.communicate()[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0] * AT_ONCE
    rounds: list[dict[str, Any]] = [
        json.loads(line) for text in outputs for line in text.splitlines()
    ]
    assert len(rounds) == KILLS
    recorded = [found for found in rounds if found["recorded"]]
    assert len(recorded) > KILLS * 0.8
    for found in recorded:
        assert found["error"] == ""
        assert (found["bad"], found["problems"]) == (0, [])
    # Few come too late.
    assert sum(found["complete"] for found in recorded) < KILLS * 0.2
    # What had been recorded is there, not only that something had been.
    assert sum(found["loads"] > 50_000 for found in recorded) > KILLS * 0.4


def damage(trace: Path, scratch: Path, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, HERE / "damage_driver.py", trace, scratch, *arguments]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    last = (scratch / "log").read_text().strip() if (scratch / "log").exists() else ""
    assert done.returncode == 0, f"{done.returncode} at {last}: {done.stderr[-2000:]}"
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture
def small(compile_program: Compile, record_command: Record) -> Path:
    """A trace of some kilobytes, and of several segments: they end where it sleeps."""
    trace = record_command([compile_program(SMALL, *FREESTANDING)])
    assert Trace(str(trace)).segment_count >= 3
    return trace


def test_a_trace_cut_at_any_byte(small: Path, tmp_path: Path) -> None:
    report = damage(small, tmp_path, "truncate", 0, 0)
    assert report["wrong"] == []
    assert {"segments.bin", "directory.bin", "templates.bin", "bodies.bin"} <= set(report["files"])
    assert sum(report["outcomes"].values()) > 3000
    assert report["outcomes"]["shortened"] > 100


@pytest.mark.parametrize("seed", [1, 2])
def test_a_trace_with_a_flipped_bit(small: Path, tmp_path: Path, seed: int) -> None:
    report = damage(small, tmp_path, "flip", 5000, seed)
    assert report["wrong"] == []
    assert sum(report["outcomes"].values()) == 5000
    assert report["outcomes"]["refused"] > 500


def test_a_full_disk_ends_the_recording_and_not_the_program(
    compile_program: Compile, tmp_path: Path
) -> None:
    """A file system of 1 MiB, mounted in a name space of its own."""
    full = tmp_path / "full"
    full.mkdir()
    record = (
        "import sys; from pathlib import Path; from reven.record import record;"
        "s = record([sys.argv[2]], Path(sys.argv[1]));"
        "print(s.exit_status, s.main.complete, s.main.error)"
    )
    script = (
        'mount -t tmpfs -o size=1m none "$1" && "$3" -c "$4" "$1/trace.reven" "$5" && '
        'cp -r "$1/trace.reven" "$2"'
    )
    rights = () if os.geteuid() == 0 else ("--map-root-user",)
    kept = tmp_path / "kept.reven"
    program = compile_program(LONG, "-static")
    command = ["unshare", "--mount", *rights, "sh", "-c", script, "sh"]
    command += [str(full), str(kept), sys.executable, record, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "the program goes on to its end"
    assert lines[1].startswith("7 False ")
    assert "No space left on device" in lines[1]
    manifest = json.loads((kept / "manifest.json").read_bytes())
    assert manifest["complete"] is False
    trace = Trace(str(kept))
    result = trace.check()
    assert trace.transition_count > 10_000
    assert (result.bad_loads, result.bad_key_frames, result.problems) == (0, 0, [])


LONG = r"""
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    unsigned seed = 1;
    volatile unsigned *table = malloc(1 << 20);
    for (int i = 0; i < 3000000; i++) {
        seed = seed * 1664525u + 1013904223u;
        table[seed >> 14] ^= seed;
    }
    puts("the program goes on to its end");
    return 7;
}
"""


def test_a_trace_that_lost_its_end_is_not_said_to_be_right(small: Path, tmp_path: Path) -> None:
    """Its manifest says that it was whole."""
    copy = tmp_path / "copy.reven"
    shutil.copytree(small, copy)
    segments = copy / "segments.bin"
    segments.write_bytes(segments.read_bytes()[:-1])
    command = [sys.executable, "-c", "from reven.cli import main; main()", "check", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "cut" in done.stdout + done.stderr
