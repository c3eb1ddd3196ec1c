# SPDX-License-Identifier: Apache-2.0
"""The record of real programs is consistent with itself.

Every load of the program must give what memory, rebuilt from the initial image, the
stores and the kernel's writes, holds; every key frame must equal the replayed registers.
The numbers of loads and key frames are asserted too: a check of nothing would always pass.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from reven._engine import KIND_END_SIGNAL, KIND_SIGNAL, KIND_SWITCH, CheckResult, Trace, TraceError

from . import programs, segments

Compile = Callable[..., Path]
Record = Callable[..., Path]

PYTHON = (sys.executable, "-I", "-S", "-E", "-c")
DATABASE = """
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table t (id integer primary key, name text, size real)")
db.executemany("insert into t (name, size) values (?, ?)",
               [(f"name {n * 7919 % 1000}", n / 3) for n in range(2000)])
db.execute("create index by_name on t (name)")
db.execute("delete from t where id % 7 = 0")
rows = db.execute("select name, sum(size) from t group by name order by 2 desc").fetchall()
assert len(rows) > 100
"""
INTERPRETER = """
my %n;
$n{$_ % 97} .= chr(65 + $_ % 26) for 1..20000;
print length join ',', map { reverse $n{$_} } sort keys %n
"""
NODE = """
let f = n => n < 2 ? n : f(n - 1) + f(n - 2);
console.log(f(20), JSON.stringify([...Array(500).keys()]))
"""


def checked(trace: Path, *, loads: int, key_frames: int) -> CheckResult:
    """The result of a check that found nothing, and had enough to look at."""
    opened = Trace(str(trace))
    result = opened.check()
    assert (result.problems, result.bad_loads, result.bad_key_frames) == ([], 0, 0)
    assert result.transitions == opened.transition_count
    assert result.loads >= loads
    assert result.key_frames >= key_frames
    return result


def children_of(trace: Path) -> list[Path]:
    stem = trace.name.removesuffix(".reven")
    return sorted(trace.parent.glob(f"{stem}.*.reven"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Something to compress: words with noise."""
    draw = random.Random(7)
    words = ["".join(draw.choices("etaoinshrdlu", k=draw.randrange(2, 9))) for _ in range(300)]
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text(" ".join(draw.choice(words) for _ in range(20_000)))
    return path


def test_a_compressor(record_command: Record, text: Path) -> None:
    checked(record_command(["gzip", "-9", "-k", text]), loads=3_000_000, key_frames=500)


def test_a_compressor_with_threads(record_command: Record, text: Path) -> None:
    checked(record_command(["xz", "-1", "-k", "-T2", text]), loads=2_000_000, key_frames=500)


def test_a_database(record_command: Record) -> None:
    checked(record_command([*PYTHON, DATABASE]), loads=10_000_000, key_frames=3_000)


def test_an_interpreter(record_command: Record) -> None:
    checked(record_command(["perl", "-e", INTERPRETER]), loads=5_000_000, key_frames=1_000)


def test_a_compiler_pass(record_command: Record, tmp_path: Path) -> None:
    """The compiler proper has a trace of its own beside the driver's."""
    source = tmp_path / "small.c"
    source.write_text(programs.COMPILED)
    trace = record_command(["gcc", "-O1", "-S", "-o", tmp_path / "small.s", source])
    checked(trace, loads=10_000, key_frames=1)
    results = [checked(child, loads=1, key_frames=0) for child in children_of(trace)]
    assert max(result.loads for result in results) > 5_000_000


def test_threads_signals_and_moving_memory(
    compile_program: Compile, record_command: Record
) -> None:
    trace = record_command([compile_program(programs.THREADS, "-O2", "-pthread")])
    checked(trace, loads=100_000, key_frames=20)
    opened = Trace(str(trace))
    kinds = opened.transitions(0, opened.transition_count).kind
    assert len(opened.threads()) == 5
    assert (kinds == KIND_SWITCH).sum() >= 8
    assert (kinds == KIND_SIGNAL).sum() >= 3


def test_threads_that_follow_each_other_are_different_ones(
    compile_program: Compile, record_command: Record
) -> None:
    trace = record_command([compile_program(programs.THREADS_IN_TURN, "-pthread")])
    checked(trace, loads=1_000, key_frames=1)
    spans = [(t.first_transition, t.last_transition) for t in Trace(str(trace)).threads()]
    assert len(spans) == 6
    for (_, last), (first, _) in pairwise(spans[1:]):
        assert last < first


def test_a_jit(compile_program: Compile, record_command: Record) -> None:
    """Code that is emitted again and again at one place."""
    checked(record_command([compile_program(programs.JIT)]), loads=20_000, key_frames=5)


def test_self_modifying_code(compile_program: Compile, record_command: Record) -> None:
    trace = record_command([compile_program(programs.SELF_MODIFYING)])
    checked(trace, loads=20_000, key_frames=1)
    opened = Trace(str(trace))
    pcs = opened.transitions(0, opened.transition_count)
    seen = {
        bytes(code[:size])
        for code, size in zip(pcs.code, pcs.size, strict=True)
        if size == 5 and code[0] == 5
    }
    assert len({code[1] for code in seen if code[2:] == b"\0\0\0"}) >= 200


