# SPDX-License-Identifier: Apache-2.0
"""A child that runs in its parent's memory: the parent finds what the child wrote."""

from __future__ import annotations

import pytest

import reven2
from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import BothWays, RunBothWays

VFORK = """
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int written[3000];
int main(void) {
    int status;
    volatile int *heap = malloc(8);
    pid_t child = vfork();
    if (child == 0) {
        for (int i = 0; i < 3000; i += 500) written[i] = i + 1;
        *heap = 4;
        execl("/nonexistent", "nonexistent", (char *)0);
        heap[1] = 5;
        _exit(2);
    }
    waitpid(child, &status, 0);
    for (int i = 0; i < 3000; i += 250) printf("%d ", written[i]);
    printf("%d %d %x\\n", heap[0], heap[1], status);
    return 0;
}
"""

SPAWN = """
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
int main(void) {
    int status;
    pid_t child;
    char *words[] = {"true", 0}, *nothing[] = {0};
    puts(strerror(posix_spawn(&child, "/nonexistent", 0, 0, words, nothing)));
    puts(strerror(posix_spawn(&child, "/bin/true", 0, 0, words, nothing)));
    return waitpid(child, &status, 0) != child || status != 0;
}
"""

CLONE = """
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int value;
static int child(void *argument) {
    value = 5;
    pid_t self = getpid();
    if (KILLED) {
        if (fork() == 0) _exit(kill(self, SIGKILL));
        for (;;) pause();
    }
    if (MAPS) *(char *)mmap((void *)0x7000000000, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
    return 3;
}
int main(void) {
    int status;
    char *stack = malloc(65536);
    int pid = clone(child, stack + 65536, CLONE_VM | FLAGS | SIGCHLD, 0);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return 1;
    printf("%d %x\\n", KILLED ? 0 : value, status);
    return 0;
}
"""


def _flags(flags: str = "0", killed: int = 0, maps: int = 0) -> list[str]:
    return [f"-DFLAGS={flags}", f"-DKILLED={killed}", f"-DMAPS={maps}", "-Wno-error"]


def _notices(both: BothWays) -> str:
    with reven2.open(both.trace) as server:
        return "\n".join(server.trace.notices)


@pytest.mark.parametrize("source", [VFORK, SPAWN, CLONE])
def test_the_parent_finds_what_the_child_wrote(
    source: str, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    run_both_ways([compile_program(source, *_flags())]).assert_same()


def test_the_system_call_is_named_as_the_writer(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program(CLONE, *_flags("CLONE_VFORK"))])
    both.assert_same()
    assert _notices(both) == ""
    with reven2.open(both.trace) as server:
        value = server.where("value").address
        [write] = [
            access
            for access in server.trace.memory_accesses(value, 4)
            if access.operation == reven2.memhist.MemoryAccessOperation.Write
        ]
        assert write.cause is reven2.memhist.MemoryAccessCause.SystemCall


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (_flags(), "ran before its parent went on"),
        (_flags("CLONE_FILES"), "descriptors and a working folder of its own"),
        (_flags(killed=1), "was killed"),
        (_flags(maps=1), "0x7000000000"),
    ],
)
def test_what_is_otherwise_is_said(
    flags: list[str], words: str, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program(CLONE, *flags)])
    both.assert_same()
    assert words in _notices(both)
