# SPDX-License-Identifier: Apache-2.0
"""Backtraces out of a trace are those that gdb gives at the same stops of the same program."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reven.service.local import LocalService
from reven2._service import column

from .call_programs import ALL

PROGRAM = 0x400000  # where it is linked to

# Run by gdb: prints the backtrace at every execution of the breakpoints' addresses.
GDB_SCRIPT = r"""
import gdb, json

def walk():
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() not in (gdb.SIGTRAMP_FRAME, gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            yield frame.pc()
        try:
            frame = frame.older()
        except gdb.error:
            return

for setting in ("confirm off", "pagination off", "backtrace past-main on", "style enabled off",
                "startup-with-shell off", "print inferior-events off"):
    gdb.execute("set " + setting)
gdb.execute("handle SIGUSR1 SIGUSR2 SIGSEGV nostop noprint pass", to_string=True)
for address in ADDRESSES:
    gdb.execute("break *%d" % address, to_string=True)
gdb.execute("run > /dev/null", to_string=True)
while gdb.selected_inferior().pid:
    print("STOP " + json.dumps(list(walk())))
    gdb.execute("continue", to_string=True)
"""


def functions_of(program: Path) -> dict[int, str]:
    """Addresses of the functions that are the program's own."""
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    start_up = ("_", "deregister_", "register_", "frame_dummy")
    functions = {}
    for words in map(str.split, listing.splitlines()):
        if len(words) != 3 or words[1] not in "tTWw" or ".cold" in words[2]:
            continue
        if words[2].startswith("_ZN") or not words[2].startswith(start_up):
            functions[int(words[0], 16)] = words[2]
    return functions


def stops_of_gdb(program: Path, addresses: list[int], directory: Path) -> list[list[int]]:
    script = directory / "stops.py"
    script.write_text(f"ADDRESSES = {addresses}\n{GDB_SCRIPT}")
    command = ["gdb", "-nx", "-batch", "-x", str(script), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    lines = [line[5:] for line in done.stdout.splitlines() if line.startswith("STOP ")]
    assert lines, done.stderr
    return [json.loads(line) for line in lines]


def stack_of(service: LocalService, context: int) -> Iterator[int]:
    """The program counters of all frames; a handler's other stack is followed by what it
    interrupted."""
    while True:
        frames = service.frames(context)
        for frame in frames:
            yield frame.pc
        change = service.stack_change(context, False)
        if frames[-1].type != "Interrupt" or change is None:
            return
        # The interrupted instruction stands on top of the stack before.
        context = change - 1


def own(pcs: list[int]) -> list[int | None]:
    """Where frames stand; None for those in libraries, which lie elsewhere, and without the
    ones that are below the first of the program."""
    shown = [pc if PROGRAM <= pc < PROGRAM + (1 << 20) else None for pc in pcs]
    while shown and shown[-1] is None:
        shown.pop()
    return shown


@pytest.mark.parametrize("name", ALL)
def test_backtraces_equal_those_of_gdb(
    name: str,
    compile_program: Callable[..., Path],
    record_command: Callable[..., Path],
    tmp_path: Path,
) -> None:
    source, language, flags = ALL[name]
    program = compile_program(source, *flags, language=language)
    functions = functions_of(program)
    stops = stops_of_gdb(program, sorted(functions), tmp_path)
    service = LocalService(record_command([program]))
    try:
        count = service.transition_count()
        ranges = [(address, address + 1) for address in sorted(functions)]
        hits = column(
            service.find_pcs(ranges, 0, count, forward=True, limit=100_000).transition, "Q"
        )
        assert len(hits) == len(stops) > 20
        for stop, context in zip(stops, hits, strict=True):
            from_gdb, from_trace = own(stop), own(list(stack_of(service, context)))
            # Below what a coroutine began with gdb finds things that are no frames.
            if service.frames(context)[-1].type == "Manual":
                from_gdb = from_gdb[: len(from_trace)]
            assert from_trace == from_gdb, f"in {functions[stop[0]]}, context {context}"
    finally:
        service.close()