def test_a_crash(compile_program: Compile, record_command: Record) -> None:
    trace = record_command([compile_program(programs.CRASH, "-O0", "-w")])
    checked(trace, loads=10_000, key_frames=1)
    opened = Trace(str(trace))
    last = opened.event(opened.transition_count - 1)
    assert last is not None
    assert (last.kind, last.signal, last.synchronous) == (KIND_END_SIGNAL, 11, True)


def test_faults_and_handlers(compile_program: Compile, record_command: Record) -> None:
    trace = record_command([compile_program(programs.SIGNALS)])
    checked(trace, loads=10_000, key_frames=1)
    opened = Trace(str(trace))
    kinds = opened.transitions(0, opened.transition_count).kind
    assert (kinds == KIND_SIGNAL).sum() == 8 + 8 + 1


def test_children(compile_program: Compile, record_command: Record) -> None:
    trace = record_command([compile_program(programs.CHILDREN)])
    checked(trace, loads=10_000, key_frames=1)
    children = children_of(trace)
    # Four forks, of which two execute another program.
    assert len(children) == 6
    for child in children:
        checked(child, loads=1, key_frames=0)


if shutil.which("node"):

    def test_a_virtual_machine_with_a_jit(record_command: Record) -> None:
        trace = record_command(["node", "-e", NODE])
        checked(trace, loads=50_000_000, key_frames=20_000)


@pytest.fixture
def small(compile_program: Compile, record_command: Record, tmp_path: Path) -> Path:
    """A copy of a trace of more than one key frame."""
    copy = tmp_path / "copy.reven"
    shutil.copytree(record_command([compile_program(programs.JIT)]), copy)
    return copy


def test_the_check_notices_a_changed_byte_of_the_image(
    compile_program: Compile, record_command: Record, tmp_path: Path
) -> None:
    source = """
    char text[] = "what the program reads";
    int main(void) { return *(volatile char *)&text[5] != 't'; }
    """
    copy = tmp_path / "copy.reven"
    shutil.copytree(record_command([compile_program(source, "-static")]), copy)

    text = b"what the program reads"

    def change(control: bytearray) -> None:
        control[control.index(text) + 5] ^= 1

    segments.rewrite(copy, segments.CONTROL, lambda control: None, holding=text)
    checked(copy, loads=1_000, key_frames=0)
    segments.rewrite(copy, segments.CONTROL, change, holding=text)
    result = Trace(str(copy)).check()
    assert result.bad_loads == 1
    assert "load of 1 bytes" in result.problems[0]


def test_the_check_notices_other_code_in_memory(
    tmp_path: Path, record_command: Callable[..., Path], compile_program: Callable[..., Path]
) -> None:
    """One byte of the image flipped, in an instruction that is only executed."""
    source = """
    __attribute__((noinline)) int marked(void) { return 0x5eedc0de; }
    int main(void) { return marked() == 1; }
    """
    copy = tmp_path / "copy.reven"
    shutil.copytree(record_command([compile_program(source, "-static")]), copy)
    code = (0x5EEDC0DE).to_bytes(4, "little")

    def change(control: bytearray) -> None:
        control[control.index(code)] ^= 1

    assert Trace(str(copy)).check().bad_blocks == 0
    segments.rewrite(copy, segments.CONTROL, change, holding=code)
    result = Trace(str(copy)).check()
    assert (result.bad_blocks, result.bad_loads) == (1, 0)
    assert "ran as b8dec0ed5e, rebuilt memory holds b8dfc0ed5e" in result.problems[0]


def test_the_check_notices_changed_values(small: Path, tmp_path: Path) -> None:
    """Values flipped one at a time: loads and key frames are found to be wrong."""
    draw = random.Random(3)
    bad_loads = bad_key_frames = refused = 0
    rounds = 60
    for index in range(rounds):
        copy = tmp_path / f"{index}.reven"
        shutil.copytree(small, copy)

        def change(columns: bytearray) -> None:
            columns[draw.randrange(len(columns))] ^= 1 << draw.randrange(8)

        segments.rewrite(copy, segments.COLUMNS, change)
        try:
            result = Trace(str(copy)).check()
        except TraceError:
            refused += 1
        else:
            bad_loads += result.bad_loads > 0
            bad_key_frames += result.bad_key_frames > 0
        shutil.rmtree(copy)
    assert bad_loads > rounds // 3, (bad_loads, bad_key_frames, refused)
    assert bad_key_frames > 0


def test_reven_check_tells_by_its_exit_status(small: Path) -> None:
    def run(trace: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from reven.cli import main; main()", "check", str(trace)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(small).returncode == 0
    segments.rewrite(small, segments.COLUMNS, bytearray.reverse)
    assert run(small).returncode != 0
