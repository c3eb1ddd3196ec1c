# SPDX-License-Identifier: Apache-2.0
"""Record examples/weather.c crashing, prove the record, and walk back to the bug.

`make demo` runs it. The trace stays in build/demo/ for you to look around in.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

from rich.console import Console
from rich.markup import escape

import reven2
from reven2.address import LinearAddress
from reven2.arch.register import Register
from reven2.memhist import MemoryAccess, MemoryAccessOperation
from reven2.trace import Context, Instruction, Trace, Transition

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path("build/demo")
PROGRAM = BUILD / "weather"
TRACE = BUILD / "weather.reven"
SEGMENTATION_FAULT = 128 + 11
POINTER_SIZE = 8
USUAL_PORT = 13370
SHOWN_REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip")

console = Console(highlight=False, soft_wrap=True, emoji=False)


def main() -> None:
    os.chdir(ROOT)
    BUILD.mkdir(parents=True, exist_ok=True)

    title("A program with a bug, which crashes somewhere else")
    run("gcc", "-g", "-o", PROGRAM, "examples/weather.c")

    title("Record it, once")
    recorded = ("--", PROGRAM, "examples/weather.txt")
    run("reven", "record", "--force", "-o", TRACE, *recorded, expected=SEGMENTATION_FAULT)

    title("Prove the record: replay it all, compare every load and every key frame")
    run("reven", "check", TRACE)

    with reven2.open(TRACE) as server:
        explain(server.trace)

    title("Now look around yourself")
    show_command(".venv/bin/reven", "show", TRACE)
    show_command(".venv/bin/reven", "info", TRACE)
    show_command(".venv/bin/python")
    console.print(f">>> import reven2\n>>> trace = reven2.open({str(TRACE)!r}).trace")

    if sys.stdin.isatty() and sys.stdout.isatty():
        title("Served to scripts, notebooks and browsers, until Ctrl-C")
        desktop = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
        with socket.socket() as probe:
            taken = probe.connect_ex(("localhost", USUAL_PORT)) == 0
        options = [*(["--open"] if desktop else []), *(["--port", "0"] if taken else [])]
        run("reven", "serve", TRACE, *options)
    else:
        title("Serve it, and ask the server")
        ask_server()


def ask_server() -> None:
    """Serve the trace on a free port, look at its last transition through it, end it."""
    command = ("reven", "serve", TRACE, "--port", "0")
    show_command(*command)
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        address = next((line for line in serving.stdout if line.startswith("at ")), "")
        if not address:
            sys.exit(serving.wait() or 1)
        port = int(address.rpartition(":")[2])
        for line in serving.stdout:
            if line.startswith("open "):
                break
        try:
            server = reven2.RevenServer("localhost", port)
            console.print(f"{escape(repr(server))}: {escape(str(server.trace.last_transition))}")
            server.close()
        finally:
            serving.terminate()
    if serving.returncode != 0:
        sys.exit(serving.returncode)


def explain(trace: Trace) -> None:
    """Walk from the crash back to its cause, printing what is found."""
    crash = trace.last_transition
    context = crash.context_before()
    title("The crash: the last transitions")
    for transition in trace.transitions(crash.id - 7, crash.id + 1):
        console.print(describe(transition))
    instruction = faulting_instruction(crash)
    console.print(f"\nIt was executing [bold]{escape(str(instruction))}[/].")

    pointer = base_register(instruction)
    value = context.read(pointer)
    title("The registers there")
    for name in SHOWN_REGISTERS:
        register = Register.from_name(name)
        style = "bold red" if register is pointer else "default"
        console.print(f"  [{style}]{name}  {context.read(register):#018x}[/]")
    text = value.to_bytes(POINTER_SIZE, "little").rstrip(b"\0").decode("ascii", "replace")
    console.print(
        f"\nIt read through {pointer.name} = [bold red]{value:#x}[/]. That is no address: "
        f"its bytes spell [bold red]{escape(repr(text))}[/]."
    )

    load = origin(context, pointer)
    read = next(iter(load.memory_accesses(operation=MemoryAccessOperation.Read)))
    field = LinearAddress(read.physical_address.offset)
    title(f"Backwards: which instruction gave {pointer.name} that value?")
    console.print(describe(load))
    console.print(f"\nIt loaded the pointer from memory at [bold]{field.offset:#x}[/].")

    title("Backwards again: who wrote those 8 bytes? Their memory history, newest first")
    writes = list(
        trace.memory_accesses(
            field,
            POINTER_SIZE,
            from_transition=load,
            is_forward=False,
            operation=MemoryAccessOperation.Write,
        )
    )
    for write in writes:
        console.print(f"{describe(write.transition)}  [magenta]{written(write)}[/]")

    # Newest first, so these are the writes that came after the pointer was set as a whole.
    overwrites = list(takewhile(lambda write: write.size < POINTER_SIZE, writes))
    culprit = overwrites[-1].transition
    location = culprit.context_before().ossi.location()
    assert location is not None
    assert location.symbol is not None
    assert location.file is not None
    assert location.line is not None
    console.print(
        f"\n[bold red]{location.symbol.name}[/] overwrote the pointer, "
        f"[bold]{crash.id - culprit.id:,} transitions before the crash[/], at "
        f"{Path(location.file).name}:{location.line}:\n"
    )
    line = Path(location.file).read_text().splitlines()[location.line - 1]
    console.print(f"    [bold]{escape(line.strip())}[/]\n")
    console.print("It copies a name of any length into `char name[16]`; `samples` comes next.")


def faulting_instruction(crash: Transition) -> Instruction:
    assert crash.exception is not None
    assert crash.exception.related_instruction is not None
    return crash.exception.related_instruction


def base_register(instruction: Instruction) -> Register:
    """The register whose value `instruction` takes as an address."""
    (name,) = re.findall(r"\[(r\w+)", str(instruction))
    return Register.from_name(name)


def origin(context: Context, register: Register) -> Transition:
    """The transition that gave `register` the value it has at `context`."""
    other = context.find_register_change(register, is_forward=False)
    assert other is not None
    return other.transition_after()


def describe(transition: Transition) -> str:
    """A line: number, place, source line, text."""
    location = transition.context_before().ossi.location()
    place = str(location).partition("!")[2] if location else ""
    source = f"{Path(location.file).name}:{location.line}" if location and location.file else ""
    number, text = str(transition).split(" ", 1)
    style = "default" if transition.instruction else "bold red"
    return (
        f"  [cyan]{number}[/]  [green]{escape(place):<18}[/] [dim]{source:<13}[/] "
        f"[{style}]{escape(text)}[/]"
    )


def written(write: MemoryAccess) -> str:
    data = bytes(
        write.transition.context_after().read(write.physical_address, write.size, raw=True)
    )
    shown = "".join(chr(byte) if chr(byte).isprintable() and byte < 128 else "." for byte in data)
    return f"{data.hex(' ')}  {escape(repr(shown))}"


def title(text: str) -> None:
    console.print(f"\n[bold cyan]── {text}[/]\n")


def show_command(*words: str | Path) -> None:
    console.print(f"[bold]$ {escape(shlex.join(str(word) for word in words))}[/]")


def run(*words: str | Path, expected: int = 0) -> None:
    """Show a command and run it; leave with its status unless that is the expected one."""
    show_command(*words)
    process = subprocess.Popen(words, env=environment())
    while True:
        try:
            status = process.wait()
            break
        except KeyboardInterrupt:
            continue  # the command has got it too, and decides
    if status != expected:
        sys.exit(status or 1)


def environment() -> dict[str, str]:
    """That of a command: those of the environment that this script runs in come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path}


if __name__ == "__main__":
    main()
