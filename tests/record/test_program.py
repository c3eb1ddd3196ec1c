# SPDX-License-Identifier: Apache-2.0
"""A program that cannot be recorded is told apart before anything runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reven.record import ProgramNotExecutable, ProgramNotFound
from reven.record.program import resolve_program


def executable(path: Path, contents: bytes) -> str:
    path.write_bytes(contents)
    path.chmod(0o755)
    return str(path)


def elf(machine: int, elf_class: int = 2, order: int = 1, kind: int = 2) -> bytes:
    numbers = [kind, machine]
    tail = b"".join(n.to_bytes(2, "little" if order == 1 else "big") for n in numbers)
    return b"\x7fELF" + bytes([elf_class, order, 1, 0]) + bytes(8) + tail + bytes(40)


def test_a_name_is_looked_up_in_path() -> None:
    assert str(resolve_program("true")) == shutil.which("true")


def test_a_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy("/bin/true", tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert resolve_program("./mine") == Path("mine")
    with pytest.raises(ProgramNotFound, match=r"give \./mine"):
        resolve_program("mine")


def test_a_script_is_a_program(tmp_path: Path) -> None:
    script = executable(tmp_path / "script", b"#!/bin/sh\nexit 0\n")
    assert resolve_program(script) == Path(script)


@pytest.mark.parametrize("name", ["no-such-program-anywhere", "/no/such/program"])
def test_what_does_not_exist(name: str) -> None:
    with pytest.raises(ProgramNotFound, match=name):
        resolve_program(name)


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        (elf(3, elf_class=1), "32-bit x86"),
        (elf(62, elf_class=1), "x32"),
        (elf(183), "64-bit ARM"),
        (elf(21, order=2), "PowerPC"),
        (elf(12345), "machine 12345"),
        (elf(62, kind=1), "no executable"),
        (b"just text\n", "neither"),
        (b"", "neither"),
        (b"\x7fELF", "neither"),
    ],
)
def test_what_is_no_program_for_this_machine(tmp_path: Path, contents: bytes, why: str) -> None:
    with pytest.raises(ProgramNotExecutable, match=why):
        resolve_program(executable(tmp_path / "file", contents))


def test_what_may_not_be_executed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(Path("/bin/true").read_bytes())
    with pytest.raises(ProgramNotExecutable, match=r"chmod \+x"):
        resolve_program(str(tmp_path / "file"))
    with pytest.raises(ProgramNotExecutable, match="folder"):
        resolve_program(str(tmp_path))
