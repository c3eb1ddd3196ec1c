# SPDX-License-Identifier: Apache-2.0
"""The recorder is compiled once, and what is missing for that is said with its remedy."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reven.record import RecorderUnavailable
from reven.record.doctor import checks
from reven.recorders.valgrind.build import FOLDERS, cache_folder, find_recorder, source_folder
from reven.recorders.valgrind.installed import find_valgrind


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def new_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_folder()


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_it_is_compiled_once(new_cache: Path) -> None:
    first = find_recorder()
    tool = first.folder / "reven-amd64-linux"
    made = tool.stat()
    assert find_recorder() == first
    assert tool.stat() == made
    assert [folder.name for folder in new_cache.iterdir()] == [first.folder.name]


def test_several_may_compile_it_at_once(new_cache: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: find_recorder(), range(3)))
    assert len(set(found)) == 1
    assert len(list(new_cache.iterdir())) == 1


def test_a_relative_cache_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache_folder() == Path.home() / ".cache" / "reven"


def test_its_source_compiles_without_a_warning(tmp_path: Path) -> None:
    valgrind = find_valgrind()
    folders = [source_folder() / name for name in FOLDERS]
    for file in (file for folder in folders for file in folder.glob("*.c")):
        command = ["gcc", "-std=gnu11", "-ffreestanding", "-fno-builtin", "-O2", "-c"]
        command += ["-Wall", "-Wextra", "-Werror", "-DVGA_amd64=1", "-DVGO_linux=1"]
        command += ["-DVGP_amd64_linux=1", "-DVGPV_amd64_linux_vanilla=1"]
        command += [f"-I{folder}" for folder in folders]
        command += ["-isystem", str(valgrind.headers), "-o", str(tmp_path / "o"), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_without_valgrind(empty_path: Path) -> None:
    script(empty_path / "apt-get", "true")
    with pytest.raises(RecorderUnavailable, match="not installed") as caught:
        find_recorder()
    assert caught.value.command.endswith("apt-get install -y valgrind")
    assert caught.value.command in str(caught.value)


def test_with_an_old_valgrind(empty_path: Path) -> None:
    script(empty_path / "valgrind", "echo valgrind-3.14.0")
    with pytest.raises(RecorderUnavailable, match=r"3\.14\.0 is too old.*3\.18"):
        find_recorder()


def test_with_something_else_of_that_name(empty_path: Path) -> None:
    script(empty_path / "valgrind", "echo hello")
    with pytest.raises(RecorderUnavailable, match="it says 'hello'"):
        find_recorder()


def test_without_a_compiler(empty_path: Path, new_cache: Path) -> None:
    launcher = find_launcher_in_usr()
    (empty_path / "valgrind").symlink_to(launcher)
    with pytest.raises(RecorderUnavailable, match="C compiler"):
        find_recorder()


def test_with_a_compiler_that_fails(empty_path: Path, new_cache: Path) -> None:
    (empty_path / "valgrind").symlink_to(find_launcher_in_usr())
    script(empty_path / "gcc", "echo 'x.c:1: error: no good.' >&2; exit 1")
    with pytest.raises(RecorderUnavailable, match=r"does not compile.*x\.c:1: error: no good\."):
        find_recorder()
    assert not list(new_cache.iterdir())


def test_with_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(RecorderUnavailable, match="XDG_CACHE_HOME"):
        find_recorder()


def test_the_doctor_finds_everything_here() -> None:
    found = list(checks())
    assert [check.name for check in found if not check.ok] == []
    assert re.search(r"recorder-\d+\.\d+", found[-1].what)


def test_the_doctor_says_what_is_missing(empty_path: Path) -> None:
    script(empty_path / "dnf", "true")
    missing = {check.name: check for check in checks() if not check.ok}
    assert set(missing) == {"C compiler", "Valgrind", "Valgrind's parts"}
    assert missing["Valgrind"].command.endswith("dnf install -y valgrind-devel")
    assert missing["C compiler"].command.endswith("dnf install -y gcc")


def find_launcher_in_usr() -> Path:
    return Path(
        "/usr/bin/valgrind.bin" if Path("/usr/bin/valgrind.bin").exists() else "/usr/bin/valgrind"
    )
