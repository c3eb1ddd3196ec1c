# SPDX-License-Identifier: Apache-2.0
"""The kits make traces: the example in C and its twin in Python, by the product's writer."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import accumulate, count, islice
from pathlib import Path

import pytest

import reven2
from reven import _engine
from reven.record import RecordOptions, record
from reven.recorders import Check, Launch, Order
from reven.recorders.kit import constants
from reven.recorders.valgrind.build import source_folder
from reven2.arch import x64

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TIMES = 70_000  # more than two slots
PREFIXES = {
    "RecordType": "",
    "Cause": "CAUSE_",
    "MapKind": "MAP_",
    "StreamKind": "KIND_",
    "EndReason": "END_",
    "Jump": "JUMP_",
    "Exit": "EXIT_",
    "NodeKind": "NODE_",
    "Operation": "OP_",
    "EventKind": "EVENT_",
}


class Program:
    """A recorder that is one command: its words, then the socket and the times."""

    options: frozenset[str] = frozenset()
    description = "a program made with a kit"

    def __init__(self, *words: str | Path) -> None:
        self.words = [str(word) for word in words]

    def refusal(self, program, environment):
        return ""

    def find(self):
        return self

    def checks(self) -> Iterator[Check]:
        yield Check("kit", ok=True, what="")

    def launch(self, order: Order) -> Launch:
        return Launch([*self.words, str(order.socket), order.command[1]])

    def complaint(self, folder: Path, pid: int) -> str:
        return ""


@pytest.fixture(scope="session")
def c_recorder(tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = tmp_path_factory.mktemp("kit") / "example"
    folder = source_folder() / "event_stream"
    kit = sorted((folder / "kit").glob("*.c"))
    command = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined"]
    command += ["-fno-sanitize-recover"]
    command += [f"-I{folder}", f"-I{folder / 'kit'}", "-o", str(program), *map(str, kit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Program(program)


@pytest.fixture(scope="session")
def python_recorder() -> Program:
    return Program(sys.executable, ROOT / "examples" / "recorder.py")


@pytest.fixture(params=["c_recorder", "python_recorder"])
def recorder(request: pytest.FixtureRequest) -> Program:
    found: Program = request.getfixturevalue(request.param)
    return found


def numbers() -> Iterator[int]:
    return ((i & 0xFF) ** 2 for i in count())


def test_what_the_example_ran_is_in_the_trace(
    recorder: Program, tmp_path: Path, open_trace: Callable[[Path], reven2.OpenTrace]
) -> None:
    path = tmp_path / "sum.reven"
    done = record(["/bin/true", str(TIMES)], path, recorder=recorder)
    assert (done.main.transitions, done.main.complete) == (5 * TIMES, True)
    assert (done.main.end_reason, done.main.command) == ("exit", ("sum", str(TIMES)))
    assert done.main.program == "/sum"

    result = _engine.Trace(str(path)).check()
    assert (result.loads, result.bad_loads, result.bad_key_frames) == (TIMES, 0, 0)
    assert result.key_frames >= TIMES // constants.KEY_INTERVAL
    assert result.segments > 2

    trace = open_trace(path).trace
    sums = list(islice(accumulate(numbers(), initial=0), TIMES + 1))
    for time in (0, 1, 255, 256, 2047, 2048, 32767, 32768, TIMES - 1):
        before = trace.context_before(5 * time)
        after = trace.context_after(5 * time + 4)
        assert before.read(x64.rax) == sums[time]
        assert (after.read(x64.rax), after.read(0x600000, 8)) == (sums[time + 1], sums[time + 1])
        assert (after.read(x64.rip), after.read(x64.dil)) == (0x401000, (time + 1) & 0xFF)
    assert str(trace.transition(2).instruction).startswith("mov qword ptr ds:[rdx], rax")


def test_the_limit_of_transitions_is_heeded(recorder: Program, tmp_path: Path) -> None:
    done = record(
        ["/bin/true", str(TIMES)],
        tmp_path / "short.reven",
        options=RecordOptions(max_transitions=1000),
        recorder=recorder,
    )
    assert (done.main.transitions, done.main.end_reason) == (1000, "limit")


def test_its_numbers_are_those_of_the_header() -> None:
    header = "".join(
        (source_folder() / "event_stream" / name).read_text()
        for name in ("event_stream.h", "registers.h")
    )
    known = header_numbers(header)
    compared = 0
    for name, prefix in PREFIXES.items():
        enumeration: type[IntEnum] = getattr(constants, name)
        for member in enumeration:
            assert known[f"REVEN_{prefix}{member.name}"] == member.value
            compared += 1
    for name in ("STREAM_VERSION", "HELLO_MAGIC", "EXIT_BITS", "KEY_INTERVAL", "SLOT_EXECUTIONS"):
        assert known[f"REVEN_{name}"] == getattr(constants, name)
    assert known["REVEN_NO_NODE"] == constants.NO_NODE
    assert known["REVEN_FLOW_ALL"] == constants.FLOW_ALL
    assert compared > 60


def header_numbers(header: str) -> dict[str, int]:
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    found = {
        name: int(value.rstrip("u"), 0)
        for name, value in re.findall(r"#define (REVEN_\w+) (0x\w+|\d+u?)\s", text)
    }
    for body in re.findall(r"enum \{(.*?)\}", text, re.DOTALL):
        value = -1
        for entry in filter(None, map(str.strip, body.split(","))):
            name, _, given = (part.strip() for part in entry.partition("="))
            value = int(given, 0) if given else value + 1
            found[name] = value
    return found
