# SPDX-License-Identifier: Apache-2.0
"""Programs with known faults are explained: the kind, and the line where things went wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import reven2
from reven2.explanation import Explanation

from . import crash_programs as programs

REVEN = str(Path(sys.executable).with_name("reven"))


class Case(NamedTuple):
    """`says`: a regular expression for the headline; `shows`: for one of the statements."""

    source: str
    kind: str
    says: str
    shows: str = ""
    flags: tuple[str, ...] = ("-O0",)
    language: str = "c"


CASES = {
    "NULL of fopen": Case(
        programs.NULL_FROM_FOPEN,
        "null pointer",
        r'fopen\("/nonexistent/data.txt"\) returned NULL',
        "ENOENT",
    ),
    "NULL of getenv": Case(programs.NULL_FROM_GETENV, "null pointer", "getenv.*NOT_SET_ANYWHERE"),
    "NULL of malloc": Case(programs.NULL_FROM_MALLOC, "null pointer", r"malloc\([\d,]+\) returned"),
    "a NULL that nobody set": Case(
        programs.NULL_MEMBER,
        "null pointer",
        "is NULL",
        "byte 8 of the block of 16 bytes.*never set",
    ),
    "a member written over in parts": Case(
        programs.LOOP_OVER_POINTER,
        "overflow",
        "in rename_to writes over the pointer",
        "was stored here",
    ),
    "freed and used": Case(
        programs.USE_AFTER_FREE,
        "use after free",
        "byte 0 of the block of 16 bytes",
        "free freed it",
    ),
    # The table of functions is sought where what was freed says, which is anywhere.
    "deleted and called": Case(
        programs.VIRTUAL_CALL_AFTER_DELETE,
        "use after free",
        "byte 0 of the block of 16 bytes from operator new",
        "operator delete freed it",
        language="cpp",
    ),
    "local of a function that returned": Case(
        programs.RETURNED_LOCAL, "use after free", "variable l .*had returned"
    ),
    "text over a pointer": Case(
        programs.TEXT_OVER_POINTER, "overflow", "strcpy.*a text over the pointer"
    ),
    "index of a table of functions": Case(
        programs.FUNCTION_TABLE, "bad jump", "beyond ops", flags=("-O1",)
    ),
    "noexcept": Case(programs.NOEXCEPT, "exception", "std::logic_error: inner", language="cpp"),
    "freed and used, optimised": Case(
        programs.USE_AFTER_FREE, "use after free", "byte 0 of the block", flags=("-O2",)
    ),
    "heap overflow": Case(programs.HEAP_OVERFLOW, "overflow", "just beyond the block of 24 bytes"),
    "heap overflow, optimised": Case(
        programs.HEAP_OVERFLOW, "heap corruption", "beyond the block of 24 bytes", flags=("-O2",)
    ),
    "damaged heap": Case(
        programs.CORRUPTED_HEAP, "heap corruption", "just beyond the block of 40 bytes"
    ),
    "endless recursion": Case(
        programs.STACK_OVERFLOW, "stack overflow", "even → odd → even|odd → even → odd"
    ),
    "canary": Case(
        programs.STACK_SMASHING,
        "stack smashing",
        r"element 16 of name \(char \[16\] in read_name\)",
        flags=("-O0", "-fstack-protector-all"),
    ),
    "return address": Case(
        programs.RETURN_OVERWRITTEN,
        "bad jump",
        "0x7878787878787878.*element 16 of name",
        flags=("-O0", "-fno-stack-protector"),
    ),
    "division": Case(programs.DIVISION, "division", "divisor is 0", "constant"),
    "assertion": Case(programs.ASSERTION, "assertion", "size > 0", "written to size"),
    "abort": Case(programs.ABORT, "abort", "internal error: more arguments", "argc"),
    "freed twice": Case(programs.DOUBLE_FREE, "double free", "a second time", "free freed it"),
    "fortified": Case(
        programs.FORTIFIED,
        "overflow",
        r"strcpy would write more into name \(char \[8\]\)",
        flags=("-O2", "-D_FORTIFY_SOURCE=2"),
    ),
    "exception": Case(programs.THROWN, "exception", "ParseError: no value in 'b'", language="cpp"),
    "exception of the library": Case(
        programs.THROWN_BY_LIBRARY, "exception", "std::out_of_range: .*which is 7", language="cpp"
    ),
    "thread not joined": Case(
        programs.THREAD_NOT_JOINED,
        "abort",
        "std::terminate was called without an exception",
        flags=("-O0", "-pthread"),
        language="cpp",
    ),
    "pure virtual": Case(programs.PURE_VIRTUAL, "abort", "pure virtual function", language="cpp"),
    "trap": Case(programs.TRAP, "illegal instruction", "SIGILL", "je was not taken.*0x7"),
    "constant written": Case(programs.READ_ONLY, "wild access", "may not be written"),
    "unmapped": Case(
        programs.UNMAPPED, "use after free", "byte 5 of the mapping", "munmap unmapped"
    ),
    "uninitialised": Case(
        programs.UNINITIALISED, "uninitialised", "byte 8 of the block of 16 bytes"
    ),
    "exit": Case(programs.EXIT_STATUS, "exit", "status 3", "ENOENT"),
    "deadlock": Case(
        programs.DEADLOCK, "deadlock", "deadlock", "waits for the lock kitchen", ("-O0", "-pthread")
    ),
    "endless loop": Case(programs.ENDLESS_LOOP, "interrupted", "settle had been running", "lines"),
    "broken pipe": Case(programs.BROKEN_PIPE, "signal", "nobody reads", "reading end.*was closed"),
}


def bug_lines(source: str) -> list[int]:
    """The numbers of the lines that say so."""
    lines = source.split("\n")
    return [number for number, line in enumerate(lines, 1) if re.search("/[/*] BUG", line)]


def line_of(found: Explanation) -> int:
    """The line where it first was wrong; negative if that is not own code."""
    wrong = found.first_wrong
    if wrong is None or wrong.place is None:
        return -1
    return wrong.place.line if wrong.place.is_own else -2


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_end_is_explained(record_program, case: Case) -> None:
    trace = record_program(case.source, *case.flags, "-w", language=case.language)
    found = reven2.open(trace).trace.explain()
    assert found.kind == case.kind, str(found)
    assert found.first_wrong is not None
    assert re.search(case.says, found.headline), str(found)
    if case.shows:
        assert any(re.search(case.shows, one.text) for one in found.statements), str(found)
    place = found.first_wrong.place
    assert place is not None
    assert place.is_own, str(found)
    assert place.line in bug_lines(case.source), str(found)
    # Every statement about the program's own doing has its transition.
    for one in found.statements:
        assert one.role in ("message", "source", "note") or one.transition is not None


def test_an_index_leads_to_the_bytes_of_the_file(
    compile_program, record_command, tmp_path_factory
) -> None:
    data = tmp_path_factory.mktemp("input") / "in.bin"
    data.write_bytes(bytes(11) + b"\xff\xff\xff\x40" + bytes(40))
    program = compile_program(programs.INDEX_FROM_FILE, "-O0", "-w")
    found = reven2.open(record_command([program, data])).trace.explain()
    assert found.kind == "wild access"
    assert "element 1,090,519,039 of weights (int32_t [64])" in found.headline
    (source,) = [one for one in found.statements if one.role == "source" and "in.bin" in one.text]
    assert source.text == f"it comes from {data}, bytes 11–14"
    assert source.transition is not None
    assert line_of(found) in bug_lines(programs.INDEX_FROM_FILE)


def test_an_index_leads_to_the_argument(record_program) -> None:
    arguments = ["12345678901"]
    trace = record_program(programs.INDEX_FROM_ARGUMENT, "-O0", "-w", arguments=arguments)
    found = reven2.open(trace).trace.explain()
    assert any("argv[1], bytes 0–10" in one.text for one in found.statements), str(found)
    assert any("strtol" in one.text or "atol" in one.text for one in found.statements)


def test_success_is_said_plainly(record_program) -> None:
    found = reven2.open(record_program(programs.SUCCESS)).trace.explain()
    assert (found.kind, found.first_wrong, found.limits) == ("success", None, [])


def test_an_overflow_that_nobody_noticed(record_program) -> None:
    trace = record_program(programs.SILENT_OVERFLOW, "-O0", "-w")
    found = reven2.open(trace).trace.explain()
    assert found.kind == "success"
    assert "an error of memory" in found.headline
    assert line_of(found) in bug_lines(programs.SILENT_OVERFLOW), str(found)


def test_own_code_is_what_the_person_says(record_program) -> None:
    trace = reven2.open(record_program(programs.NULL_FROM_GETENV, "-O0", "-w")).trace
    assert line_of(trace.explain()) > 0
    assert line_of(trace.explain(not_own=["program.c"])) < 0
    assert line_of(trace.explain(own=["program.c"])) > 0


def test_a_signal_of_somebody_else(compile_program, tmp_path) -> None:
    program = compile_program("#include <unistd.h>\nint main(void) { for (;;) pause(); }", "-O0")
    trace = tmp_path / "killed.reven"
    with subprocess.Popen([REVEN, "record", "-q", "-o", trace, "--", program]) as process:
        pid = _pid_of(trace)
        wait_for_call(pid, 34)  # pause
        os.kill(pid, signal.SIGTERM)
        process.wait()
    found = reven2.open(trace).trace.explain()
    assert found.kind == "waiting", str(found)
    assert "SIGTERM" in found.headline
    assert "waits in pause" in found.headline


def wait_for_call(pid: int, number: int) -> None:
    """Until a process waits in a system call."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if Path(f"/proc/{pid}/syscall").read_text().startswith(f"{number} "):
            return
    raise AssertionError(f"process {pid} does not come to call {number}")


def _pid_of(trace: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            pid = json.loads((trace / "manifest.json").read_text())["pid"]
        except (OSError, ValueError, KeyError):
            continue
        if pid:
            return int(pid)
    raise AssertionError("the recording has no process")


def test_a_server_says_the_same(record_program, serve_traces) -> None:
    trace = record_program(programs.NULL_FROM_FOPEN, "-O0", "-w")
    port = serve_traces(trace)
    remote = reven2.RevenServer("localhost", port)
    assert str(remote.trace.explain()) == str(reven2.open(trace).trace.explain())


def test_the_command(record_program) -> None:
    trace = record_program(programs.NULL_FROM_FOPEN, "-O0", "-w")
    words = [REVEN, "explain", str(trace)]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("null pointer  ")
    assert 'reader->file = fopen(path, "r");' in shown
    printed = subprocess.run([*words, "--json"], capture_output=True, check=True).stdout
    found: dict[str, Any] = json.loads(printed)
    assert found["kind"] == "null pointer"
    assert [found["first_wrong"]["place"]["line"]] == bug_lines(programs.NULL_FROM_FOPEN)
