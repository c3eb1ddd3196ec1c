# SPDX-License-Identifier: Apache-2.0
"""A real gdb, driven by its own Python."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_DRIVER = r"""
import gdb

for setting in ("confirm off", "pagination off", "style enabled off", "debuginfod enabled off",
                "width 0"):
    gdb.execute("set " + setting)
for number, command in enumerate(COMMANDS):
    # What gdb says of a stop goes to its output only, not into the string of to_string.
    print("\nBEGIN %d" % number, flush=True)
    try:
        if command.startswith("py "):
            print(eval(command[3:]))
        elif command.startswith("monitor "):
            print(gdb.execute(command, to_string=True))
        else:
            gdb.execute(command)
    except gdb.error as error:
        print("error: " + str(error))
    print("\nEND", flush=True)
"""


def gdb(address: str | None, commands: Sequence[str], folder: Path, *words: str) -> list[str]:
    """What gdb prints for each command, once it is connected to the address, if there is one.
    `py X` evaluates X in gdb's Python. A command that fails prints `error: …`."""
    script = folder / "commands.py"
    first = "show version" if address is None else f"target remote {address}"
    everything = [first, *commands]
    script.write_text(f"COMMANDS = {everything!r}\n{_DRIVER}")
    done = subprocess.run(
        ["gdb", "-nx", "-q", "-batch", *words, "-x", str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    said = re.findall(r"^BEGIN \d+\n(.*?)\n?^END$", done.stdout, re.MULTILINE | re.DOTALL)
    assert len(said) == len(everything), done.stdout + done.stderr
    assert not said[0].startswith("error"), said[0]
    return [text.rstrip() for text in said[1:]]


def gdb_version() -> str:
    done = subprocess.run(["gdb", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[0].split()[-1]
