# SPDX-License-Identifier: Apache-2.0
"""What the kernel reads: in the memory history, in searches, and the place where taint arrives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reven import _engine
from reven.ossi import syscall_name
from reven2.address import PhysicalAddress
from reven2.memhist import MemoryAccessCause, MemoryAccessOperation
from reven2.preview import bugs
from reven2.preview.taint import TaintedMemories, Tainter, origin

Record = Callable[..., Path]
Open = Callable[[Path], Any]
REVEN = str(Path(sys.executable).with_name("reven"))

_PROGRAM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

char input[16], output[16] __attribute__((aligned(16)));
static char large[1 << 20];
static int ends[2];

static void* reader(void* unused) {
    char got[4];
    read(ends[0], got, 4);
    output[15] = got[3];
    return unused;
}

int main(void) {
    int file = open("/proc/self/exe", O_RDONLY), null = open("/dev/null", O_WRONLY);
    read(file, input, 8);
    for (int i = 0; i < 8; i++) output[i] = input[i] ^ 0x20;
    write(null, output, 8);
    write(-1, output, 8);

    struct iovec parts[2] = {{output, 3}, {output + 5, 3}};
    writev(null, parts, 2);
    write(null, large, sizeof large);

    /* A pipe takes only so much. */
    int full[2];
    pipe2(full, O_NONBLOCK);
    write(full[1], large, sizeof large);

    int pair[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    sendmsg(pair[0], &message, 0);

    /* No paths: what reaches to the end of what can be read, and what is not there. */
    char* page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    memset(page + 4090, '/', 6);
    open(page + 4090, O_RDONLY);
    open((char*)1, O_RDONLY);
    open(NULL, O_RDONLY);

    pthread_t thread;
    pipe(ends);
    pthread_create(&thread, 0, reader, 0);
    nanosleep(&(struct timespec){0, 20000000}, 0);
    write(ends[1], output, 4);
    pthread_join(thread, 0);
    execl("/bin/true", "true", "last", (char*)0);
}
"""


@pytest.fixture(scope="module")
def trace(record_program: Record) -> Path:
    path = record_program(_PROGRAM, "-O1", "-pthread", "-Wno-nonnull")
    checked = _engine.Trace(str(path)).check()
    assert (checked.bad_loads, checked.bad_key_frames, checked.problems) == (0, 0, [])
    return path


class _Calls:
    """The system calls of a trace, and what each read."""

    def __init__(self, trace: Path) -> None:
        self.trace = engine = _engine.Trace(str(trace))
        count = engine.transition_count
        self.calls = engine.syscalls(0, count, 100_000)
        found = engine.accesses(0, count, limit=1 << 30)
        self.reads: dict[int, list[tuple[int, int]]] = {}
        for transition, address, size, is_write, cause in zip(
            found.transition, found.address, found.size, found.is_write, found.cause, strict=True
        ):
            if cause == 2 and not is_write:
                self.reads.setdefault(int(transition), []).append((int(address), int(size)))

    def named(self, name: str) -> list[_engine.Syscall]:
        return [call for call in self.calls if syscall_name(call.number) == name]

    def reads_of(self, call: _engine.Syscall) -> list[tuple[int, int]]:
        return self.reads.get(call.transition, [])


def test_a_write_reads_what_it_wrote(trace: Path) -> None:
    calls = _Calls(trace)
    first, failed, large, partial, last = calls.named("write")
    buffer = first.arguments[1]
    assert calls.reads_of(first) == [(buffer, 8)]
    assert failed.result == -9
    assert calls.reads_of(failed) == []
    assert calls.reads_of(large) == [(large.arguments[1], 1 << 20)]
    assert partial.result is not None
    assert 0 < partial.result < 1 << 20
    assert calls.reads_of(partial) == [(partial.arguments[1], partial.result)]
    assert calls.reads_of(last) == [(buffer, 4)]
    [vectors] = calls.named("writev")
    assert calls.reads_of(vectors) == [(vectors.arguments[1], 32), (buffer, 3), (buffer + 5, 3)]
    [message] = calls.named("sendmsg")
    assert (buffer, 3) in calls.reads_of(message)
    assert (buffer + 5, 3) in calls.reads_of(message)


def test_paths_and_arguments_are_read_to_their_ends(trace: Path) -> None:
    calls = _Calls(trace)
    end, one, null = calls.named("openat")[-3:]
    assert calls.reads_of(end) == calls.reads_of(one) == calls.reads_of(null) == []
    *_, executed = calls.named("execve")
    reads = calls.reads_of(executed)
    assert reads[0] == (executed.arguments[0], len("/bin/true") + 1)
    assert reads[1] == (executed.arguments[1], 3 * 8)


