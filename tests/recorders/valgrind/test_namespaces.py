# SPDX-License-Identifier: Apache-2.0
"""Processes in other namespaces, of other users or with another root folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reven.record import RecordSummary, record
from tests.conftest import CompileProgram

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

DROPS = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **arguments) {
    int status;
    if (count > 1 ? chroot(arguments[1]) || chdir("/") : setgid(65534) || setuid(65534)) return 1;
    if (fork() == 0) return 4;
    wait(&status);
    return status != 0x400;
}
"""


def _record(tmp_path: Path, *command: str | Path) -> RecordSummary:
    summary = record([str(word) for word in command], tmp_path / "t.reven")
    assert summary.exit_status == 0
    return summary


@pytest.mark.parametrize("options", [["-r"], ["-rpf"]])
def test_a_program_in_another_namespace_is_recorded(options: list[str], tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    usable = unshare and subprocess.run([unshare, *options, "true"], check=False).returncode == 0
    if not unshare or not usable:
        pytest.skip("user namespaces cannot be made here")
    summary = _record(tmp_path, unshare, *options, "true")
    assert "true" in summary.processes[-1].program
    assert all(process.transitions and process.complete for process in summary.processes)


def test_a_fork_of_a_process_that_became_another_user_is_recorded(
    tmp_path: Path, compile_program: CompileProgram
) -> None:
    summary = _record(tmp_path, compile_program(DROPS))
    assert [process.end_code for process in summary.processes] == [0, 4]
    assert not summary.processes[0].notices


def test_a_fork_from_where_the_recorder_is_out_of_reach_is_said(
    tmp_path: Path, compile_program: CompileProgram
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    summary = _record(tmp_path, compile_program(DROPS), root)
    [process] = summary.processes
    assert "a fork of the process is not recorded" in process.notices[0]
