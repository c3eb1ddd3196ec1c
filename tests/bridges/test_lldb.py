# SPDX-License-Identifier: Apache-2.0
"""Debian's LLDB over a recorded program: forward, for it has no reverse before version 21."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import reven2

from .compatibility import Claims
from .programs import DEBUGGED, DEBUGGED_FLAGS


def lldb(commands: list[str]) -> str:
    words = [word for command in commands for word in ("-o", command)]
    done = subprocess.run(
        ["lldb", "-b", "--no-lldbinit", "--no-use-colors", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def test_forward(record_program: Any, start_bridge: Any, claims: Claims) -> None:
    trace: Path = record_program(DEBUGGED, *DEBUGGED_FLAGS)
    with reven2.open(trace) as server:
        program = next(one.path for one in server.ossi.executed_binaries("/program$"))
    said = lldb(
        [
            f"target create {program}",
            f"gdb-remote {start_bridge('gdb', trace)}",
            *("breakpoint set -n add", "continue", "bt", "register read rip"),
            *("memory region $rsp", "thread step-inst", "finish"),
            *("breakpoint delete -f", "watchpoint set variable total", "continue", "continue"),
            *("watchpoint delete -f", "continue", "continue", "process status"),
        ]
    )
    assert "stop reason = breakpoint 1.1" in said
    assert re.search(r"frame #0: .*add\(a=0, b=3\)", said)
    assert re.search(r"frame #1: .*sum_of\(count=8\)", said)
    assert "rw- [stack]" in said
    assert "stop reason = instruction step into" in said
    assert "Return value: (int)" in said
    values = re.findall(r"(?:old|new) value: (\d+)", said)
    assert values[-4:] == ["0", "3", "3", "4"]
    assert "stop reason = signal SIGUSR1" in said
    version = subprocess.run(["lldb", "--version"], capture_output=True, text=True, check=True)
    number = version.stdout.split()[-1]
    what = "breakpoints, watchpoints, steps, backtraces, registers, memory, signals"
    claims.works("gdb", "LLDB", number, what)
    claims.lacks("gdb", "LLDB", number, "reverse execution: LLDB has it from 21 on")
