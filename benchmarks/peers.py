# SPDX-License-Identifier: Apache-2.0
"""Other tools on the same programs.

Valgrind without a tool runs a program to its end. Tools that report each instruction are
slower by orders of magnitude: they run its first seconds, and count what they got through.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Run, run

# gdb's record does not know the instructions of these extensions, which the C library and
# the dynamic loader use when they are there.
_NO_VECTORS = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps="
    "-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-XSAVE,-XSAVEC,-ERMS,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM",
    "LD_BIND_NOW": "1",
}
_SLACK = 60.0  # seconds for a tool to begin and end, beyond what it measures

_GDB_SCRIPT = """
import os, signal, threading, time
for command in ("set confirm off", "set pagination off", "starti", "record full",
                "set record full insn-number-max unlimited"):
    gdb.execute(command, to_string=True)
threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.perf_counter()
try:
    gdb.execute("continue", to_string=True)
except (gdb.error, KeyboardInterrupt):
    pass
print("measured seconds", time.perf_counter() - began)
print(gdb.execute("info record", to_string=True))
gdb.execute("kill")
gdb.flush()
os._exit(0)
"""

_QBDI_SCRIPT = """
import os, time
import pyqbdi
log = []
def finish():
    took = time.perf_counter() - began
    os.write(2, b"measured seconds %f instructions %d\\n" % (took, len(log)))
    os._exit(0)
def instruction(vm, registers, floats, data):
    log.append((registers.rip, vm.getInstMemoryAccess()))
    if not len(log) & 1023 and time.perf_counter() - began > {seconds}:
        finish()
    return pyqbdi.CONTINUE
def pyqbdipreload_on_run(vm, start, stop):
    global began
    vm.recordMemoryAccess(pyqbdi.MEMORY_READ_WRITE)
    vm.addCodeCB(pyqbdi.POSTINST, instruction, None)
    began = time.perf_counter()
    vm.run(start, stop)
    finish()
"""


class CannotRun(Exception):
    """The tool is not installed or does not get this program to run."""


@dataclass(frozen=True)
class Rate:
    """How fast a tool got through the first part of a program."""

    seconds: float
    instructions: int


@dataclass(frozen=True)
class Peer:
    """A tool that reports each instruction."""

    name: str
    measure: Callable[[Sequence[str], float], Rate]
    """Run a command for so many seconds. Raises CannotRun."""


def valgrind_none(command: Sequence[str]) -> Run:
    """Valgrind that translates a program and adds nothing."""
    return run([_tool("valgrind"), "--tool=none", "--quiet", *command])


def lackey(command: Sequence[str], seconds: float) -> Rate:
    """Valgrind's lackey prints every instruction and access to a pipe, which is drained."""
    reading, writing = os.pipe()
    tool = [
        _tool("valgrind"),
        "--tool=lackey",
        "--trace-mem=yes",
        "--vex-guest-chase=no",
        f"--log-fd={writing}",
    ]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*tool, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[writing],
    )
    os.close(writing)
    instructions, last = 0, b"\n"
    try:
        while time.perf_counter() - began < seconds:
            part = os.read(reading, 1 << 20)
            if not part:
                break
            instructions += (last + part).count(b"\nI")
            last = part[-1:]
        took = time.perf_counter() - began
    finally:
        process.kill()
        process.wait()
        os.close(reading)
    if instructions == 0:
        raise CannotRun("it printed nothing")
    return Rate(took, instructions)


def gdb_record(command: Sequence[str], seconds: float) -> Rate:
    """gdb's `record full`, from the first instruction on."""
    with tempfile.TemporaryDirectory(prefix="reven-gdb-") as folder:
        script = Path(folder) / "script.py"
        script.write_text(_GDB_SCRIPT.format(seconds=seconds))
        tool = [_tool("gdb"), "-nx", "-batch", "-x", str(script), "--args"]
        output = _output([*tool, *command], seconds, {**os.environ, **_NO_VECTORS})
    took = re.search(r"measured seconds ([\d.]+)", output)
    count = re.search(r"Log contains (\d+) instructions", output)
    if not took or not count or int(count[1]) == 0:
        raise CannotRun("gdb recorded nothing")
    return Rate(float(took[1]), int(count[1]))


def qbdi(command: Sequence[str], seconds: float) -> Rate:
    """QBDI with a Python callback that keeps the address and accesses of each instruction,
    from `main` on, of the first thread."""
    if importlib.util.find_spec("pyqbdi") is None:
        raise CannotRun("not installed: pip install pyqbdi")
    with tempfile.TemporaryDirectory(prefix="reven-qbdi-") as folder:
        script = Path(folder) / "script.py"
        script.write_text(_QBDI_SCRIPT.format(seconds=seconds))
        tool = [sys.executable, "-m", "pyqbdipreload", str(script), "--"]
        output = _output([*tool, *command], seconds)
    found = re.search(r"measured seconds ([\d.]+) instructions (\d+)", output)
    if not found or int(found[2]) == 0:
        raise CannotRun("the program does not run under it")
    return Rate(float(found[1]), int(found[2]))


PEERS = (
    Peer("valgrind --tool=lackey --trace-mem=yes", lackey),
    Peer("gdb record full", gdb_record),
    Peer("PyQBDI, Python callback", qbdi),
)


def _tool(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise CannotRun(f"{name} is not installed")
    return found


def _output(
    command: Sequence[str], seconds: float, environment: dict[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            timeout=seconds + _SLACK,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotRun(f"it was not done after {seconds + _SLACK:.0f} s") from None
    return done.stdout