def test_a_call_that_waits_owns_what_is_written_when_it_returns(trace: Path) -> None:
    calls = _Calls(trace)
    [waiting] = [call for call in calls.named("read") if call.thread != 1]
    found = calls.trace.accesses(0, calls.trace.transition_count, waiting.arguments[1], 4)
    written = [
        int(transition)
        for transition, is_write, cause in zip(
            found.transition, found.is_write, found.cause, strict=True
        )
        if is_write and cause == 2
    ]
    assert len(written) == 1
    owner = calls.trace.syscall_of(written[0])
    assert owner is not None
    assert (owner.transition, owner.thread) == (waiting.transition, waiting.thread)
    assert owner.result == 4
    assert calls.trace.syscall_of(waiting.transition - 1) is None


def test_every_view_has_the_reads(trace: Path, open_trace: Open) -> None:
    server = open_trace(trace)
    calls = _Calls(trace)
    first, _, large, *_ = calls.named("write")
    accesses = list(server.trace.memory_accesses(address=first.arguments[1], size=8))
    [seen] = [
        one
        for one in accesses
        if one.transition.id == first.transition
        and one.cause is MemoryAccessCause.SystemCall
        and one.operation is MemoryAccessOperation.Read
    ]
    assert (seen.size, "system call" in seen.cause.value) == (8, True)
    assert seen in list(server.trace.transition(first.transition).memory_accesses())
    # Too large to be noted by pages, and still found by the index.
    middle = large.arguments[1] + (1 << 19)
    assert [
        one.transition.id
        for one in server.trace.memory_accesses(address=middle, size=1)
        if one.cause is MemoryAccessCause.SystemCall
    ][:1] == [large.transition]
    shown = subprocess.run(
        [REVEN, "show", trace, "--at", f"#{first.transition}", "-n", "1"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"read 8 [{first.arguments[1]:#x}]" in shown
    assert "by a system call" in shown


def test_a_string_that_only_the_kernel_reads_is_found(trace: Path, open_trace: Open) -> None:
    server = open_trace(trace)
    [executed] = _Calls(trace).named("execve")
    strings = [str(one) for one in server.trace.strings("/bin/true")]
    assert strings
    found = server.trace.search.memory(b"/bin/true\0").matches()
    assert any(executed.arguments[0] == match.virtual_start_address.offset for match in found)


def test_taint_arrives_at_the_write(trace: Path, open_trace: Open) -> None:
    server = open_trace(trace)
    calls = _Calls(trace)
    first, _, _, _, last = calls.named("write")
    [read] = [call for call in calls.named("read") if call.arguments[2] == 8]
    taint = Tainter(server.trace).simple_taint(
        TaintedMemories(PhysicalAddress(read.arguments[1] + 3), 1),
        from_context=server.trace.context_before(read.transition + 1),
    )
    sinks = {
        access.transition.id: [str(data) for data, _ in access.tainted_memories()]
        for access in taint.accesses().all()
        if access.transition.id in {call.transition for call in calls.calls}
    }
    where = f"[phy:{first.arguments[1] + 3:#x}; 1]"
    assert sinks[first.transition] == [where]
    assert where in sinks[last.transition]
    # The third byte of the first vector is byte 2.
    assert not any(call.transition in sinks for call in calls.named("writev"))


def test_the_origin_of_what_a_waiting_call_brought(trace: Path, open_trace: Open) -> None:
    server = open_trace(trace)
    [waiting] = [call for call in _Calls(trace).named("read") if call.thread != 1]
    stored = server.trace.context_before(server.trace.transition_count - 1)
    found = str(origin(stored, TaintedMemories(PhysicalAddress(waiting.arguments[1]), 4)))
    assert "signal" not in found


_FREED = r"""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    char* block = malloc(24);
    memset(block, 'x', 24);
    char* volatile kept = block;
    write(1, kept, 24);
    write(1, kept, 32);
    free(block);
    write(1, kept, 8);
    return 0;
}
"""


def test_memory_that_must_not_be_read_is_not_given_to_the_kernel_either(
    record_program: Record, open_trace: Open
) -> None:
    trace = record_program(_FREED, "-O1", "-Wno-use-after-free", "-Wno-stringop-overread")
    _, beyond, freed = _Calls(trace).named("write")
    server = open_trace(trace)
    assert [bug.transition.id for bug in bugs.find(server.trace, "overflow")] == [beyond.transition]
    assert [bug.transition.id for bug in bugs.find(server.trace, "use-after-free")] == [
        freed.transition
    ]
