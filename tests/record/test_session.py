# SPDX-License-Identifier: Apache-2.0
"""Recording a program: it behaves as without us, and what it did is in a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven import _engine
from reven.record import (
    NothingRecorded,
    Progress,
    RecordOptions,
    RecordSummary,
    TraceExists,
    record,
)
from tests.record import programs

CompileProgram = Callable[..., Path]

RECORD = """
import os
import sys
from pathlib import Path
from reven.record import record, session
session.GRACE = float(os.environ.get("GRACE", session.GRACE))
summary = record(sys.argv[2:], Path(sys.argv[1]))
sys.exit(summary.exit_status)
"""


def run_recorder(
    trace: Path, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Record in a process of its own, so that its standard streams can be told apart."""
    return subprocess.Popen(
        [sys.executable, "-c", RECORD, trace, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )


def manifest_of(trace: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((trace / "manifest.json").read_bytes())
    return found


def test_the_program_keeps_its_streams_arguments_and_environment(
    tmp_path: Path, compile_program: CompileProgram
) -> None:
    program = compile_program(programs.ENVIRONMENT)
    marks = {"REVEN_TEST": "a b=c", "LD_PRELOAD": "libm.so.6", "EMPTY": ""}
    native = subprocess.run(
        [program, "x y", ""],
        input=b"from stdin",
        capture_output=True,
        check=True,
        env={**os.environ, **marks},
    )
    process = run_recorder(tmp_path / "t.reven", [program, "x y", ""], marks)
    out, err = process.communicate(b"from stdin")
    assert sorted(out.splitlines()) == sorted(native.stdout.splitlines())
    assert err == native.stderr


def test_the_program_keeps_inherited_descriptors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from a descriptor")
    with (tmp_path / "file").open() as file:
        process = subprocess.run(
            [sys.executable, "-c", RECORD, tmp_path / "t.reven", "cat", f"/dev/fd/{file.fileno()}"],
            pass_fds=[file.fileno()],
            capture_output=True,
            check=True,
        )
    assert process.stdout == b"from a descriptor"


@pytest.mark.parametrize(
    ("argument", "status", "number"), [("-", 0, 0), ("s", 139, 11), ("b", 134, 6), ("k", 137, 9)]
)
def test_the_exit_status_is_the_programs(
    tmp_path: Path, compile_program: CompileProgram, argument: str, status: int, number: int
) -> None:
    program = compile_program(programs.FAULTS)
    summary = record([str(program), argument], tmp_path / "t.reven")
    assert (summary.exit_status, summary.signal) == (status, number)


def test_the_summary_and_the_manifest_say_what_was_recorded(
    tmp_path: Path, compile_program: CompileProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compile_program(programs.HELLO)
    monkeypatch.chdir(program.parent)
    trace = tmp_path / "deep" / "t.reven"
    summary = record(["./program", "one", "two"], trace)
    engine = _engine.Trace(str(trace))
    main = summary.main
    assert (main.trace, main.complete, main.end_reason, main.end_code) == (trace, True, "exit", 7)
    assert main.transitions == engine.transition_count
    manifest = manifest_of(trace)
    assert manifest["command"] == ["./program", "one", "two"]
    assert manifest["program"] == str(program)
    assert manifest["cwd"] == str(program.parent)
    assert manifest["transitions"] == engine.transition_count
    assert (manifest["complete"], manifest["end_reason"], manifest["end_code"]) == (True, "exit", 7)
    assert manifest["pid"] == main.pid
    assert "Valgrind" in manifest["recorder"]
    paths = {binary["path"]: binary for binary in manifest["binaries"]}
    assert any("libc.so" in path for path in paths)
    assert (trace / "binaries" / f"{paths[str(program)]['sha256']}.zst").is_file()


def test_progress_is_reported_until_the_end(
    tmp_path: Path, compile_program: CompileProgram
) -> None:
    seen: list[Progress] = []
    program = compile_program(programs.HELLO)
    summary = record([str(program)], tmp_path / "t.reven", on_progress=seen.append)
    assert [p.transitions for p in seen] == sorted(p.transitions for p in seen)
    assert seen[-1].transitions == summary.main.transitions
    assert seen[-1].bytes_written == summary.main.bytes_written


def test_it_records_from_another_thread(tmp_path: Path, compile_program: CompileProgram) -> None:
    program = compile_program(programs.HELLO)
    done: list[RecordSummary] = []
    thread = threading.Thread(
        target=lambda: done.append(record([str(program)], tmp_path / "t.reven"))
    )
    thread.start()
    thread.join()
    assert done[0].exit_status == 7


class TestChildren:
    def test_each_process_gets_a_trace(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        trace = tmp_path / "t.reven"
        summary = record([str(compile_program(programs.FORK))], trace)
        ends = [(Path(p.program).name, p.end_reason, p.end_code) for p in summary.processes]
        assert ends[0] == ("program", "exit", 0)
        assert sorted(ends[1:], key=str) == [
            ("echo", "exit", 0),
            ("program", "exec", None),
            ("program", "exit", 3),
        ]
        names = {p.trace.name for p in summary.processes}
        assert names == {"t.reven", "t.1.reven", "t.2.reven", "t.3.reven"}
        forks = [p for p in summary.processes[1:] if p.program == summary.main.program]
        assert {manifest_of(p.trace)["parent"] for p in forks} == {"t.reven"}
        assert all(p.complete for p in summary.processes)

    def test_they_are_left_alone_without_follow(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        program = compile_program(programs.FORK)
        summary = record([str(program)], tmp_path / "t.reven", options=RecordOptions(follow=False))
        assert len(summary.processes) == 1
        assert summary.exit_status == 0

    def test_a_program_that_becomes_another_ends_there(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        program = compile_program(programs.EXEC)
        summary = record([str(program)], tmp_path / "t.reven")
        assert [p.end_reason for p in summary.processes] == ["exec", "exit"]
        assert summary.processes[0].pid == summary.processes[1].pid
        alone = record([str(program)], tmp_path / "u.reven", options=RecordOptions(follow=False))
        assert [p.end_reason for p in alone.processes] == ["exec"]
        assert alone.exit_status == 0

    def test_its_trace_tells_the_end_of_what_replaced_it(self, tmp_path: Path) -> None:
        """To the last of a chain, by name; of what was not recorded, what is known."""
        chain = "exec bash -c 'exec sh -c \"kill -TERM \\$\\$\"'"
        summary = record(["bash", "-c", chain], tmp_path / "t.reven")
        ended = "was killed by SIGTERM, raised by the process itself"
        ended = f"was replaced by dash (exec, t.2.reven), which {ended}"
        ended = f"was replaced by bash (exec, t.1.reven), which {ended}"
        assert summary.main.ending == ended
        with reven2.open(tmp_path / "t.reven") as server:
            end = server.trace.end
            assert end is not None
            assert (str(end), end.successor) == (ended, "t.1.reven")
            assert any("t.1.reven" in limit for limit in server.trace.explain().limits)
        options = RecordOptions(follow=False)
        alone = record(["bash", "-c", "exec sh -c 'exit 3'"], tmp_path / "u.reven", options=options)
        assert alone.main.ending == (
            "was replaced by another program (exec, not recorded), which exited with status 3"
        )

    def test_a_later_process_with_the_same_number_replaced_nothing(self, tmp_path: Path) -> None:
        """A child that becomes a program that is not recorded has no successor."""
        options = RecordOptions(children=("sh", "dash", "bash"))
        record(["bash", "-c", "(exec true); (exec true); :"], tmp_path / "t.reven", options=options)
        for trace in tmp_path.glob("t.*.reven"):
            assert manifest_of(trace)["successor"] is None

    def test_a_program_that_valgrind_cannot_run_runs_unrecorded(self, tmp_path: Path) -> None:
        program = tmp_path / "set-user-id"
        shutil.copy("/bin/echo", program)
        program.chmod(0o4755)
        trace = tmp_path / "t.reven"
        process = run_recorder(trace, ["sh", "-c", f"{program} from the child; true"])
        out, err = process.communicate()
        assert (process.returncode, out, err) == (0, b"from the child\n", b"")
        assert manifest_of(trace)["complete"]
        assert manifest_of(tmp_path / "t.1.reven")["end_reason"] == "exec"
        assert not (tmp_path / "t.2.reven").exists()


class TestBounds:
    def record(self, program: Path, trace: Path, **options: Any) -> RecordSummary:
        return record([str(program)], trace, options=RecordOptions(**options))

    def test_from_a_symbol(self, tmp_path: Path, compile_program: CompileProgram) -> None:
        program = compile_program(programs.MARKS)
        trace = tmp_path / "t.reven"
        summary = self.record(program, trace, start="main")
        whole = self.record(program, tmp_path / "u.reven")
        assert summary.main.transitions < whole.main.transitions
        assert summary.main.end_reason == "exit"
        assert _engine.Trace(str(trace)).check().bad_loads == 0

    def test_from_a_hit_until_the_next(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        program = compile_program(programs.MARKS)
        trace = tmp_path / "t.reven"
        summary = self.record(program, trace, start="mark@2", until="mark")
        assert (summary.main.end_reason, summary.main.complete) == ("until", True)
        assert summary.exit_status == 0
        engine = _engine.Trace(str(trace))
        columns = engine.transitions(0, engine.transition_count)
        start = int(columns.pc[0])
        assert list(columns.pc).count(start) == 1
        registers = engine.registers(engine.transition_count)[1]
        assert int.from_bytes(registers[128:136], "little") == start
        rdi = int.from_bytes(engine.registers(0)[1][56:64], "little")
        assert rdi & 0xFFFFFFFF == 1

    def test_from_an_address(self, tmp_path: Path, compile_program: CompileProgram) -> None:
        program = compile_program(programs.MARKS)
        by_name = tmp_path / "t.reven"
        self.record(program, by_name, start="mark@3", until="mark")
        address = int(_engine.Trace(str(by_name)).transitions(0, 1).pc[0])
        by_address = tmp_path / "u.reven"
        self.record(program, by_address, start=f"{address:#x}@3", until=f"{address:#x}")
        counts = [_engine.Trace(str(t)).transition_count for t in (by_name, by_address)]
        assert counts[0] == counts[1]

    def test_a_start_that_is_never_reached(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        program = compile_program(programs.HELLO)
        trace = tmp_path / "t.reven"
        with pytest.raises(NothingRecorded, match="without reaching main@5") as caught:
            self.record(program, trace, start="main@5")
        assert caught.value.exit_status == 7
        assert not trace.exists()

    def test_most_transitions(self, tmp_path: Path, compile_program: CompileProgram) -> None:
        program = compile_program(programs.THREADS, "-pthread")
        trace = tmp_path / "t.reven"
        summary = self.record(program, trace, max_transitions=50_000)
        assert summary.main.transitions == 50_000
        assert (summary.main.end_reason, summary.main.complete) == ("limit", True)
        assert summary.exit_status == 0
        assert _engine.Trace(str(trace)).transition_count == 50_000


class TestOutput:
    def test_what_exists_is_not_touched(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        trace = tmp_path / "t.reven"
        trace.write_text("mine")
        for options in (RecordOptions(), RecordOptions(force=True)):
            with pytest.raises(TraceExists, match=r"t\.reven"):
                record([str(compile_program(programs.HELLO))], trace, options=options)
        assert trace.read_text() == "mine"

    def test_force_replaces_a_trace_and_its_childrens(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        trace = tmp_path / "t.reven"
        record([str(compile_program(programs.FORK))], trace)
        with pytest.raises(TraceExists):
            record([str(compile_program(programs.HELLO))], trace)
        record([str(compile_program(programs.HELLO))], trace, options=RecordOptions(force=True))
        assert [path.name for path in tmp_path.iterdir()] == ["t.reven"]
        assert manifest_of(trace)["end_code"] == 7


CLOCK_NANOSLEEP = 230


def _last_syscall(trace: _engine.Trace) -> int | None:
    calls = trace.syscalls(trace.transition_count - 1, trace.transition_count)
    return calls[-1].number if calls else None


class TestInterruption:
    def start(self, trace: Path, program: Path, **environment: str) -> subprocess.Popen[bytes]:
        process = run_recorder(trace, [program], environment)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    def test_ctrl_c_ends_the_program_and_keeps_the_trace(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        trace = tmp_path / "t.reven"
        process = self.start(trace, compile_program(programs.WAITING))
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
        manifest = manifest_of(trace)
        assert (manifest["end_reason"], manifest["end_code"]) == ("signal", signal.SIGINT)
        assert manifest["complete"]
        assert _engine.Trace(str(trace)).check().bad_loads == 0

    def test_sigterm_is_passed_on(self, tmp_path: Path, compile_program: CompileProgram) -> None:
        trace = tmp_path / "t.reven"
        process = self.start(trace, compile_program(programs.WAITING))
        process.terminate()
        process.communicate()
        assert process.returncode == 143
        assert manifest_of(trace)["complete"]

    def test_a_child_that_ignores_ctrl_c_is_terminated(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        trace = tmp_path / "t.reven"
        process = self.start(trace, compile_program(programs.STUBBORN), GRACE="0.3")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
        ends = [manifest_of(path)["end_code"] for path in (trace, tmp_path / "t.1.reven")]
        assert ends == [signal.SIGINT, signal.SIGTERM]

    def test_a_program_that_waits_can_be_looked_at(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        trace = tmp_path / "t.reven"
        process = self.start(trace, compile_program(programs.SLEEPING))
        assert not manifest_of(trace)["complete"]
        engine = _engine.Trace(str(trace))
        while engine.refresh() == 0 or _last_syscall(engine) != CLOCK_NANOSLEEP:
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        assert engine.refresh() == manifest_of(trace)["transitions"]

    def test_a_killed_program_leaves_a_trace(
        self, tmp_path: Path, compile_program: CompileProgram
    ) -> None:
        trace = tmp_path / "t.reven"
        process = self.start(trace, compile_program(programs.WAITING))
        os.kill(manifest_of(trace)["pid"], signal.SIGKILL)
        process.communicate()
        assert process.returncode == 137
        assert not manifest_of(trace)["complete"]
        checked = _engine.Trace(str(trace)).check()
        assert checked.transitions > 0
        assert checked.bad_loads == 0
