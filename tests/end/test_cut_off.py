# SPDX-License-Identifier: Apache-2.0
"""Ends that the recorder could not tell: it ended the program, or was killed with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Open = Callable[[Path], Any]
REVEN = str(Path(sys.executable).with_name("reven"))

KILLED = """
#include <signal.h>
#include <unistd.h>
int main(void) {
  if (fork() == 0) { kill(getppid(), SIGKILL); _exit(0); }
  for (;;) pause();
}
"""

# A thread with files of its own, which Valgrind does not know.
ENDED = """
#define _GNU_SOURCE
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
  static long stack[1024];
  return syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, stack + 1024, 0, 0, 0);
}
"""


@pytest.mark.parametrize(
    ("source", "reason", "words", "said"),
    [
        (KILLED, "killed", "was killed by SIGKILL", ""),
        (ENDED, "recorder", "was ended by the recorder, in the middle: it called clone", "clone"),
    ],
)
def test_an_end_in_the_middle(
    source: str,
    reason: str,
    words: str,
    said: str,
    compile_program: Callable[..., Path],
    tmp_path: Path,
    open_trace: Open,
) -> None:
    trace = tmp_path / "t.reven"
    done = subprocess.run(
        [REVEN, "record", "-q", "-o", trace, "--", compile_program(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    # Also with -q, if it is the recorder's doing.
    assert (said in done.stderr) if said else done.stderr == ""
    end = open_trace(trace).trace.end
    assert end.reason == reason
    assert str(end).startswith(words)
    for command in ("info", "show"):
        shown = subprocess.run(
            [REVEN, command, trace], capture_output=True, text=True, check=True
        ).stdout
        assert words in " ".join(shown.split())
