# SPDX-License-Identifier: Apache-2.0
"""Indexes that are damaged, cut off, of another trace, or links: noticed, and made anew."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

import reven2
from reven import _engine
from reven._engine import drop_damaged_indexes
from reven.service.local import LocalService
from reven2.errors import TraceError

INDEXES = ("index.bin", "outline.bin", "calls.bin", "strings.bin")
REVEN = str(Path(sys.executable).with_name("reven"))
SOURCE = """
#include <stdlib.h>
#include <string.h>
char kept[64];
__attribute__((noinline)) int one(const char *text) { strcpy(kept, text); return kept[0]; }
int main(int count, char **words) { return one(count > 1 ? words[1] : "password") == 0; }
"""

Answers = dict[str, object]


@pytest.fixture(scope="module")
def indexed(record_program: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace with all of its indexes."""
    trace = tmp_path_factory.mktemp("indexed") / "a.reven"
    shutil.copytree(record_program(SOURCE), trace)
    build(trace)
    assert all((trace / name).stat().st_size > 0 for name in INDEXES)
    return trace


def build(trace: Path) -> Answers:
    """All of the indexes: no question waits for the whole of the one of memory."""
    _engine.Trace(str(trace)).build_index()
    return answers(trace)


def answers(trace: Path) -> Answers:
    """To questions that need each index."""
    with reven2.open(trace) as server:
        found = server.trace
        stack = found.transition(found.transition_count // 2).context_before().stack
        history = found.memory_accesses(next(stack.frames()).stack_pointer, 64)
        return {
            "strings": [(one.data, one.first_access.id) for one in found.strings("a")],
            "calls": [str(call) for call in found.calls("one")],
            "stack": str(stack),
            "syscalls": [str(call) for call in found.syscalls],
            "history": [access.transition.id for access in islice(history, 50)],
        }


@pytest.fixture
def trace(indexed: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy.reven"
    shutil.copytree(indexed, copy)
    return copy


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("place", [0.02, 0.5, 0.98])
def test_a_damaged_index_heals(name: str, place: float, trace: Path) -> None:
    right = answers(trace)
    data = bytearray((trace / name).read_bytes())
    at = int(len(data) * place)
    data[at : at + 16] = bytes(byte ^ 0x55 for byte in data[at : at + 16])
    (trace / name).write_bytes(data)
    assert answers(trace) == right
    assert drop_damaged_indexes(str(trace)) in ([], [name])
    assert answers(trace) == right


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_that_is_cut_off_heals(name: str, trace: Path) -> None:
    right = answers(trace)
    data = (trace / name).read_bytes()
    for size in (0, 1, len(data) // 2, len(data) - 1):
        (trace / name).write_bytes(data[:size])
        assert answers(trace) == right


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_of_another_trace_is_not_used(
    name: str, trace: Path, record_program: Callable[..., Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.reven"
    shutil.copytree(record_program(SOURCE, arguments=("another text",)), other)
    assert "another text" in str(build(other)["strings"])
    right = answers(trace)
    shutil.copy(other / name, trace / name)
    assert drop_damaged_indexes(str(trace)) == [name]
    shutil.copy(other / name, trace / name)
    assert answers(trace) == right


def test_reven_index_says_what_it_makes_anew(trace: Path) -> None:
    data = bytearray((trace / "calls.bin").read_bytes())
    data[-40] ^= 1
    (trace / "calls.bin").write_bytes(data)
    done = subprocess.run([REVEN, "index", trace], capture_output=True, text=True, check=True)
    assert "calls.bin was damaged" in done.stderr
    assert drop_damaged_indexes(str(trace)) == []
    done = subprocess.run([REVEN, "index", trace], capture_output=True, text=True, check=True)
    assert done.stderr == "The index is complete.\n"


@pytest.mark.parametrize("name", INDEXES)
def test_no_link_is_written_through(name: str, trace: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    right = answers(trace)
    (trace / name).unlink()
    (trace / name).symlink_to(victim)
    assert answers(trace) == right
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["segments.bin", "templates.bin", "manifest.json"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_trace_of_pipes_and_devices_is_refused(name: str, kind: str, trace: Path) -> None:
    import os

    (trace / name).unlink()
    if kind == "pipe":
        os.mkfifo(trace / name)
    else:
        (trace / name).symlink_to("/dev/zero")
    with pytest.raises(TraceError, match=name):
        LocalService(trace)


def test_two_processes_build_at_once(trace: Path) -> None:
    right = answers(trace)
    for name in INDEXES:
        (trace / name).unlink()
    script = "import sys; from tests.trace.test_derived_files import build; from pathlib import Path; print(build(Path(sys.argv[1])))"  # noqa: E501
    builders = [
        subprocess.Popen([sys.executable, "-c", script, trace], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert {builder.communicate()[0] for builder in builders} == {f"{right}\n"}
    assert drop_damaged_indexes(str(trace)) == []
