# SPDX-License-Identifier: Apache-2.0
"""Where and when a record begins and ends: what users write, refused or met."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven.record import CannotRecord, NothingRecorded, RecordOptions, RecordSummary, record
from reven.record.amounts import Amount, parse_amount, parse_size
from reven.record.places import resolve_place

COUNTING = """\
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) int tick(int n) {
  static volatile int all = 0;
  for (int i = 0; i < n; i++)
    all += i;
  return all;
}
int main(int argc, char **argv) {
  int all = 0;
  for (int i = 0; i < 10; i++)
    all += tick(1000 * argc);
  write(1, "", 0);
  printf("%d\\n", all);
  return 0;
}
"""
CPP = """
#include <cstdio>
struct Shape { int side; Shape(int n); int area(int by); };
__attribute__((noinline)) Shape::Shape(int n) : side(n) {}
__attribute__((noinline)) int Shape::area(int by) { return side * by; }
int main(int argc, char **) { Shape shape(argc); std::printf("%d\\n", shape.area(3)); }
"""


@pytest.fixture
def program(compile_program: Callable[..., Path]) -> Path:
    return compile_program(COUNTING)


@pytest.fixture
def kept(tmp_path: Path, program: Path) -> Callable[..., tuple[RecordSummary, Any]]:
    """`kept(program=…, **options)`: the summary, and the trace opened."""

    def record_(program: Path = program, **options: Any) -> tuple[RecordSummary, Any]:
        trace = tmp_path / "t.reven"
        summary = record([str(program)], trace, options=RecordOptions(force=True, **options))
        return summary, reven2.open(trace)

    return record_


@pytest.mark.parametrize(
    ("start", "function"),
    [
        ("tick", "tick"),
        ("program!tick", "tick"),
        ("program:tick", "tick"),
        ("tick@3", "tick"),
        ("*tick", "tick"),
        ("'tick'", "tick"),
        ("libc!printf", "printf"),
        ("libc.so.6!printf", "printf"),
        ("printf", "printf"),
    ],
)
def test_from_a_function(kept: Callable[..., Any], start: str, function: str) -> None:
    _, server = kept(start=start, duration="100")
    assert server.where(function).address.offset == server.trace.transition(0).pc


def test_from_an_offset_a_line_and_a_binary(kept: Callable[..., Any]) -> None:
    _, server = kept(start="tick", duration="100")
    second = server.trace.transition(1).pc - server.where("tick").address.offset
    base = server.where("program").address.offset
    rva = server.where("tick").address.offset - base
    _, after = kept(start=f"tick+{second:#x}", duration="100")
    assert after.trace.transition(0).pc == server.trace.transition(1).pc
    _, same = kept(start=f"program+{rva:#x}", duration="100")
    assert same.trace.transition(0).pc == server.trace.transition(0).pc
    _, line = kept(start="program.c:6@5", until="program.c:6")
    assert line.where("program.c:6").transition.id == 0


def test_from_a_system_call(kept: Callable[..., Any]) -> None:
    _, server = kept(start="syscall:write@2")
    first = server.trace.transition(0)
    assert "syscall" in str(first)
    assert server.trace.first_context.read(reven2.arch.x64.rax) == 1


def test_cpp_names(kept: Callable[..., Any], compile_program: Callable[..., Path]) -> None:
    program = compile_program(CPP, language="cpp")
    for start in ("Shape::area", "Shape::area(int)", "_ZN5Shape4areaEi", "program!Shape::area"):
        _, server = kept(program, start=start)
        assert server.where("Shape::area").transition.id == 0


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("tickp", "did you mean tick"),
        ("libc!prinft", "did you mean printf"),
        ("nosuchthing", "BINARY!nosuchthing"),
        ("program!tikc", "did you mean tick"),
        ("program.c:2", "nearest with code is 3"),
        ("nosuch.c:2", "compiled with -g"),
        ("tick+0x1000", "has only"),
        ("libc!strlen", "IFUNC"),
        ("rsp+8", "registers and memory"),
        ("[0x1234]", "registers and memory"),
        ("100", "--after"),
        ("syscall:wirte", "did you mean write"),
        ("tick@0", "counted from 1"),
        ("", "not understood"),
    ],
)
def test_what_is_no_place_is_refused_before_anything_runs(
    program: Path, written: str, why: str
) -> None:
    with pytest.raises(CannotRecord, match=why) as error:
        resolve_place(written, "--from", program)
    assert str(error.value).startswith(f"--from {written}:")
    assert str(error.value).count(". ") == 0


def test_a_library_that_is_loaded_later(kept: Callable[..., Any]) -> None:
    """It is taken at its word, and what is never reached is said."""
    with pytest.raises(NothingRecorded, match="without reaching libnosuch!f"):
        kept(start="libnosuch!f")


def test_a_script_is_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho done\n")
    script.chmod(0o755)
    assert resolve_place("libc!write", "--from", script).binary == "libc"


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("5s", Amount(seconds=5)),
        ("500ms", Amount(seconds=0.5)),
        ("1.5min", Amount(seconds=90)),
        ("1000000", Amount(transitions=1_000_000)),
        ("1,000,000", Amount(transitions=1_000_000)),
        ("10M", Amount(transitions=10_000_000)),
    ],
)
def test_amounts(written: str, amount: Amount) -> None:
    assert parse_amount(written, "--after") == amount


@pytest.mark.parametrize("written", ["", "0", "0s", "five", "-1", "5 parsecs", "1e99999", "1/2"])
def test_no_amounts(written: str) -> None:
    with pytest.raises(CannotRecord, match=r"^--for .*: write a time"):
        parse_amount(written, "--for")


def test_sizes() -> None:
    assert parse_size("500MB", "--last") == 500_000_000
    assert parse_size("2G", "--last") == 2_000_000_000
    assert parse_size("1MiB", "--last") == 1 << 20
    with pytest.raises(CannotRecord, match="write a size"):
        parse_size("much", "--last")


def test_after_and_for_so_many_transitions(kept: Callable[..., Any]) -> None:
    summary, _ = kept(after="50000", duration="1000")
    assert (summary.main.transitions, summary.main.end_reason) == (1000, "limit")
    whole, _ = kept()
    rest, _ = kept(after="50000")
    # Blocks are counted as they are entered.
    assert whole.main.transitions - rest.main.transitions == pytest.approx(50_000, abs=5_000)


def test_after_counts_from_where(kept: Callable[..., Any]) -> None:
    _, server = kept(start="tick@2", after="2000", until="tick")
    tick = server.where("tick").address.offset
    size = server.where("tick")._data.size
    assert tick < server.trace.transition(0).pc < tick + size


SLEEPY = """
#include <stdio.h>
#include <time.h>
int main(void) {
  struct timespec end, now, pause = {0, 20000000};
  clock_gettime(CLOCK_MONOTONIC, &end);
  do {
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - end.tv_sec) * 1000 + (now.tv_nsec - end.tv_nsec) / 1000000 < 1500);
  return 0;
}
"""


def test_times(kept: Callable[..., Any], compile_program: Callable[..., Path]) -> None:
    """From main on: how long the loader takes is the machine's affair."""
    program = compile_program(SLEEPY)
    summary, server = kept(program, start="main", after="100ms", duration="300ms")
    assert (summary.main.end_reason, summary.exit_status) == ("limit", 0)
    # It begins and ends in the loop.
    assert server.trace.transition_count > 0
    assert server.where("main").transition is None
    assert server.where("exit").transition is None
    _, from_main = kept(program, start="main")
    assert from_main.where("main").transition.id == 0
    assert from_main.where("exit").transition is not None


