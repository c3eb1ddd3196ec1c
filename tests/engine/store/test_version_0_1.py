# SPDX-License-Identifier: Apache-2.0
"""A trace that version 0.1 made (version_0_1/make.sh) is read as if it were today's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import reven2
from reven import _engine
from reven2.arch import x64
from reven2.memhist import MemoryAccessOperation

TRACE = Path(__file__).parent / "version_0_1/trace"
TOTAL, SQUARE = 0x401158, 0x4000E8
SQUARES = [0, 1, 4, 9, 16, 25, 36, 49]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy: opening a trace adds its index."""
    return Path(shutil.copytree(TRACE, tmp_path / "old.reven"))


def reven(*words: str | Path) -> str:
    command = [Path(sys.executable).parent / "reven", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_of_version_0_1() -> None:
    assert int.from_bytes((TRACE / "segments.bin").read_bytes()[8:12], "little") == 2
    assert json.loads((TRACE / "manifest.json").read_text())["format"] == 1


def test_its_registers(old: Path, open_trace: Callable[[Path], reven2.OpenTrace]) -> None:
    trace = open_trace(old).trace
    returns = [t for t in trace.transitions() if " ret" in str(t)]
    assert [t.context_before().read(x64.rax) for t in returns] == SQUARES
    assert len(trace.context_before(0)._view()) == len(trace.context_after(108)._view())
    first = trace.context_before(0)
    assert (first.read(x64.rip), first.read(x64.cs), first.read(x64.if_)) == (0x4000F0, 0x33, 1)
    with pytest.raises(reven2.errors.RegisterReadError):
        first.read(x64.cr3)
    assert first.find_register_change(x64.cs) is None
    changed = trace.context_before(4).find_register_change(x64.rip)
    assert changed is not None


def test_its_memory_history(old: Path, open_trace: Callable[[Path], reven2.OpenTrace]) -> None:
    trace = open_trace(old).trace
    writes = list(trace.memory_accesses(TOTAL, 8, operation=MemoryAccessOperation.Write))
    sums = [sum(SQUARES[: i + 1]) for i in range(8)]
    assert [write.transition.context_after().read(TOTAL, 8) for write in writes] == sums
    assert all(w.physical_address.offset == w.virtual_address.offset == TOTAL for w in writes)
    assert not any(t.device_accesses() for t in trace.transitions())


def test_its_calls(old: Path, open_trace: Callable[[Path], reven2.OpenTrace]) -> None:
    trace = open_trace(old).trace
    entered = list(trace.search.pc(SQUARE))
    assert len(entered) == 8
    assert {str(context.ossi.location()) for context in entered} == {"squares!square"}
    assert "square" in reven("calls", old)


def test_commands(old: Path) -> None:
    info = json.loads(reven("info", old, "--json"))
    assert (info["transitions"], info["manifest"]["format"]) == (109, 1)
    assert (info["manifest"]["kind"], info["manifest"]["architecture"]) == ("program", "x86-64")
    checked = json.loads(reven("check", old, "--json"))
    assert checked["bad_loads"] == checked["bad_key_frames"] == 0
    assert "syscall" in reven("show", old)


def test_what_it_holds_is_what_the_engine_reads(old: Path) -> None:
    trace = _engine.Trace(str(old))
    result = trace.check()
    assert (result.transitions, result.executions, result.problems) == (109, 26, [])
    assert result.loads > 16
    assert [call.number for call in trace.syscalls(0, 109)] == [1, 60]
