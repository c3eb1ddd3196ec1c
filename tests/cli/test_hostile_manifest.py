# SPDX-License-Identifier: Apache-2.0
"""Whatever a manifest says, every command works or says in one sentence what is wrong."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reven2
from reven.cli import command_modules, main
from reven.record import record
from reven2.errors import RevenError

COMMANDS = {
    "bookmarks": ["TRACE"], "calls": ["TRACE"], "check": ["TRACE"], "find": ["overflow", "TRACE"],
    "heap": ["TRACE"], "index": ["TRACE"], "info": ["TRACE"], "origin": ["TRACE", "9", "rip"],
    "search": ["TRACE", "pc", "main"], "serve": ["TRACE", "--host", "nowhere.invalid"],
    "show": ["TRACE", "-n", "2"], "strings": ["TRACE", "abc"],
    "taint": ["TRACE", "rax", "--to", "9"], "explain": ["TRACE"], "syscalls": ["TRACE"],
    "output": ["TRACE"], "stack": ["TRACE"], "unpacked": ["TRACE"], "diff": ["TRACE", "TRACE"],
    "expression": ["TRACE", "9", "rip"], "mcp": ["TRACE"], "bridge": ["gdb", "TRACE"],
    "export": ["TRACE", "-o", "FOLDER/a.tenet", "-f", "tenet", "--until", "1"],
}  # fmt: skip
OTHERS = {"doctor", "import", "include_dir", "link", "listen", "mark", "publish", "queries",
          "record", "stop"}  # fmt: skip
NONSENSE = {
    "empty": b"",
    "nothing": b"{}",
    "no program": b'{"program": null, "pid": 1}',
    "deep": b'{"program": "a", "pid": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "future": b'{"program": "a", "pid": 1, "format": 99}',
    "no text": b'{"program": "\xff", "pid": 1}',
    "huge": b'{"program": "a", "pid": 1, "binaries": [{"path": "/x", "sha256": "'
    + b"0" * 64
    + b'", "size": 8589934592}]}',
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
Run = Callable[[list[str]], tuple[int, str]]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("manifest") / "a.reven"
    record(["/bin/true"], made)
    shutil.copy(made / "manifest.json", made / "right.json")
    return made


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Exit status and standard error of a command, in this process."""

    def run_(words: list[str]) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["reven", *words])
        status = 0
        try:
            main()
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 1
        return status, capfd.readouterr().err

    return run_


def is_one_sentence(said: str) -> bool:
    lines = said.splitlines()
    return len(lines) == 1 and lines[0].startswith("reven: ") and "Traceback" not in said


def test_every_command_that_takes_a_trace_is_here() -> None:
    assert {*COMMANDS, *OTHERS} == {name.replace("-", "_") for name in command_modules()}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_refused_in_one_sentence(
    nonsense: str, trace: Path, run: Run, tmp_path: Path
) -> None:
    (trace / "manifest.json").write_bytes(NONSENSE[nonsense])
    with pytest.raises(RevenError) as caught:
        reven2.open(trace)
    assert "\n" not in str(caught.value)
    for command, words in COMMANDS.items():
        filled = [
            word.replace("TRACE", str(trace)).replace("FOLDER", str(tmp_path)) for word in words
        ]
        status, said = run([command, *filled])
        assert status == 2, (command, said)
        assert is_one_sentence(said), (command, said)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_manifest_of_which_parts_are_anything_is_read_or_refused(
    data: st.DataObject, trace: Path, run: Run
) -> None:
    manifest: dict[str, Any] = json.loads((trace / "right.json").read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(sorted(manifest)))
        if data.draw(st.booleans()):
            manifest[place] = data.draw(ANYTHING)
        elif isinstance(manifest[place], list) and manifest[place]:
            manifest[place][0] = data.draw(ANYTHING)
        else:
            del manifest[place]
        if not manifest:
            break
    (trace / "manifest.json").write_text(json.dumps(manifest))
    with contextlib.suppress(RevenError), reven2.open(trace) as server:
        str(server.trace.transition(0))
        server.ossi.executed_binaries()
        _ = server.trace.end, server.trace.notices
    for command in ("info", "check", "show"):
        status, said = run([command, str(trace)])
        assert status in (0, 1) or is_one_sentence(said), (command, said)
