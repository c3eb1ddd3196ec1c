# SPDX-License-Identifier: Apache-2.0
"""A manifest that is wrong, or of tomorrow, is refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven.trace.manifest import read_manifest
from reven.trace.manifest_parts import FORMAT
from reven2.arch._table import MACHINE_FILE_SIZE
from reven2.errors import TraceError
from tests.engine.record.stream import Slot, write_trace

GOOD: dict[str, Any] = {
    "format": FORMAT,
    "uuid": "u",
    "recorder": "r 1",
    "command": ["a"],
    "cwd": "/",
    "program": "/bin/a",
    "start_time": "",
    "kernel": "",
    "pid": 1,
    "ppid": 1,
}
BINARY = {"path": "/bin/a", "sha256": "0" * 64}
WRONG = [
    (b"", "is damaged"),
    (b"{}", "missing required field `pid`"),
    (b"[]", "is damaged"),
    (b"null", "is damaged"),
    (b"\xff", "is damaged"),
    ({"format": 99}, f"has format 99, but this version of reven reads up to {FORMAT}: use a newer"),
    ({"format": 0}, "there is no format 0"),
    ({"format": "2"}, "is damaged"),
    ({"format": 10**40}, "has format 10000"),
    ({"program": None}, r"`null` - at `\$.program`"),
    ({"pid": None}, r"\$.pid"),
    ({"pid": 10**30}, r"\$.pid"),
    ({"pid": -1}, r"\$.pid"),
    ({"binaries": [BINARY | {"size": 10**18}]}, r"size"),
    ({"binaries": [BINARY | {"size": -1}]}, r"size"),
    ({"binaries": [{"path": "/x", "sha256": "../../etc/passwd", "size": 3}]}, r"sha256"),
    ({"binaries": None}, r"binaries"),
    ({"architecture": "aarch64"}, "of the architecture 'aarch64', but .*: use a newer"),
    ({"register_file_size": 2000}, f"2000 bytes, but .* knows {MACHINE_FILE_SIZE}: use a newer"),
    ({"kind": "toaster"}, r"\$.kind"),
    ({"features": 3}, r"\$.features"),
]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "t.reven"
    write_trace(path, [Slot()])
    (path / "manifest.json").write_text(json.dumps(GOOD))
    return path


def test_a_good_one(trace: Path) -> None:
    assert read_manifest(trace).program == "/bin/a"
    with reven2.open(trace) as server:
        assert server.trace.transition_count == 0


@pytest.mark.parametrize(("change", "complaint"), WRONG)
def test_a_wrong_one(trace: Path, change: bytes | dict[str, Any], complaint: str) -> None:
    data = change if isinstance(change, bytes) else json.dumps(GOOD | change).encode()
    (trace / "manifest.json").write_bytes(data)
    with pytest.raises(TraceError, match=complaint) as refused:
        reven2.open(trace)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("command", ["info", "show", "check"])
@pytest.mark.parametrize("change", [{"format": 99}, {"program": None}])
def test_commands_say_it_in_one_sentence(trace: Path, command: str, change: dict[str, Any]) -> None:
    (trace / "manifest.json").write_text(json.dumps(GOOD | change))
    done = subprocess.run(
        [Path(sys.executable).parent / "reven", command, trace],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert "manifest" in done.stderr