def test_a_program_that_ends_before(kept: Callable[..., Any]) -> None:
    with pytest.raises(NothingRecorded, match="before 1h had passed"):
        kept(after="1h")
    with pytest.raises(NothingRecorded, match="before it had executed 1,000,000,000,000"):
        kept(after="1000G")


def test_an_end_that_is_never_reached_is_told(tmp_path: Path, program: Path) -> None:
    reven = Path(sys.executable).with_name("reven")
    output = str(tmp_path / "t.reven")
    command = [str(reven), "record", "-o", output, "--until", "tick@1000", "--", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert "--until tick@1000 was never reached" in done.stderr


def test_children_by_name(tmp_path: Path) -> None:
    trace = tmp_path / "t.reven"
    command = ["/bin/sh", "-c", "/bin/true; /bin/echo one; /bin/cat /dev/null; exit 0"]
    summary = record(command, trace, options=RecordOptions(children=("echo", "c?t")))
    programs = [Path(process.program).name for process in summary.processes]
    assert sorted(programs[1:]) == ["cat", "echo"]


@pytest.mark.parametrize("option", ["only", "skip"])
def test_code_that_is_nowhere(program: Path, tmp_path: Path, option: str) -> None:
    options = RecordOptions(**{option: ("tickp",)})  # type: ignore[arg-type]
    with pytest.raises(CannotRecord, match="did you mean tick"):
        record([str(program)], tmp_path / "t.reven", options=options)
