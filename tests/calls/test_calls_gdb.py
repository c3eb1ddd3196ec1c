# SPDX-License-Identifier: Apache-2.0
"""Backtraces out of a trace are those that gdb gives at the same stops of the same program."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from reven._engine import Trace
from reven.service.local import LocalService

from .call_programs import ALL

PROGRAM = 0x400000  # where it is linked to
PROGRAM_END = PROGRAM + (1 << 20)
PLACES = 80  # inside functions, in each program

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
    """The program's functions by address, ascending."""
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = [words for words in map(str.split, listing.splitlines()) if len(words) == 3]
    return dict(sorted((int(at, 16), name) for at, kind, name in symbols if kind in "tTWw"))


def is_own(name: str) -> bool:
    """Not of the start-up code, which gdb cannot unwind inside."""
    start_up = ("_", "deregister_", "register_", "frame_dummy")
    return name.startswith("_ZN") or not name.startswith(start_up)


def places_of(trace: Trace, functions: dict[int, str]) -> list[int]:
    """Where the program's own functions begin, and places inside them."""
    begins = [address for address, name in functions.items() if is_own(name)]
    executed = np.unique(trace.transitions(0, trace.transition_count).pc)
    starts = np.array(list(functions), dtype=np.uint64)
    owners = np.searchsorted(starts, executed, side="right") - 1
    names = list(functions.values())
    inside = [
        pc
        for pc, owner in zip(executed.tolist(), owners.tolist(), strict=True)
        # The program's threads run side by side natively.
        if PROGRAM <= pc < PROGRAM_END and is_own(names[owner]) and names[owner] != "main"
    ]
    chosen = np.random.default_rng(5).choice(inside, min(PLACES, len(inside)), replace=False)
    return sorted({*begins, *chosen.tolist()})


def stops_of(trace: Trace, places: list[int]) -> list[int]:
    """The contexts in which the program counter is at one of the places, as a breakpoint sees
    it: an instruction that faults stops there too."""
    columns = trace.transitions(0, trace.transition_count)
    found = np.flatnonzero(np.isin(columns.pc, np.array(places, dtype=np.uint64))).tolist()
    return [at for at in found if (event := trace.event(at)) is None or event.synchronous]


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
    shown = [pc if PROGRAM <= pc < PROGRAM_END else None for pc in pcs]
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
    path = record_command([program])
    service, trace = LocalService(path), Trace(str(path))
    try:
        functions = functions_of(program)
        places = places_of(trace, functions)
        contexts = stops_of(trace, places)
        stops = stops_of_gdb(program, places, tmp_path)
        assert len(contexts) == len(stops) > 50
        for stop, context in zip(stops, contexts, strict=True):
            from_gdb, from_trace = own(stop), own(list(stack_of(service, context)))
            # Below what a coroutine began with gdb finds things that are no frames.
            if service.frames(context)[-1].type == "Manual":
                from_gdb = from_gdb[: len(from_trace)]
            assert from_trace == from_gdb, f"context {context}"
    finally:
        service.close()
