# SPDX-License-Identifier: Apache-2.0
"""Signals as the kernel has them: those that stop a process, what a handler blocks; and programs
that ask for a debugger, or are one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reven.end.notices import notice_sentence
from reven.trace.manifest_parts import Notice
from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays

STOPS = """
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU}, s;
    for (int i = 0; i < 3; i++) {
        pid_t c = fork();
        if (c == 0) { raise(stops[i]); _exit(dup(0)); }
        waitpid(c, &s, WUNTRACED);
        printf("%x ", s);
        kill(c, SIGCONT);
        waitpid(c, &s, 0);
        printf("%x\\n", s);
    }
    return 0;
}
"""

BLOCKED = """
#include <signal.h>
#include <stdio.h>
static void handler(int number) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("%d %d\\n", sigismember(&now, SIGUSR2), sigismember(&now, number));
}
int main(void) {
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_NODEFER};
    sigaddset(&a.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    return 0;
}
"""

ASKS = """
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
static int deep(int n) {
    volatile char room[50000];
    memset((void *)room, n, sizeof room);
    return n ? deep(n - 1) + room[7] : 0;
}
int main(void) {
    printf("%ld ", ptrace(PTRACE_TRACEME, 0, 0, 0));
    printf("%ld %d\\n", ptrace(PTRACE_TRACEME, 0, 0, 0), deep(60));
    return 0;
}
"""

TRACES = """
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    pid_t c = fork();
    if (c == 0) for (;;) pause();
    ptrace(PTRACE_ATTACH, c, 0, 0);
    waitpid(c, NULL, 0);
    kill(c, SIGKILL);
    return 0;
}
"""

STEPS = """
int main(void) {
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" ::: "memory", "cc");
    return 0;
}
"""


def sentences(trace: Path) -> list[str]:
    notices = json.loads((trace / "manifest.json").read_text()).get("notices", [])
    return [notice_sentence(Notice(**each)) for each in notices]


@pytest.mark.parametrize("source", [STOPS, BLOCKED, ASKS])
def test_signals_do_what_they_do(
    compile_program: CompileProgram, run_both_ways: RunBothWays, source: str
) -> None:
    run_both_ways([compile_program(source)]).assert_same()


@pytest.mark.parametrize(
    ("source", "words"), [(ASKS, "asked to be traced"), (TRACES, "traced another")]
)
def test_tracing_is_said(
    compile_program: CompileProgram, run_both_ways: RunBothWays, source: str, words: str
) -> None:
    both = run_both_ways([compile_program(source)])
    (said,) = sentences(both.trace)
    assert words in said


def test_the_trap_flag_is_said(compile_program: CompileProgram, run_both_ways: RunBothWays) -> None:
    both = run_both_ways([compile_program(STEPS)])
    assert (both.native.returncode, both.recorded.returncode) == (-5, 0)
    (said,) = sentences(both.trace)
    assert "trap flag" in said
