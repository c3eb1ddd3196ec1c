# SPDX-License-Identifier: Apache-2.0
"""Names of system calls, signals and processes."""

from __future__ import annotations

import re
import subprocess

import pytest

from reven.ossi import process_of, signal_name, syscall_name


def test_syscall_names_are_those_of_the_kernel_headers() -> None:
    done = subprocess.run(
        ["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
    )
    numbers = re.findall(r"#define __NR_(\w+) (\d+)$", done.stdout, re.MULTILINE)
    assert len(numbers) > 300
    for name, number in numbers:
        assert syscall_name(int(number)) == name
    assert syscall_name(100_000) is None
    assert syscall_name(-1) is None


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "SIGHUP"),
        (11, "SIGSEGV"),
        (34, "SIGRTMIN"),
        (40, "SIGRTMIN+6"),
        (64, "SIGRTMAX"),
        (0, None),
        (65, None),
    ],
)
def test_signal_names(number: int, name: str | None) -> None:
    assert signal_name(number) == name


def test_a_process_has_the_kernels_short_name() -> None:
    process = process_of("/opt/a-very-long-program-name", 42, 7)
    assert (process.name, process.pid, process.ppid) == ("a-very-long-pro", 42, 7)
    assert str(process) == "a-very-long-pro (42)"
    assert process_of("ls", 1, None).ppid is None
