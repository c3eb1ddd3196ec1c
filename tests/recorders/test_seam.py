# SPDX-License-Identifier: Apache-2.0
"""The seam between `reven record` and the recorders."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import reven.record
from reven.record import CannotRecord, RecordOptions, record
from reven.recorders import DEFAULT, Order, Place, get_recorder, recorder_names
from reven.recorders.valgrind.recorder import valgrind_options


def test_what_receives_streams_knows_no_recorder() -> None:
    folder = Path(reven.record.__file__).parent
    sources = list(folder.glob("*.py"))
    folders = [[name] for name in recorder_names()]
    assert sources
    assert folders
    for source in sources:
        text = source.read_text("utf-8")
        assert "valgrind" not in text.casefold(), source
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module:
                parts = node.module.split(".")
                assert parts[:2] != ["reven", "recorders"] or parts[2:3] not in folders, source


def test_every_recorder_is_found_by_its_folder() -> None:
    assert DEFAULT in recorder_names()
    for name in recorder_names():
        recorder = get_recorder(name)
        assert recorder.options <= {"start", "until", "after", "wait", "code", "follow"}
        assert recorder.find().description
        assert all(check.ok for check in recorder.checks())


def test_a_name_with_a_dash_is_no_option_of_valgrind(tmp_path: Path) -> None:
    order = Order(Path("/bin/true"), ("-x", "-y"), tmp_path / "socket", tmp_path)
    launch = get_recorder("valgrind").find().launch(order)
    assert launch.arguments[-2:] == [str(Path("/bin/true").resolve()), "-y"]


@pytest.mark.parametrize(("follow", "word"), [(True, "yes"), (False, "no")])
def test_what_is_ordered_becomes_options(tmp_path: Path, follow: bool, word: str) -> None:
    order = Order(
        Path("/bin/true"),
        ("true",),
        tmp_path / "s",
        tmp_path,
        start=Place("main", "symbol", "main"),
        until=Place("0x10@2", "address", offsets=(16,), count=2),
        after_seconds=0.5,
        only=("true",),
        follow=follow,
    )
    assert {
        f"--trace-children={word}",
        "--reven-from=1:symbol:0x0::main",
        "--reven-until=2:address:0x10",
        "--reven-after=500ms",
        "--reven-only=true",
    } <= {*valgrind_options(order)}


class Whole:
    """A recorder that can only record whole programs."""

    options: frozenset[str] = frozenset()

    def refusal(self, program, environment):
        return ""

    def find(self):
        raise AssertionError

    def checks(self):
        return iter(())


def test_what_a_recorder_cannot_do_is_said_before_anything_runs(tmp_path: Path) -> None:
    output = tmp_path / "trace.reven"
    with pytest.raises(CannotRecord, match="does not know --until"):
        record(["true"], output, options=RecordOptions(until="main"), recorder=Whole())
    assert not output.exists()
