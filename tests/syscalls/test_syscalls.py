# SPDX-License-Identifier: Apache-2.0
"""System calls are decoded as strace prints them, and their bytes are found again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import reven2
from reven2.errors import InvalidArgumentError, OutOfRangeError

REVEN = str(Path(sys.executable).with_name("reven"))

# Between two calls of getppid: what both see of it is the same.
CALLS = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
int main(void) {
    char data[100];
    int ends[2], pair[2];
    getppid();
    int file = open("made.txt", O_RDWR | O_CREAT | O_TRUNC, 0640);
    write(file, "one\ttwo \"three\" \\ \001\0022\377 and more than thirty-two bytes", 55);
    lseek(file, -5, SEEK_END);
    read(file, data, 100);
    pread(file, data, 10, 4);
    struct iovec parts[2] = {{"ab", 2}, {"cdef", 4}};
    writev(file, parts, 2);
    int copy = dup(file);
    dup2(file, 40);
    fcntl(40, F_GETFL);
    fcntl(copy, F_SETFD, FD_CLOEXEC);
    ftruncate(file, 20);
    close(40);
    open("/nonexistent/file", O_RDONLY | O_CLOEXEC);
    access("/nonexistent", R_OK | W_OK);
    mkdir("folder", 0755);
    unlink("/nonexistent");
    rename("/nonexistent/a", "/nonexistent/b");
    pipe2(ends, O_CLOEXEC | O_NONBLOCK);
    write(ends[1], "through", 7);
    read(ends[0], data, 3);
    read(ends[0], data, 100);
    read(ends[0], data, 100);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    send(pair[0], "hello", 5, MSG_NOSIGNAL);
    recv(pair[1], data, 100, MSG_DONTWAIT);
    kill(getpid(), 0);
    socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    close(-1);
    umask(022);
    getppid();
    return 0;
}
"""


def between_markers(lines: list[str]) -> list[str]:
    at = [number for number, line in enumerate(lines) if line.startswith("getppid(")]
    return lines[at[0] + 1 : at[1]]


def plain(line: str) -> str:
    """A call without what is of the process, or of one of the two printers."""
    line = re.sub(r"(\d+)<[^>]*>", r"\1", line)
    line = re.sub(r"0x7[0-9a-f]{7,}", "ADDRESS", line).replace("IPPROTO_IP", "0")
    line = re.sub(r"\[(\d+), (\d+)\]", r"[\1, \2]", line)
    line = re.sub(r"^(kill|getpid)\(\d*", r"\1(PID", line)
    line = re.sub(r"= \d+$", "= PID", line) if line.startswith("getpid") else line
    line = re.sub(
        r"\b[A-Z_]+(\|[A-Z_]+)+", lambda flags: "|".join(sorted(flags[0].split("|"))), line
    )
    return re.sub(r"\s+= ", " = ", line)


@pytest.fixture(scope="module")
def program(compile_program):
    return compile_program(CALLS, "-O0", "-w")


