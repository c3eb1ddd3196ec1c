# SPDX-License-Identifier: Apache-2.0
"""Programs that filter their own system calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from reven import _engine
from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays

SOURCE = (Path(__file__).parent / "programs/confined.c").read_text()

LISTENER = """
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
  struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {1, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  long made = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                      &program);
  return made == -1 && errno == ENOSYS;
}
"""


def test_a_filter_judges_the_programs_calls(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program(SOURCE, "-pthread")])
    both.assert_same()
    children = [path for path in both.trace.parent.iterdir() if path != both.trace]
    assert len(children) == 11  # one of them executes the program again
    for child in children:
        checked = _engine.Trace(str(child)).check()
        assert (checked.problems, checked.bad_loads) == ([], 0)


def test_a_listener_is_refused(
    record_program: Callable[..., Path], open_trace: Callable[[Path], Any]
) -> None:
    notices = " ".join(open_trace(record_program(LISTENER)).trace.notices)
    assert "seccomp, whose filter shall ask a listener" in notices
