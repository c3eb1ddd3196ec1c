# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

COUNTING = """
#include <stdio.h>
__attribute__((noinline)) int step(int i) { return i * 3 + 1; }
int main(void) {
    int sum = 0;
    for (int i = 0; i < 10; i++) sum += step(i);
    printf("%d\\n", sum);
    return 0;
}
"""

BUSY = """
#include <stdio.h>
#include <unistd.h>
int main(void) {
    puts("waiting");
    fflush(stdout);
    for (volatile long i = 0;; i++) continue;
}
"""


def count(reven, trace):
    return json.loads(reven("info", trace, "--json").stdout)["transitions"]


def test_the_program_keeps_its_streams_and_directory(reven, tmp_path):
    done = reven("record", "-q", "--", "sh", "-c", "cat; pwd; echo oops >&2", stdin="typed\n")
    assert done.stdout == f"typed\n{tmp_path}\n"
    assert done.stderr == "oops\n"


def test_the_exit_status_is_the_programs(reven):
    assert reven("record", "--", "sh", "-c", "exit 7").returncode == 7


def test_a_death_by_signal_is_said_and_exits_128_plus_its_number(reven, crash):
    done = reven("record", "--", crash)
    assert done.returncode == 128 + signal.SIGSEGV
    assert done.stdout == "before\n"
    assert "program was killed by SIGSEGV" in done.stderr


def test_the_summary_says_what_there_is_and_what_to_type_next(reven, tmp_path):
    done = reven("record", "--", "true")
    assert "true exited with status 0" in done.stderr
    assert "bytes per transition" in done.stderr
    assert "reven show true.reven" in done.stderr
    assert "\x1b" not in done.stderr
    assert (tmp_path / "true.reven").is_dir()


def test_quiet_says_nothing(reven):
    done = reven("record", "-q", "--", "true")
    assert (done.stdout, done.stderr) == ("", "")


def test_the_default_name_is_numbered_when_it_exists(reven, tmp_path):
    reven("record", "--", "true")
    reven("record", "--", "true")
    assert {path.name for path in tmp_path.iterdir()} == {"true.reven", "true-2.reven"}


def test_options_of_the_program_are_not_ours(reven):
    done = reven("record", "echo", "-q", "--from")
    assert done.stdout == "-q --from\n"


def test_an_existing_output_is_refused(reven, tmp_path):
    (tmp_path / "kept.reven").mkdir()
    done = reven("record", "-o", "kept.reven", "--", "true")
    assert done.returncode == 125
    assert done.stderr.startswith("reven: kept.reven exists;")
    assert done.stderr.count("\n") == 1


def test_force_replaces_a_trace(reven, tmp_path):
    reven("record", "-o", "t.reven", "--", "true")
    assert reven("record", "--force", "-o", "t.reven", "--", "false").returncode == 1
    assert json.loads(reven("info", "t.reven", "--json").stdout)["manifest"]["command"] == ["false"]


def test_force_does_not_replace_what_is_no_trace(reven, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").touch()
    assert reven("record", "--force", "-o", "photos", "--", "true").returncode == 125
    assert (tmp_path / "photos" / "one.jpg").exists()


def test_a_program_that_is_not_found_is_127(reven, tmp_path):
    done = reven("record", "--", "no-such-program")
    assert (done.returncode, done.stderr.count("\n")) == (127, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_is_not_executable_is_126(reven, tmp_path):
    (tmp_path / "notes.txt").write_text("no program")
    done = reven("record", "--", "./notes.txt")
    assert (done.returncode, done.stderr.count("\n")) == (126, 1)
    assert "chmod +x" in done.stderr


def test_a_program_of_another_architecture_is_126(reven, tmp_path):
    program = tmp_path / "arm"
    data = bytearray(Path("/bin/true").read_bytes())
    data[18:20] = (183).to_bytes(2, "little")
    program.write_bytes(data)
    program.chmod(0o755)
    done = reven("record", "--", program)
    assert done.returncode == 126
    assert "64-bit ARM" in done.stderr


def test_missing_valgrind_is_said_with_what_to_run(reven, tmp_path):
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("true", "gcc", "apt-get"):
        (commands / name).symlink_to(shutil.which(name) or "/bin/true")
    done = reven("record", "--", "true", env={"PATH": str(commands)})
    assert done.returncode == 125
    assert "apt-get install -y valgrind" in done.stderr


def test_from_and_until_bound_what_is_kept(reven, compile_program):
    program = compile_program(COUNTING)
    done = reven("record", "-o", "t.reven", "--from", "step@2", "--until", "step@2", "--", program)
    assert (done.returncode, done.stdout) == (0, "145\n")
    assert "ran on unrecorded" in done.stderr
    shown = json.loads(reven("show", "t.reven", "--at", "0", "-n", "1000", "--json").stdout)
    symbols = [t["location"]["symbol"] for t in shown]
    entries = [s for i, s in enumerate(symbols) if s == "step" and (i == 0 or symbols[i - 1] != s)]
    assert symbols[0] == "step"
    assert len(entries) == 2


def test_a_start_that_is_never_reached_is_said(reven, compile_program, tmp_path):
    done = reven("record", "-o", "t.reven", "--from", "step@99", "--", compile_program(COUNTING))
    assert (done.returncode, done.stdout) == (125, "145\n")
    assert "without reaching step@99" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [1, 5000])
def test_max_transitions_is_exact(reven, compile_program, limit):
    program = compile_program(COUNTING)
    done = reven("record", "-o", "t.reven", "--max-transitions", limit, "--", program)
    assert (done.returncode, done.stdout) == (0, "145\n")
    assert count(reven, "t.reven") == limit


def test_children_have_traces_of_their_own(reven, tmp_path):
    done = reven("record", "-o", "t.reven", "--", "sh", "-c", "/bin/echo child; exit 3")
    assert (done.returncode, done.stdout) == (3, "child\n")
    traces = {path.name for path in tmp_path.iterdir()}
    assert {"t.reven", "t.1.reven"} <= traces
    commands = [
        json.loads(reven("info", trace, "--json").stdout)["manifest"]["command"]
        for trace in traces - {"t.reven"}
    ]
    assert ["/bin/echo", "child"] in commands


def test_no_follow_records_only_the_program(reven, tmp_path):
    done = reven(
        "record", "--no-follow", "-o", "t.reven", "--", "sh", "-c", "/bin/echo child; true"
    )
    assert (done.returncode, done.stdout) == (0, "child\n")
    assert [path.name for path in tmp_path.iterdir()] == ["t.reven"]


def test_a_terminal_shows_progress_below_the_programs_output(
    reven_on_terminal, compile_program, tmp_path
):
    program = compile_program(BUSY)
    screens, status = reven_on_terminal(
        "record", "--", program, keys={"waiting.*recording": b"\x03"}
    )
    during = next(s for s in screens if "recording" in s[-1] and s[0] == "waiting")
    assert "transitions" in during[-1]
    assert not any("recording" in line for line in screens[-1])
    assert status == 128 + signal.SIGINT


def test_ctrl_c_keeps_the_trace(reven_on_terminal, reven, compile_program):
    program = compile_program(BUSY)
    screens, _ = reven_on_terminal(
        "record", "-o", "t.reven", "--", program, keys={"recording": b"\x03"}
    )
    assert any("was killed by SIGINT" in line for line in screens[-1])
    assert reven("check", "t.reven").returncode == 0
