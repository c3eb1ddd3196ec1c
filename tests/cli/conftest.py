# SPDX-License-Identifier: Apache-2.0
"""Run `reven` as a person does: as a command, with pipes or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest

REVEN = str(Path(sys.executable).with_name("reven"))
ROWS, COLUMNS = 16, 120

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Show = Callable[..., tuple[list[list[str]], int]]

CRASHING = """
#include <stdio.h>
#include <string.h>
char text[] = "corrupt";
int *pointer;
__attribute__((noinline)) void overwrite(void) { memcpy(&pointer, text, sizeof text); }
__attribute__((noinline)) int use(void) { return *pointer; }
int main(void) {
    puts("before");
    fflush(stdout);
    overwrite();
    return use();
}
"""


@pytest.fixture
def reven(tmp_path: Path) -> Run:
    """`reven(*words, stdin="", env={}, cwd=tmp_path)`: run it with pipes."""

    def run(
        *words: str | Path, stdin: str = "", env: dict[str, str] | None = None, cwd: Path = tmp_path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REVEN, *map(str, words)],
            input=stdin,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def reven_on_terminal(tmp_path: Path) -> Show:
    """`reven_on_terminal(*words, keys={}) -> screens, exit status`: what a terminal of
    ROWS × COLUMNS shows after each piece of output. `keys`: what to type once the
    screen matches a regular expression."""

    def run(
        *words: str | Path, keys: dict[str, bytes] | None = None
    ) -> tuple[list[list[str]], int]:
        return show_on_terminal([REVEN, *map(str, words)], tmp_path, dict(keys or {}))

    return run


def show_on_terminal(
    command: list[str], directory: Path, keys: dict[str, bytes]
) -> tuple[list[list[str]], int]:
    process, terminal = pty.fork()
    if process == 0:
        # The size must be known before the command asks for it.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.chdir(directory)
        os.environ["TERM"] = "xterm-256color"
        for name in ("COLUMNS", "LINES", "NO_COLOR", "CI"):
            os.environ.pop(name, None)
        os.execv(command[0], command)
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    screens = []
    while True:
        try:
            output = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that the other side has gone
            break
        if not output:
            break
        stream.feed(output)
        screens.append([line.rstrip() for line in screen.display])
        shown = "\n".join(screens[-1])
        for text in [text for text in keys if re.search(text, shown, re.DOTALL)]:
            os.write(terminal, keys.pop(text))
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return screens, os.waitstatus_to_exitcode(status)


@pytest.fixture
def crash(compile_program: Callable[..., Path]) -> Path:
    """A program that prints "before" and dies of SIGSEGV in `use`."""
    return compile_program(CRASHING)


@pytest.fixture
def crash_trace(record_program: Callable[..., Path]) -> Path:
    """The trace of that program."""
    return record_program(CRASHING)
