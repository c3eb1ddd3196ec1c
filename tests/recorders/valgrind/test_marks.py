# SPDX-License-Identifier: Apache-2.0
"""What a program tells the recorder: reven.h, reven.marker, `reven mark`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import reven
import reven2
from reven import _engine

REVEN = str(Path(sys.executable).with_name("reven"))
INCLUDE = str(Path(reven.__file__).parent / "include")

MARKED = """
#include <reven.h>
#include <stdio.h>
static int table[2000];
__attribute__((noinline)) void prepare(void) { for (int i = 0; i < 2000; i++) table[i] = i * i; }
__attribute__((noinline)) int sum(void) {
  int all = 0;
  for (int i = 0; i < 2000; i++) all += table[i];
  return all;
}
int main(void) {
  long kept = 41;
  int all = 0;
  REVEN_STOP();
  prepare();
  REVEN_START();
  REVEN_MARK("prepared");
  all = sum();
  for (int i = 0; i < 3; i++) { REVEN_MARK("round"); all += i; }
  printf("%d %ld\\n", all, kept + 1);
  return 0;
}
"""


@pytest.fixture
def marked(compile_program: Callable[..., Path]) -> Path:
    return compile_program(MARKED, f"-I{INCLUDE}")


def marks_of(trace: Path) -> list[str]:
    return [mark["text"] for mark in json.loads((trace / "manifest.json").read_text())["marks"]]


def runs(trace: Path, symbol: str) -> int:
    server = reven2.open(trace)
    try:
        return len(list(server.trace.search.symbol(next(server.ossi.symbols(symbol)))))
    finally:
        server.close()


def test_a_program_stops_starts_and_names_moments(
    run_both_ways: Callable[..., object], marked: Path
) -> None:
    done = run_both_ways([marked])
    done.assert_same()  # type: ignore[attr-defined]
    trace: Path = done.trace  # type: ignore[attr-defined]
    assert done.checked.unrecorded_changes > 0  # type: ignore[attr-defined]
    assert marks_of(trace) == ["prepared", "round", "round", "round"]
    server = reven2.open(trace)
    assert [b.description for b in server.bookmarks.all()] == marks_of(trace)
    assert server.where("prepare").transition is None
    first = server.where("sum").transition
    assert first is not None
    prepared = next(iter(server.bookmarks.all())).transition
    assert prepared < first
    # It stands at the request itself.
    assert prepared.instruction is not None
    assert prepared.instruction.raw.startswith(bytes.fromhex("48c1c703"))
    server.close()


def test_waiting_for_the_program_to_ask(run_both_ways: Callable[..., object], marked: Path) -> None:
    done = run_both_ways([marked], "--wait")
    done.assert_same()  # type: ignore[attr-defined]
    server = reven2.open(done.trace)  # type: ignore[attr-defined]
    assert server.where("prepare").transition is None
    assert server.where("sum").transition is not None
    server.close()


def test_from_a_mark_to_a_mark(run_both_ways: Callable[..., object], marked: Path) -> None:
    done = run_both_ways([marked], "--from", "mark:prepared", "--until", "mark:round@2")
    done.assert_same()  # type: ignore[attr-defined]
    manifest = json.loads((done.trace / "manifest.json").read_text())  # type: ignore[attr-defined]
    assert manifest["end_reason"] == "until"
    assert [mark["text"] for mark in manifest["marks"]] == ["round", "round"]


def test_a_program_that_never_asks(compile_program: Callable[..., Path], tmp_path: Path) -> None:
    program = compile_program("int main(void) { return 3; }")
    command = [str(REVEN), "record", "-o", str(tmp_path / "t.reven"), "--wait", "--", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert "REVEN_START" in done.stderr


PYTHON = """
from reven import marker
marker.mark("begun")
marker.stop()
values = [number * number for number in range(50_000)]
marker.start()
marker.mark("squared")
print(sum(values))
"""


def test_python_does_the_same(run_both_ways: Callable[..., object]) -> None:
    done = run_both_ways([sys.executable, "-c", PYTHON], "--wait", "--skip", "nothing.so")
    assert done.recorded.stdout == done.native.stdout  # type: ignore[attr-defined]
    assert not done.checked.problems  # type: ignore[attr-defined]
    assert marks_of(done.trace) == ["squared"]  # type: ignore[attr-defined]


def test_marker_loads_nothing_heavy() -> None:
    script = "import sys; from reven import marker; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"reven2", "numpy", "msgspec", "typer", "reven._engine"}


SHELL = f"{REVEN} mark stop; /bin/true; {REVEN} mark start; {REVEN} mark ready; /bin/echo done"


def test_a_shell_script_does_the_same(run_both_ways: Callable[..., object]) -> None:
    done = run_both_ways(["/bin/sh", "-c", SHELL])
    done.assert_same()  # type: ignore[attr-defined]
    traces = sorted(done.trace.parent.glob("*.reven"))  # type: ignore[attr-defined]
    manifests = [json.loads((trace / "manifest.json").read_text()) for trace in traces]
    assert "ready" in [mark["text"] for one in manifests for mark in one["marks"]]
    recorded = {Path(one["program"]).name for one in manifests}
    assert "echo" in recorded
    assert not any(name.startswith("python") for name in recorded)
    for trace in traces:
        assert not _engine.Trace(str(trace)).check().problems


def test_outside_of_a_recording_nothing_happens() -> None:
    done = subprocess.run([REVEN, "mark", "start"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_header_is_where_the_command_says(compile_program: Callable[..., Path]) -> None:
    folder = subprocess.run([REVEN, "include-dir"], capture_output=True, text=True, check=True)
    assert folder.stdout.strip() == INCLUDE
    native = subprocess.run(
        [compile_program(MARKED, f"-I{INCLUDE}")], capture_output=True, text=True, check=True
    )
    assert native.stdout.endswith(" 42\n")
