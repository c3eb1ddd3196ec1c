# SPDX-License-Identifier: Apache-2.0
"""Damages a trace in many ways; each time it must open and answer as before, answer for
less of it, or raise TraceError.

    python damage_driver.py TRACE SCRATCH truncate|flip COUNT SEED

Runs with little memory and a watchdog: what takes longer than that ends this process.
Prints each damage before it is tried to SCRATCH/log, and at the end a JSON object.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reven._engine import Accesses, Trace, TraceError, UnknownMemory

MEMORY = 2 << 30  # bytes of address space
SECONDS = 5  # for all queries of one damaged trace
STEPS = 12


def columns_of(accesses: Accesses) -> tuple[npt.NDArray[Any], ...]:
    return accesses.transition, accesses.address, accesses.size, accesses.is_write


class Answers:
    """What an intact trace answers, piece by piece."""

    def __init__(self, trace: Trace) -> None:
        count = trace.transition_count
        self.contexts = [count * i // STEPS for i in range(STEPS + 1)]
        self.registers = {c: trace.registers(c) for c in self.contexts}
        self.pcs = trace.transitions(0, count).pc
        accesses = trace.accesses(0, count, limit=1 << 30)
        self.accesses = columns_of(accesses)
        writes = accesses.address[accesses.is_write]
        self.address = int(writes[len(writes) // 2])
        self.memory = {c: read(trace, c, self.address) for c in self.contexts}
        self.pc = int(self.pcs[count // 2])
        self.found = trace.find_pcs([(self.pc, self.pc + 1)], 0, count, limit=1 << 30)
        self.result = trace.check()

    def compare(self, trace: Trace) -> str:
        """ "" or how an answer of `trace` differs, of the transitions that it still has."""
        count = trace.transition_count
        if count > len(self.pcs):
            return "it has more transitions"
        if not np.array_equal(trace.transitions(0, count).pc, self.pcs[:count]):
            return "transitions differ"
        for context in (c for c in self.contexts if c <= count):
            last = context == count
            if not last and trace.registers(context) != self.registers[context]:
                return f"registers at #{context} differ"
            if not last and read(trace, context, self.address) != self.memory[context]:
                return f"memory at #{context} differs"
        # Of a system call that is the last of what is left, what the kernel read and wrote is
        # lost, as its registers afterwards are: both stand behind its return.
        whole = count if count == len(self.pcs) else count - 1
        accesses = columns_of(trace.accesses(0, count, limit=1 << 30))
        if not all(
            np.array_equal(mine[accesses[0] < whole], intact[self.accesses[0] < whole])
            for mine, intact in zip(accesses, self.accesses, strict=True)
        ):
            return "accesses differ"
        of_last = [
            set(zip(*(column[columns[0] == count - 1].tolist() for column in columns), strict=True))
            for columns in (accesses, self.accesses)
        ]
        if not of_last[0] <= of_last[1]:
            return "accesses of the last transition differ"
        found = trace.find_pcs([(self.pc, self.pc + 1)], 0, count, limit=1 << 30)
        if not np.array_equal(found, self.found[self.found < count]):
            return "executions of an address differ"
        result = trace.check()
        if result.bad_loads or result.bad_key_frames or result.problems:
            return "the check finds " + "; ".join(result.problems)
        return ""


def read(trace: Trace, context: int, address: int) -> bytes:
    try:
        return trace.read_memory(context, address, 1)
    except UnknownMemory:
        return b""


def truncations(files: dict[Path, bytes]) -> Iterator[tuple[Path, str, bytes]]:
    for file, data in files.items():
        for size in range(len(data)):
            yield file, f"cut to {size}", data[:size]


def flips(
    files: dict[Path, bytes], count: int, draw: random.Random
) -> Iterator[tuple[Path, str, bytes]]:
    # Every file as often as every other: the small ones are the delicate ones.
    names = sorted(files)
    for _ in range(count):
        file = draw.choice(names)
        data = bytearray(files[file])
        bit = draw.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        yield file, f"bit {bit}", bytes(data)


def main() -> None:
    source, scratch, how, count, seed = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
    trace = scratch / "damaged.reven"
    shutil.copytree(source, trace)
    answers = Answers(Trace(str(trace)))
    # Only now, so that what indexes there are is damaged too.
    files = {path: path.read_bytes() for path in sorted(trace.iterdir()) if path.suffix == ".bin"}
    files |= {path: path.read_bytes() for path in trace.glob("index*") if path.is_file()}
    damages = (
        truncations(files)
        if how == "truncate"
        else flips(files, int(count), random.Random(int(seed)))
    )
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    outcomes: Counter[str] = Counter()
    wrong = []
    with (scratch / "log").open("w") as log:
        for file, what, data in damages:
            log.seek(0)
            log.write(f"{file.name}: {what}".ljust(80))
            log.flush()
            signal.alarm(SECONDS)
            file.unlink()
            file.write_bytes(data)
            try:
                opened = Trace(str(trace))
                difference = answers.compare(opened)
                whole = opened.transition_count == len(answers.pcs)
            except TraceError as error:
                outcomes["refused"] += 1
                if not str(error).strip():
                    wrong.append(f"{file.name}: {what}: an error without a word")
            else:
                outcomes["whole" if whole else "shortened"] += 1
                if difference:
                    wrong.append(f"{file.name}: {what}: {difference}")
            for path, content in files.items():
                if path == file or not path.exists() or path.stat().st_size != len(content):
                    path.unlink(missing_ok=True)
                    path.write_bytes(content)
            signal.alarm(0)
    report = {"files": [path.name for path in files], "outcomes": outcomes, "wrong": wrong[:20]}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
