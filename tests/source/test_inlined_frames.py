# SPDX-License-Identifier: Apache-2.0
"""Functions that were inlined are frames, as gdb shows them at the same moment."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven.formats.core import CoreExport
from reven2._service import column

SOURCE = """\
#include <cstdio>
#define INLINE static inline __attribute__((always_inline))
volatile int sink;
namespace geo {
template <class T> struct Box {
    T w, h;
    INLINE_MEMBER T area() const {
        sink = w;
        return w * h;
    }
};
}
INLINE int inner(int a) {
    int z = a * 3;
    sink = z;
    return z + sink;
}
INLINE int middle(int a) {
    int y = inner(a + 1);
    sink = y;
    return y + inner(sink);
}
__attribute__((noinline)) int leaf(int x) {
    sink = x;
    return x + 1;
}
__attribute__((noinline)) int outer(int n) {
    int s = 0;
    for (int i = 0; i < n; i++) {
        s += middle(i);
        geo::Box<int> b{i, s};
        s ^= b.area();
        s += leaf(s);
    }
    return s;
}
int main(int argc, char **) {
    printf("%d\\n", outer(argc + 3));
    return 0;
}
""".replace("INLINE_MEMBER", "inline __attribute__((always_inline))")

GDB = """
import gdb, json
def walk():
    frame = gdb.newest_frame()
    while frame is not None and frame.name() is not None:
        place = frame.find_sal()
        file = place.symtab.fullname() if place.symtab else ""
        yield frame.name(), file, place.line, frame.type() == gdb.INLINE_FRAME
        if frame.name() == "main":
            return
        frame = frame.older()
for core in CORES:
    gdb.execute("core-file " + core, to_string=True)
    print("STACK " + json.dumps(list(walk())))
"""

MOMENTS = 12

BUILDS = [
    ("g++", "-O2", "-gdwarf-5"),
    ("clang++", "-O1", "-gdwarf-4"),
]


def build(folder: Path, compiler: str, *flags: str, source: str = SOURCE) -> Path:
    file, program = folder / "program.cpp", folder / "program"
    file.write_text(source)
    subprocess.run([compiler, "-g", *flags, "-o", program, file], check=True)
    return program


def moments_of(server: reven2.OpenTrace, program: Path) -> list[int]:
    """Of each place of the program's own lines, one moment; spread over all places."""
    service = server.trace._service
    (binary,) = [one for one in service.binaries() if one.path == str(program.resolve())]
    ranges = [(one.start, one.stop) for one in service.binary_ranges(binary.id)]
    count = server.trace.transition_count
    page = service.find_pcs(ranges, 0, count, forward=True, limit=1 << 20)
    by_pc: dict[int, list[int]] = {}
    for number in column(page.transition, "Q"):
        by_pc.setdefault(server.trace.transition(number).pc, []).append(number)
    own = [
        numbers[len(numbers) // 2]
        for pc, numbers in sorted(by_pc.items())
        if (found := service.locate(numbers[0], pc)) and (found.file or "").endswith("program.cpp")
    ]
    return own[:: max(1, len(own) // MOMENTS)]


@pytest.mark.parametrize("flags", BUILDS, ids=" ".join)
def test_stacks_are_those_of_gdb(
    flags: tuple[str, ...], tmp_path: Path, record_command: Any, open_trace: Any
) -> None:
    program = build(tmp_path, *flags)
    server = open_trace(record_command([program]))
    moments = moments_of(server, program)
    cores = []
    for number in moments:
        core = tmp_path / f"{number}.core"
        with core.open("wb") as file:
            CoreExport(server, number, file).run(lambda *_: True)
        cores.append(str(core))
    script = tmp_path / "stacks.py"
    script.write_text(f"CORES = {cores!r}\n{GDB}")
    command = [
        "gdb",
        "-nx",
        "-batch",
        "-iex",
        "set auto-solib-add off",
        "-x",
        str(script),
        str(program),
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    stacks = [json.loads(line) for line in re.findall(r"^STACK (.*)$", printed, re.MULTILINE)]
    assert len(stacks) == len(moments) > 6
    for number, expected in zip(moments, stacks, strict=True):
        frames = server.trace._context(number).stack.source_frames()[: len(expected)]
        found = [[f.function, f.file or "", f.line or 0, f.is_inlined] for f in frames]
        assert found == [[plain(name), *rest] for name, *rest in expected], number
    inlined = {name for stack in stacks for name, _, _, is_inlined in stack if is_inlined}
    assert {"inner", "middle", "geo::Box<int>::area"} <= set(map(plain, inlined))


def plain(name: str) -> str:
    return name.partition("(")[0]


@pytest.fixture
def server(tmp_path: Path, record_command: Any, open_trace: Callable[[Path], Any]) -> Any:
    return open_trace(record_command([build(tmp_path, "g++", "-O2")]))


def test_each_function_has_its_own_variables(server: Any) -> None:
    line = SOURCE[: SOURCE.index("sink = z")].count("\n") + 1
    context = server.trace._context(server.where(f"program.cpp:{line}")._data.transition)
    frames = context.stack.source_frames()
    assert [one.function for one in frames[:4]] == ["inner", "middle", "outer", "main"]
    assert [one.number for one in frames] == list(range(len(frames)))
    assert [one.is_inlined for one in frames[:4]] == [True, True, False, False]
    assert frames[0].frame == frames[1].frame == frames[2].frame != frames[3].frame
    names = [{variable.name for variable in one.variables()} for one in frames[:4]]
    assert names[:2] == [{"z", "a"}, {"y", "a"}]
    assert {"i", "s", "n"} <= names[2]
    assert names[3] == {"argc"}
    values = [[v.text for v in one.variables() if v.name == "a"] for one in frames[:2]]
    assert values == [["1"], ["0"]]


def test_a_backtrace_shows_them(server: Any) -> None:
    line = SOURCE[: SOURCE.index("sink = z")].count("\n") + 1
    call = SOURCE[: SOURCE.index("inner(a + 1)")].count("\n") + 1
    outer = SOURCE[: SOURCE.index("middle(i)")].count("\n") + 1
    context = server.trace._context(server.where(f"program.cpp:{line}")._data.transition)
    lines = str(context.stack).splitlines()
    assert lines[0] == f"0  inner  program.cpp:{line}  inlined"
    assert lines[1] == f"1  middle  program.cpp:{call}  inlined"
    assert re.fullmatch(
        rf"2  program!outer\(int\)\+0x\w+  program\.cpp:{outer}  since #\d+", lines[2]
    )
    assert re.match(r"3  program!main", lines[3])
    assert context.stack._repr_html_().count("<tr>") == len(lines)


def test_without_debug_information_there_are_only_calls(
    tmp_path: Path, record_command: Any, open_trace: Any
) -> None:
    program = build(tmp_path, "g++", "-O2", "-g0")
    server = open_trace(record_command([program]))
    context = next(server.trace.calls("^leaf|_Z4leafi$")).first_context
    frames = context.stack.source_frames()
    assert [one.frame for one in frames if not one.is_inlined][:2] == list(context.stack.frames())[
        :2
    ]
    assert frames[0].function == "leaf(int)"
    assert frames[0].variables() == []
