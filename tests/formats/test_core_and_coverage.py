# SPDX-License-Identifier: Apache-2.0
"""Other people's readers on exported files: gdb opens cores, and coverage is that of the trace."""

from __future__ import annotations

import io
import re
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven.formats import CannotExport, get_exporter

CRASHING = """
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
double numbers[4] = {0.5, 1.5, 2.5, 3.5};
struct point { int x, y; } *nowhere;
volatile int runs;
static void *wait_for_ever(void *gate) { runs = 1; pthread_barrier_wait(gate); return 0; }
__attribute__((noinline)) int deepest(int a, double b) { return nowhere->y + a + (int)b; }
__attribute__((noinline)) int middle(int a) { return deepest(a * 2, numbers[2]) + 1; }
int main(void) {
    pthread_barrier_t gate;
    pthread_t other;
    pthread_barrier_init(&gate, NULL, 2);
    pthread_create(&other, NULL, wait_for_ever, &gate);
    while (!runs) sched_yield();
    return middle(21);
}
"""


@pytest.fixture(scope="module")
def trace(record_program: Any) -> Path:
    path: Path = record_program(CRASHING, "-pthread", "-O0")
    return path


def export(name: str, trace: Path, output: Path, stop: int | None = None) -> None:
    with output.open("wb") as file:
        get_exporter(name).export(trace, 0, stop, file).run(lambda done, total: True)


def gdb(program: str, core: Path, *commands: str) -> str:
    words = [word for one in ("set debuginfod enabled off", *commands) for word in ("-ex", one)]
    done = subprocess.run(
        ["gdb", "-nx", "-q", "-batch", *words, program, str(core)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def test_gdb_opens_the_crash_as_a_core(trace: Path, tmp_path: Path) -> None:
    core = tmp_path / "crash.core"
    export("core", trace, core)
    with reven2.open(trace) as server:
        program = next(one.path for one in server.ossi.executed_binaries("/program$"))
        context = server.trace.last_transition.context_before()
        functions = [frame.function_location() for frame in context.stack.frames()]
        ours = [one.symbol.name for one in functions if one and one.symbol]
        said = gdb(program, core, "bt", "info threads", "print/x $rip", "print $xmm0.v2_double[0]",
                   "print numbers", "print a", "info auxv", "thread 2", "print/x $rsp")  # fmt: skip
        assert "terminated with signal SIGSEGV" in said
        frames = re.findall(r"^#\d+ .*?(\w+) \(", said, re.MULTILINE)
        # The first is printed when the file is opened.
        assert frames[1:4] == ours[:3] == ["deepest", "middle", "main"]
        assert f"= {context.read('rip'):#x}" in said
        assert "{0.5, 1.5, 2.5, 3.5}" in said
        assert re.search(r"\$\d+ = 42$", said, re.MULTILINE)
        assert "AT_ENTRY" in said
        assert len(re.findall(r"LWP \d+\)", said)) >= 2
        other = context.read("rsp", thread=2)
        assert f"= {other:#x}" in said


def test_a_core_of_any_moment(trace: Path, tmp_path: Path) -> None:
    core = tmp_path / "early.core"
    with reven2.open(trace) as server:
        program = next(one.path for one in server.ossi.executed_binaries("/program$"))
        entry = next(iter(server.trace.search.symbol("middle"))).transition_after()
        export("core", trace, core, entry.id)
        stack = entry.context_before().read("rsp")
        data = bytes(entry.context_before().read("rsp", raw=True))
        assert len(data) == 8
    said = gdb(program, core, "print/x $rsp", "info symbol $pc", "bt")
    assert f"= {stack:#x}" in said
    assert "middle in section .text" in said
    with pytest.raises(CannotExport, match="one moment"):
        get_exporter("core").export(trace, 5, 10, io.BytesIO())


def test_coverage_is_what_ran(trace: Path, tmp_path: Path) -> None:
    output = tmp_path / "ran.drcov"
    export("drcov", trace, output)
    head, _, records = output.read_bytes().partition(b" bbs\n")
    lines = head.decode().splitlines()
    assert lines[0] == "DRCOV VERSION: 2"
    count = int(re.fullmatch(r"Module Table: version 2, count (\d+)", lines[2])[1])  # type: ignore[index]
    columns = lines[3].removeprefix("Columns: ").split(", ")
    modules = [dict(zip(columns, line.split(", "), strict=True)) for line in lines[4 : 4 + count]]
    covered = set()
    for offset, size, number in struct.iter_unpack("<IHH", records):
        base = int(modules[number]["base"], 16)
        assert base + offset + size <= int(modules[number]["end"], 16)
        covered.add(base + offset)
    assert len(records) == 8 * int(lines[4 + count].removeprefix("BB Table: "))
    with reven2.open(trace) as server:
        ran = {
            one.pc for one in server.trace.transitions() if one.instruction and one.context_before()
        }
    assert covered == ran


def test_folded_stacks_count_every_transition(trace: Path, tmp_path: Path) -> None:
    output = tmp_path / "ran.folded"
    export("folded", trace, output)
    stacks = dict(line.rsplit(" ", 1) for line in output.read_text().splitlines())
    with reven2.open(trace) as server:
        # Neither switches between threads nor the signal at the end are of a function.
        count = server.trace.transition_count
        assert count - 20 <= sum(map(int, stacks.values())) <= count
        call = next(iter(server.trace.calls("^middle$")))
        inner = next(iter(call.children()))
        before = inner.first_context.transition_before().id - call.first_context._id + 1
        assert call.end_transition is None
    own = [stack for stack in stacks if stack.endswith("program!main;program!middle")]
    assert int(stacks[own[0]]) == before
