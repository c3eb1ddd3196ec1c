# SPDX-License-Identifier: Apache-2.0
"""Whoever changes memory: every byte that a program loads is what the trace holds, and the
history says who put it there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reven import _engine
from reven2.memhist import MemoryAccess, MemoryAccessCause, MemoryAccessOperation
from reven2.preview.taint import Tainter, origin
from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays
from tests.recorders.valgrind.shared_memory import (
    FILE_TWICE,
    FILES,
    LATER,
    MANY_ADDRESSES,
    OLD_FILE,
    OUTPUTS,
    REMAP_ZERO,
    ROBUST,
    SCANNED,
    SYSTEM_V,
    TWO_ADDRESSES,
    TWO_PROCESSES,
)

Record = Callable[..., Path]
Open = Callable[[Path], Any]


def checked(trace: Path) -> _engine.CheckResult:
    """The outcome of a check that finds nothing wrong."""
    result = _engine.Trace(str(trace)).check()
    assert (result.bad_loads, result.bad_key_frames, result.problems) == (0, 0, [])
    return result


def first(server: Any, cause: MemoryAccessCause) -> MemoryAccess:
    """The first write of that cause in a trace."""
    written = server.trace.memory_accesses(operation=MemoryAccessOperation.Write)
    found = next(one for one in written if one.cause is cause)
    assert isinstance(found, MemoryAccess)
    return found


def stored_at(seen: MemoryAccess) -> MemoryAccess:
    """The access of the instruction that wrote what is seen at another address."""
    [stored] = [
        one
        for one in seen.transition.memory_accesses()
        if one.cause is MemoryAccessCause.Instruction
    ]
    return stored


def test_what_system_calls_write_is_recorded(record_program: Record, open_trace: Open) -> None:
    trace = record_program(OUTPUTS)
    assert checked(trace).outside_changes == 0
    assert first(open_trace(trace), MemoryAccessCause.SystemCall).size > 0


def test_a_page_at_two_addresses(record_program: Record, open_trace: Open) -> None:
    trace = record_program(TWO_ADDRESSES)
    result = checked(trace)
    assert result.alias_changes > 100
    assert result.outside_changes == 0
    server = open_trace(trace)
    seen = first(server, MemoryAccessCause.OtherMapping)
    # The transition is the store itself, which has its own address in the history as well.
    stored = stored_at(seen)
    assert stored.operation is MemoryAccessOperation.Write
    assert stored.virtual_address != seen.virtual_address
    assert stored.virtual_address.offset % 4096 == seen.virtual_address.offset % 4096
    after = seen.transition.context_after()
    assert after.read(seen.virtual_address, 8, raw=True) == after.read(
        stored.virtual_address, 8, raw=True
    )
    assert "the same page at another address" in str(seen)


def test_it_runs_as_without_the_recorder(
    compile_program: Callable[..., Path], tmp_path: Path
) -> None:
    program = compile_program(TWO_ADDRESSES)
    native = subprocess.run([program], capture_output=True, check=True).stdout
    recorded = subprocess.run(
        [
            Path(sys.executable).with_name("reven"),
            "record",
            "-q",
            "-o",
            tmp_path / "trace.reven",
            "--",
            program,
        ],
        capture_output=True,
        check=True,
    )
    assert recorded.stdout == native


def test_values_are_followed_from_one_address_to_the_other(
    record_program: Record, open_trace: Open
) -> None:
    server = open_trace(record_program(TWO_ADDRESSES))
    seen = first(server, MemoryAccessCause.OtherMapping)
    place = f"[{seen.virtual_address.offset:#x}; {seen.size}]"
    hop = next(iter(origin(seen.transition.context_after(), place)))
    assert (hop.kind, hop.transition) == ("store", seen.transition)
    read = next(
        one
        for one in server.trace.memory_accesses(
            seen.virtual_address, 8, from_transition=seen.transition
        )
        if one.operation is MemoryAccessOperation.Read
    )
    store, after = seen.transition.context_before(), read.transition.context_after()
    # What was stored there is tainted here, and what is asked for here is asked for there.
    source = str(hop.before[0])
    forward = Tainter(server.trace).simple_taint(source, from_context=store, to_context=after)
    assert read.transition in [one.transition for one in forward.accesses().all()]
    backward = Tainter(server.trace).simple_taint(
        place, from_context=store, to_context=after, is_forward=False
    )
    assert seen.transition in [one.transition for one in backward.accesses().all()]


def test_a_segment_attached_twice(record_program: Record) -> None:
    assert checked(record_program(SYSTEM_V)).alias_changes > 0


@pytest.fixture(scope="module")
def two_processes(record_program: Record) -> tuple[Path, Path]:
    trace = record_program(TWO_PROCESSES)
    [child] = [
        path for path in trace.parent.glob(f"{trace.stem}*.reven") if path.name != trace.name
    ]
    return trace, child


def test_two_processes_write_at_once(two_processes: tuple[Path, Path]) -> None:
    for trace in two_processes:
        assert checked(trace).outside_changes > 0


def test_another_process_is_the_end_of_an_origin(
    two_processes: tuple[Path, Path], open_trace: Open
) -> None:
    server = open_trace(two_processes[0])
    seen = first(server, MemoryAccessCause.Outside)
    assert "another process or the kernel, seen first here" in str(seen)
    place = f"[{seen.virtual_address.offset:#x}; {seen.size}]"
    [hop] = origin(seen.transition.context_after(), place)
    assert hop.kind == "outside"
    assert "another process or the kernel" in str(hop)
    # The next transition is the one that saw it.
    reader = server.trace.transition(seen.transition.id + 1)
    assert any(
        one.operation is MemoryAccessOperation.Read
        and one.virtual_address.offset <= seen.virtual_address.offset
        for one in reader.memory_accesses()
    )


def test_files_that_change_under_a_mapping(
    record_command: Record, compile_program: Callable[..., Path], tmp_path: Path, open_trace: Open
) -> None:
    trace = record_command([compile_program(FILES), tmp_path / "file"])
    assert checked(trace).file_changes > 0
    server = open_trace(trace)
    assert json.loads((trace / "manifest.json").read_text())["end_code"] == 0
    assert "by writing to the mapped file" in str(first(server, MemoryAccessCause.File))


def test_a_file_that_nobody_changed_for_long(
    compile_program: CompileProgram, run_both_ways: RunBothWays, tmp_path: Path
) -> None:
    both = run_both_ways([compile_program(OLD_FILE), tmp_path / "file"])
    both.assert_same()
    assert both.recorded.returncode == 0
    assert both.checked.file_changes > 0


def test_what_the_kernel_writes_later(record_program: Record) -> None:
    checked(record_program(LATER))


def test_a_mutex_whose_owner_has_died(record_program: Record) -> None:
    checked(record_program(ROBUST, "-pthread"))


@pytest.mark.parametrize("source", [FILE_TWICE, SCANNED])
def test_what_changes_by_another_way_is_recorded(
    source: str, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program(source, "-Wno-error")])
    both.assert_same()
    assert both.checked.outside_changes == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [(MANY_ADDRESSES, "more mappings at once"), (REMAP_ZERO, "mremap of size 0")],
)
def test_what_is_not_recorded_is_said(
    source: str, words: str, record_program: Record, open_trace: Open
) -> None:
    server = open_trace(record_program(source, "-Wno-error"))
    assert words in " ".join(server.trace.notices)