@pytest.fixture(scope="module")
def trace(program, tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("syscalls")
    made: Path = folder / "calls.reven"
    command = [REVEN, "record", "-q", "-o", str(made), "--", str(program)]
    subprocess.run(command, cwd=folder, check=True)
    return made


def test_calls_are_those_of_strace(program, trace, tmp_path) -> None:
    strace = shutil.which("strace")
    assert strace is not None, "the test compares with strace: install it"
    log = tmp_path / "log"
    subprocess.run([strace, "-o", str(log), str(program)], cwd=tmp_path, check=True)
    expected = [plain(line) for line in between_markers(log.read_text().splitlines())]
    calls = reven2.open(trace).trace.syscalls
    found = [plain(line) for line in between_markers([str(call) for call in calls])]
    assert found == expected


def test_descriptors_are_resolved(trace) -> None:
    calls = reven2.open(trace).trace.syscalls
    written = [str(call) for call in calls.calls("write")]
    assert written[0].startswith(f"write(3<{trace.parent}/made.txt>, ")
    assert "writing end of the pipe" in written[1]
    failed = {call.name: call.error for call in calls.calls(failed=True)}
    assert failed["access"] == "ENOENT"
    assert failed["close"] == "EBADF"
    assert {call.name for call in calls.calls("memory")} >= {"mmap", "mprotect"}
    with pytest.raises(InvalidArgumentError, match="no group"):
        next(calls.calls("nonsense"))


def test_files_have_their_sums(trace) -> None:
    files = {one.name: one for one in reven2.open(trace).trace.syscalls.files}
    made = files[f"{trace.parent}/made.txt"]
    assert (made.kind, made.reads, made.writes) == ("file", 2, 2)
    assert (made.bytes_read, made.bytes_written) == (15, 61)
    assert made.descriptors == [3, 4, 40]
    ends = [one for one in files.values() if one.kind == "pipe"]
    assert ends[0].other == ends[1].id
    assert sum(one.bytes_written for one in ends) == 7


def test_bytes_are_linked_to_their_calls(trace) -> None:
    server = reven2.open(trace)
    calls = server.trace.syscalls
    (made,) = [one for one in calls.files if one.name.endswith("/made.txt")]
    first, second = made.transfers(is_write=True)
    assert (first.offset, first.size, first.data[:7]) == (0, 55, b"one\ttwo")
    assert (second.offset, second.data) == (55, b"abcdef")
    byte = calls.output_byte("made.txt", 58)
    assert byte.transition == second.transition
    assert byte.transition.context_before().read(byte.address, 1) == ord("d")
    with pytest.raises(OutOfRangeError, match="wrote byte 61"):
        calls.output_byte("made.txt", 61)
    with pytest.raises(OutOfRangeError, match="nowhere"):
        calls.output_byte("nowhere.txt", 0)


PRINTS = r"""
#include <stdio.h>
#include <unistd.h>
int main(void) {
    write(1, "first\n", 6);
    write(2, "warning\n", 8);
    write(1, "second\n", 7);
    return 0;
}
"""


def test_what_had_been_printed(record_program) -> None:
    trace = record_program(PRINTS)
    server = reven2.open(trace)
    calls = server.trace.syscalls
    assert calls.output() == b"first\nwarning\nsecond\n"
    last = list(calls.calls("write"))[-1].transition
    assert calls.output(at=last.context_before()) == b"first\nwarning\n"
    assert calls.output([1]) == b"first\nsecond\n"
    command = [REVEN, "output", str(trace), "stdout", "--at", str(last.id)]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"first\n"
    printed = subprocess.run(
        [REVEN, "output", str(trace), "--json"], capture_output=True, check=True
    ).stdout
    parts = json.loads(printed)
    assert [part["text"] for part in parts] == ["first\n", "warning\n", "second\n"]
    assert parts[-1]["transition"] == last.id


def test_the_command_lists_calls(trace) -> None:
    words = [REVEN, "syscalls", str(trace), "openat", "--failed"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert 'openat(AT_FDCWD, "/nonexistent/file", O_RDONLY|O_CLOEXEC) = -1 ENOENT' in shown
    printed = subprocess.run([*words, "--json"], capture_output=True, check=True).stdout
    assert json.loads(printed)[-1]["error"] == "ENOENT"
    files = [REVEN, "syscalls", str(trace), "--files"]
    assert "made.txt" in subprocess.run(files, capture_output=True, text=True, check=True).stdout


def test_a_server_says_the_same(trace, serve_traces) -> None:
    remote = reven2.RevenServer("localhost", serve_traces(trace)).trace.syscalls
    local = reven2.open(trace).trace.syscalls
    assert [str(call) for call in remote] == [str(call) for call in local]
    assert [repr(one) for one in remote.files] == [repr(one) for one in local.files]
