# SPDX-License-Identifier: Apache-2.0
"""The programs that are recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import inputs


@dataclass(frozen=True)
class Program:
    """A program and what it is given."""

    name: str
    description: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Sizes:
    """How much work each program gets."""

    gzip_bytes: int = 4_000_000
    sqlite_rows: int = 60_000
    python_iterations: int = 1_000_000
    c_functions: int = 12
    thread_chunks: int = 40_000


def make_programs(folder: Path, sizes: Sizes) -> list[Program]:
    """The programs, with their inputs made in a folder.

    Raises RuntimeError if one is not installed.
    """
    script, source = folder / "script.sql", folder / "source.c"
    script.write_text(inputs.sql(sizes.sqlite_rows))
    source.write_text(inputs.c_source(sizes.c_functions))
    loop = f"n = 0\nfor i in range({sizes.python_iterations}): n += i & 3\nprint(n)"
    return [
        compressor(folder, sizes.gzip_bytes),
        Program(
            "sqlite",
            f"sqlite3: fill, index, join and sort {sizes.sqlite_rows:,} rows in memory",
            (_installed("sqlite3"), "-batch", "-init", "/dev/null", ":memory:", f".read {script}"),
        ),
        Program(
            "python",
            f"Python: a loop of {sizes.python_iterations:,} iterations",
            (os.path.realpath(sys.executable), "-I", "-S", "-c", loop),
        ),
        Program(
            "cc1",
            f"the C compiler proper, -O2, on {sizes.c_functions} pairs of functions",
            (_compiler_proper(), "-quiet", "-O2", "-o", os.devnull, str(source)),
        ),
        Program(
            "threads",
            f"4 threads hash {sizes.thread_chunks:,} chunks of 4 KiB, taken under a lock",
            (str(_compile(folder, "threads", inputs.THREADS)), str(sizes.thread_chunks)),
        ),
    ]


def compressor(folder: Path, size: int) -> Program:
    """gzip -9 of so many bytes of text."""
    file = folder / f"text-{size}"
    file.write_bytes(inputs.text(size))
    command = (_installed("gzip"), "-9", "--stdout", str(file))
    return Program("gzip", f"gzip -9 of {size:,} bytes of text", command)


def _installed(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise RuntimeError(f"The benchmarks run {name}, which is not installed.")
    return os.path.realpath(found)


def _compiler_proper() -> str:
    name = "cc1"
    command = [_installed("gcc"), f"-print-prog-name={name}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return _installed(found)


def _compile(folder: Path, name: str, source: str) -> Path:
    file, program = folder / f"{name}.c", folder / name
    file.write_text(source)
    command = [
        _installed("gcc"),
        "-O2",
        "-Wall",
        "-Werror",
        "-pthread",
        "-o",
        str(program),
        str(file),
    ]
    subprocess.run(command, check=True)
    return program
