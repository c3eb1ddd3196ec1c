# SPDX-License-Identifier: Apache-2.0
"""Debian's gdb over recorded programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reven2

from .compatibility import Claims
from .gdb_client import gdb, gdb_version
from .programs import DEBUGGED, DEBUGGED_FLAGS, THREAD_FLAGS, THREADS

Say = Callable[..., list[str]]


@pytest.fixture(scope="module")
def trace(record_program: Any) -> Path:
    path: Path = record_program(DEBUGGED, *DEBUGGED_FLAGS)
    return path


@pytest.fixture
def say(start_bridge: Any, trace: Path, tmp_path: Path) -> Say:
    """`say(*commands) -> what gdb printed for each`."""
    address = start_bridge("gdb", trace)
    return lambda *commands: gdb(address, commands, tmp_path)


@pytest.fixture
def works(claims: Claims) -> Callable[[str], None]:
    version = gdb_version()
    return lambda what: claims.works("gdb", "gdb", version, what)


def line_of(text: str) -> int:
    return DEBUGGED.split(text)[0].count("\n") + 1


def test_breakpoints_forward_and_backward(say: Say, works: Any) -> None:
    said = say(
        "break add",
        *["continue", "print a"] * 3,
        *["reverse-continue", "print a"] * 2,
        "reverse-continue",
        "py gdb.selected_frame().name()",
        "delete",
        "tbreak add if a == 14",
        "continue",
        "print b",
        "backtrace",
        "continue",
    )
    assert [said[i] for i in (2, 4, 6, 8, 10)] == [
        f"${number} = {value}" for number, value in enumerate((0, 3, 4, 3, 0), 1)
    ]
    assert "No more reverse-execution history" in said[11]
    assert said[12] == "_start"
    assert said[16].endswith("= 9")
    assert re.findall(r"#\d .*?(\w+) \(", said[17]) == ["add", "sum_of", "main"]
    assert "SIGUSR1" in said[18]
    works("breakpoints and conditions, forward and backward")
    works("backtraces")


def test_steps_forward_and_backward(say: Say, works: Any) -> None:
    said = say(
        *("tbreak add", "continue", "finish", "reverse-step"),
        "py gdb.selected_frame().name()",
        *("reverse-finish", "py gdb.selected_frame().name()"),
        *("step", "step", "py gdb.selected_frame().name()"),
        *("up", "py gdb.selected_frame().find_sal().line", "next", "next"),
        *("py gdb.selected_frame().name()", "reverse-next", "reverse-next"),
        "py gdb.selected_frame().name()",
        *("monitor where", "stepi", "monitor where", "reverse-stepi", "monitor where"),
    )
    assert "Value returned is $1 = 3" in said[2]
    assert (said[4], said[6], said[9]) == ("add", "sum_of", "add")
    assert said[11] == str(line_of("sum = add("))
    assert said[14] == "sum_of"
    assert said[17] == "sum_of"
    assert said[18] == said[22] != said[20]
    works("step, next, finish, stepi, and the same in reverse")


def test_watchpoints_are_changes(say: Say, works: Any) -> None:
    said = say(
        *("tbreak main", "continue", "watch total"),
        *["continue"] * 3,
        *["reverse-continue"] * 3,
        *("delete", "rwatch values[2]", "continue", "print $pc", "print i"),
        *("delete", "awatch total", "continue", "print total"),
    )
    changes = [re.findall(r"(?:Old|New) value = (-?\d+)", text) for text in said[3:9]]
    assert changes == [["0", "3"], ["3", "4"], ["4", "8"], ["8", "4"], ["4", "3"], ["3", "0"]]
    assert "read watchpoint" in said[11]
    assert said[13].endswith("= 2")
    assert said[17].endswith("= 3") or said[17].endswith("= 8")
    works("watch, rwatch, awatch, forward and backward")


def test_signals_stop_it_and_are_passed(
    say: Say, record_command: Any, trace: Path, start_bridge: Any, tmp_path: Path, works: Any
) -> None:
    said = say(
        *("continue", "continue", "reverse-continue", "reverse-continue"),
        *("handle SIGUSR1 nostop noprint pass", "continue", "reverse-continue"),
    )
    assert "received signal SIGUSR1" in said[0]
    assert "No more reverse-execution history" in said[1]
    assert "received signal SIGUSR1" in said[2]
    for text in (said[3], said[5], said[6]):
        assert "No more reverse-execution history" in text
    with reven2.open(trace) as server:
        program = next(one.path for one in server.ossi.executed_binaries("/program$"))
    crashed = gdb(
        start_bridge("gdb", record_command([program, "x"]), "--at", "last"),
        ["print bad", "x/i $pc", "tbreak sum_of", "reverse-continue", "continue", "continue",
         "print $_siginfo"],
        tmp_path,
    )  # fmt: skip
    assert crashed[0] == "$1 = (int *) 0x0"
    assert "movl   $0x1,(%rax)" in crashed[1]
    assert "SIGUSR1" in crashed[3]
    works("signals as stops, `handle`")


def test_registers_are_those_of_the_trace(say: Say, trace: Path, works: Any) -> None:
    wanted = ["rip", "rsp", "rax", "r13", "eflags", "fs_base", "mxcsr", "cs"]
    said = say(
        "handle SIGUSR1 nostop noprint pass",
        *("tbreak puts", "continue", "monitor where"),
        *(f"print/x ${name}" for name in wanted),
        *("print $ymm1.v4_int64", "print $st0", "print/x $fctrl", "p $rax = 3"),
    )
    found = re.match(r"#(\d+)", said[3])
    assert found
    with reven2.open(trace) as server:
        context = server.trace.context_before(int(found[1]))
        for name, text in zip(wanted, said[4:], strict=False):
            assert int(text.split("=")[1], 16) == context.read(name), name
        vector = context.read("ymm1", raw=True)
        lanes = [int.from_bytes(vector[at : at + 8], "little") for at in range(0, 32, 8)]
        signed = [lane - (lane >> 63 << 64) for lane in lanes]
        assert said[12].split("=")[1].strip() == "{" + ", ".join(map(str, signed)) + "}"
        assert int(said[14].split("=")[1], 16) == context.read("fcw")
    assert "cannot be changed" in said[15]
    works("general, vector, x87 and segment registers")


def test_the_process_is_seen_without_its_files(say: Say, trace: Path, works: Any) -> None:
    said = say(
        *("tbreak main", "continue", "info proc mappings", "info sharedlibrary", "info auxv"),
        *("x/s *argv", "x/2i $pc", "info proc", "x/s 0", "set var total = 3", "info threads"),
        *("monitor where", "print values", "info files"),
    )
    number = int(said[11].split()[0][1:])
    with reven2.open(trace) as server:
        mappings = server.trace._service.mappings(number, number)
        base = re.findall(r"AT_BASE .*? (0x\w+)", said[4])
        assert base, said
        assert any(one.start == int(base[0], 16) for one in mappings)
    rows = re.findall(r"^\s+(0x\w+)\s+(0x\w+)\s+0x\w+\s+(0x\w+)\s+(\S+)", said[2], re.MULTILINE)
    assert [(int(low, 16), int(high, 16)) for low, high, _, _ in rows] == [
        (one.start, one.stop) for one in mappings
    ]
    assert "libc.so.6" in said[3]
    assert "ld-linux" in said[3]
    assert '/program"' in said[5]
    assert "=>" in said[6]
    assert "/program" in said[7]
    assert "Cannot access memory" in said[8]
    assert "Cannot access memory" in said[9]
    assert "{3, 1, 4, 1, 5, 9, 2, 6}" in said[12]
    works("info proc mappings, sharedlibrary, auxv; binaries out of the trace")


def test_conditions_are_evaluated_by_the_bridge(say: Say, works: Any) -> None:
    said = say(
        "set debug remote 0",
        "show breakpoint condition-evaluation",
        "break add if values[3] == b && a > 4 || $rdi * 2 == 26",
        *("continue", "print a", "continue", "print a"),
        "info breakpoints",
    )
    assert "target" in said[1]
    assert said[4].endswith("= 8")
    assert "stop only if" in said[7]
    assert "target evals" in said[7]
    works("conditions evaluated where the trace is")


def test_threads(record_program: Any, start_bridge: Any, tmp_path: Path, works: Any) -> None:
    trace = record_program(THREADS, *THREAD_FLAGS)
    said = gdb(
        start_bridge("gdb", trace),
        [
            *("break tick", "continue", "continue", "info threads"),
            "py sorted(t.num for t in gdb.selected_inferior().threads())",
            *("thread apply all bt 1", "monitor where", "stepi", "stepi", "reverse-stepi"),
            *("thread 1", "backtrace"),
            "delete",
            *("watch counted[1]", "print counted[1]"),
            *["continue"] * 5,
        ],
        tmp_path,
    )
    assert said[4] == "[1, 2, 3]"
    assert "pthread_join" in said[11] or "main" in said[11]
    begin = int(said[14].split()[-1])
    changes = [re.findall(r"value = (\d+)", text) for text in said[15 : 20 - begin]]
    assert changes == [[str(i), str(i + 1)] for i in range(begin, 5)]
    works("threads, each with its registers")


STEPS = (
    *("next", "next", "step", "finish", "step", "reverse-step", "reverse-step", "reverse-next"),
    *("reverse-finish", "stepi", "stepi", "reverse-stepi", "reverse-next", "next", "next"),
)


def test_it_steps_as_gdbs_own_record_does(
    trace: Path, start_bridge: Any, tmp_path: Path, works: Any
) -> None:
    with reven2.open(trace) as server:
        program = next(one.path for one in server.ossi.executed_binaries("/program$"))
    where = "py (gdb.selected_frame().name(), gdb.selected_frame().find_sal().line)"
    steps = ["tbreak add", "continue", *(word for step in STEPS for word in (step, where))]
    ours = gdb(start_bridge("gdb", trace), ["tbreak main", "continue", *steps], tmp_path)
    begin = ["tbreak main", "run > /dev/null", "record full"]
    theirs = gdb(None, [*begin, *steps], tmp_path, program)
    assert ours[5::2] == theirs[6::2]
    works("all steps end where those of gdb's own `record full` do")


def test_within_a_session(
    trace: Path, serve_traces: Any, start_bridge: Any, tmp_path: Path, works: Any
) -> None:
    port = serve_traces(trace)
    served = f"localhost:{port}/{trace.name.removesuffix('.reven')}"
    with reven2.RevenServer("localhost", port, name="analyst") as analyst:
        listener = analyst.sessions.listen("default")
        address = start_bridge("gdb", served, "--publish")
        said = gdb(address, ["tbreak add", "continue", "monitor where", "shell sleep 1"], tmp_path)
        # It also stops where libraries are loaded, to read their symbols.
        while not said[2].startswith(f"{listener.next_event(60)} "):
            pass
        said = gdb(address, ["monitor goto #3000", "monitor publish"], tmp_path)
        assert said[1] == "The others come here."
        shown = listener.next_event(60)
        assert str(shown) == "#3000"
        analyst.sessions.publish_transition(analyst.trace.transition(1000))
        commands = Path(reven2.__file__).parents[1] / "reven/bridges/gdb/commands.gdb"
        said = gdb(
            address,
            ["monitor follow", "monitor where", f"source {commands}", "reven goto #2000",
             "print $pc", "reven origin rsp", "monitor goto nowhere", "monitor nonsense"],
            tmp_path,
        )  # fmt: skip
        assert said[1].startswith("#1000 ")
        assert said[3].startswith("#2000 ")
        assert int(said[4].split()[-2 if "<" in said[4] else -1], 16) == (
            analyst.trace.transition(2000).pc
        )
        assert said[5].startswith("Origin of rsp")
        assert "no register or symbol" in said[6] or "nowhere" in said[6]
        assert "There is no monitor command" in said[7]
    works("sessions: `monitor publish`, `follow`, `goto`, `origin`")
