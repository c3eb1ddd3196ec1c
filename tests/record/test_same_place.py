# SPDX-License-Identifier: Apache-2.0
"""Two recordings to one place: one of them is refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import reven2
from reven.record import RecordOptions, record
from reven.record.errors import TraceExists
from reven.record.trace_folder import create_trace

REVEN = str(Path(sys.executable).with_name("reven"))
WAITING = """
#include <stdio.h>
int main(void) { puts("here"); fflush(stdout); return getchar() == 0; }
"""


def test_what_is_being_recorded_is_not_replaced(
    compile_program: Callable[..., Path], tmp_path: Path
) -> None:
    trace = tmp_path / "a.reven"
    first = subprocess.Popen(
        [REVEN, "record", "-q", "-o", trace, compile_program(WAITING)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert first.stdout is not None
    assert first.stdout.readline() == b"here\n"
    with pytest.raises(TraceExists, match="is being recorded by another"):
        record(["/bin/true"], trace, options=RecordOptions(force=True))
    first.communicate(b"\n")
    with reven2.open(trace) as server:
        assert server.trace.end is not None
        assert next(server.ossi.executed_binaries()).name == "program"
    record(["/bin/true"], trace, options=RecordOptions(force=True))
    with reven2.open(trace) as server:
        assert next(server.ossi.executed_binaries()).name == "true"


def test_what_was_replaced_after_it_was_opened_is_not_taken_for_the_new(tmp_path: Path) -> None:
    trace = tmp_path / "a.reven"
    with create_trace(trace, replace=True) as old:
        assert old.is_at_its_path()
        (trace / "manifest.json").write_text("{}")
        trace.rename(tmp_path / "aside")
        assert not old.is_at_its_path()
        with create_trace(trace, replace=True) as new:
            assert (new.is_at_its_path(), old.is_at_its_path()) == (True, False)


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nothing"])
def test_what_is_no_trace_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.reven"
    target = tmp_path / "other"
    match kind:
        case "file":
            path.write_text("text")
        case "folder":
            path.mkdir()
        case "link":
            target.mkdir()
            (target / "manifest.json").write_text("{}")
            path.symlink_to(target)
        case _:
            path.symlink_to(target)
    with pytest.raises(TraceExists, match="is no trace"):
        create_trace(path, replace=True)
    assert path.is_symlink() == kind.startswith("link")
    assert path.is_symlink() or path.exists()


def test_of_many_that_replace_at_once_each_has_it_whole_or_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "a.reven"
    trace.mkdir()
    (trace / "manifest.json").write_text("{}")
    gate = threading.Barrier(8)
    got: list[str] = []

    def replace() -> None:
        gate.wait()
        for _ in range(20):
            try:
                with create_trace(trace, replace=True) as held:
                    (held.path / "mark").touch(exist_ok=False)
                    (held.path / "manifest.json").write_text("{}")
                    got.append("made")
            except TraceExists:
                got.append("refused")
            except Exception as error:  # else it would be lost with its thread
                got.append(repr(error))

    threads = [threading.Thread(target=replace) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 160
    assert set(got) <= {"made", "refused"}
    assert "made" in got
    assert [path.name for path in tmp_path.iterdir()] == ["a.reven"]
    shutil.rmtree(trace)
