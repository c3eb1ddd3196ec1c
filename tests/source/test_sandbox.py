# SPDX-License-Identifier: Apache-2.0
"""A trace is a sandbox: of this machine it shows what its user allows, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reven.ossi.foreign_files import HostFiles, source_folders
from reven.record import RecordOptions, record
from reven.service.local import LocalService

PROGRAM = "int main(void) {\n    return 0; /* right here */\n}\n"
Edit = Callable[[dict[str, object]], object]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with nothing yet: the home folder."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "REVEN_SOURCE_PATH"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    return home


def compiled(folder: Path, source: str = PROGRAM, name: str = "program.c") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text(source)
    command = ["gcc", "-g", "-o", str(folder / "program"), str(folder / name)]
    subprocess.run(command, check=True)
    return folder / "program"


def recorded(program: Path, *, with_sources: bool | None = None) -> Path:
    trace = program.with_suffix(".reven")
    options = RecordOptions(with_sources=with_sources, force=True)
    record([str(program)], trace, options=options)
    return trace


def shown(trace: Path, path: Path, host: HostFiles | None = None) -> tuple[str, str]:
    """The text of a source file, and why it is not shown."""
    service = LocalService(trace, host)
    try:
        found = service.source_text(str(path))
        listed = {file.path: file.is_here for file in service.source_files()}
    finally:
        service.close()
    assert listed.get(str(path), False) == bool(found.text)
    return found.text, found.problem


def edit(trace: Path, change: Edit) -> None:
    manifest = json.loads((trace / "manifest.json").read_text())
    change(manifest)
    (trace / "manifest.json").write_text(json.dumps(manifest))


def test_a_trace_explains_itself_elsewhere(user: Path, tmp_path: Path) -> None:
    program = compiled(user / "project")
    trace = recorded(program)
    shutil.rmtree(user / ".local")
    program.with_suffix(".c").write_text("something else")
    assert shown(trace, program.with_suffix(".c")) == (PROGRAM, "")


def test_without_sources_those_of_ones_own_recording_are_shown(user: Path) -> None:
    program = compiled(user / "project")
    trace = recorded(program, with_sources=False)
    assert not (trace / "sources").exists()
    assert shown(trace, program.with_suffix(".c")) == (PROGRAM, "")


def test_a_strangers_trace_shows_no_file_until_its_folder_is_allowed(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compiled(user / "project")
    source = program.with_suffix(".c")
    trace = recorded(program, with_sources=False)
    (user / ".local/state/reven/recordings.key").unlink()
    text, why = shown(trace, source)
    assert text == ""
    assert "a trace may name any file" in why
    assert shown(trace, source, HostFiles.of_user([user / "project"])) == (PROGRAM, "")
    monkeypatch.setenv("REVEN_SOURCE_PATH", f"/nowhere:{user / 'project'}")
    assert shown(trace, source) == (PROGRAM, "")
    monkeypatch.delenv("REVEN_SOURCE_PATH")
    (user / ".config/reven").mkdir(parents=True)
    (user / ".config/reven/source-path").write_text(f"{user}/project\n")
    assert shown(trace, source) == (PROGRAM, "")


def test_others_see_of_this_machine_only_what_was_allowed_by_name(user: Path) -> None:
    program = compiled(user / "project")
    source = program.with_suffix(".c")
    trace = recorded(program, with_sources=False)
    assert shown(trace, source, HostFiles.of_user(shared=True))[0] == ""
    allowed = HostFiles.of_user([source.parent], shared=True)
    assert shown(trace, source, allowed) == (PROGRAM, "")
    assert HostFiles.of_user(shared=True).source("/usr/include/stdio.h") is None
    assert HostFiles.of_user().source("/usr/include/stdio.h") is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["source_folders"].append("/"),
        lambda manifest: manifest["binaries"].pop(),
        lambda manifest: manifest.update(uuid="another"),
        lambda manifest: manifest.update(signature=""),
        lambda manifest: manifest.update(signature="é" * 64),
    ],
)
def test_whoever_changes_a_trace_makes_it_a_strangers(user: Path, change: Edit) -> None:
    program = compiled(user / "project")
    trace = recorded(program, with_sources=False)
    edit(trace, change)
    assert shown(trace, program.with_suffix(".c"))[0] == ""


def test_a_program_cannot_name_files_elsewhere(user: Path, tmp_path: Path) -> None:
    secret = tmp_path / "other" / "secret.c"
    secret.parent.mkdir()
    secret.write_text("the secret")
    home_secret = user / "work" / "secret.h"
    home_secret.parent.mkdir()
    home_secret.write_text("the secret")
    project = user / "project"
    project.mkdir()
    (project / "link.c").symlink_to(secret)
    lines = [
        *map(str, (secret, home_secret, project / "link.c")),
        f"/proc/self/cwd/{secret.name}",
    ]
    source = "".join(
        f'#line 1 "{path}"\nint f{number}(void) {{ return {number}; }}\n'
        for number, path in enumerate(lines)
    )
    calls = " + ".join(f"f{number}()" for number in range(len(lines)))
    program = compiled(project, f"{source}int main(void) {{ return {calls}; }}\n")
    for with_sources in (True, False):
        trace = recorded(program, with_sources=with_sources)
        for path in lines:
            assert shown(trace, Path(path))[0] == "", path
        manifest = json.loads((trace / "manifest.json").read_text())
        assert {one["path"] for one in manifest["sources"]}.isdisjoint(lines)


def test_what_is_large_is_copied_on_demand_only(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reven.record.sources._MOST_BYTES", 1000)
    program = compiled(user / "project", PROGRAM + "/* */\n" * 1000)
    assert not (recorded(program) / "sources").exists()
    manifest = json.loads((recorded(program, with_sources=True) / "manifest.json").read_text())
    assert str(program.with_suffix(".c")) in [one["path"] for one in manifest["sources"]]


def test_a_separate_debug_file_is_copied(user: Path) -> None:
    program = compiled(user / "project")
    debug = program.with_suffix(".debug")
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", program], check=True)
    trace = recorded(program)
    debug.unlink()
    assert shown(trace, program.with_suffix(".c")) == (PROGRAM, "")
    assert not list(trace.rglob("*.debug"))


def test_a_repository_is_one_place(user: Path) -> None:
    project = user / "project"
    (project / ".git").mkdir(parents=True)
    (project / "build").mkdir()
    assert source_folders(str(project / "build" / "program"), "/") == [
        "/", str(project / "build"), str(project),
    ]  # fmt: skip
    host = HostFiles().with_own(["/", str(user)])
    (user / "a.c").touch()
    (project / "b.c").touch()
    assert host.source(user / "a.c") == user / "a.c"
    assert host.source(project / "b.c") is None
    assert host.with_own([str(project)]).source(project / "b.c") is not None
