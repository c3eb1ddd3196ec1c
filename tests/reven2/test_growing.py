# SPDX-License-Identifier: Apache-2.0
"""A trace that is still being recorded opens, and grows."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import reven2
from reven2.errors import TraceError

# Waits for a file in many short system calls, so that what ran so far is written out.
SOURCE = r"""
#include <unistd.h>

__attribute__((noinline)) void finished(void) { __asm__ volatile(""); }

int main(int count, char **arguments) {
    while (access(arguments[count - 1], F_OK) != 0) usleep(10000);
    finished();
    return 0;
}
"""
RECORD = """
import sys
from pathlib import Path
from reven.record import RecordOptions, record
record(sys.argv[2:], Path(sys.argv[1]), options=RecordOptions())
"""


def _opened(trace: Path, recorder: subprocess.Popen[bytes]) -> reven2.OpenTrace:
    while True:
        assert recorder.poll() is None
        try:
            server = reven2.open(trace)
        except TraceError:
            pass
        else:
            if server.trace.transition_count > 0:
                return server
            server.close()
        time.sleep(0.05)


def test_refreshing_shows_what_was_recorded_since(
    compile_program: Callable[..., Path], record_program: Any, tmp_path: Path
) -> None:
    program = compile_program(SOURCE)
    # The first recording of the session compiles the recorder.
    (tmp_path / "at once").touch()
    record_program(SOURCE, arguments=[str(tmp_path / "at once")])
    trace, go = tmp_path / "growing.reven", tmp_path / "go"
    with subprocess.Popen([sys.executable, "-c", RECORD, trace, program, go]) as recorder:
        try:
            server = _opened(trace, recorder)
            count = server.trace.transition_count
            last = str(server.trace.last_transition)
            final = server.trace.last_context
            state = final.read(reven2.arch.x64.rsp)
            early = {binary.path for binary in server.ossi.executed_binaries()}
        finally:
            go.touch()
        assert recorder.wait() == 0
    assert server.trace.transition_count == count
    assert server.trace.refresh() > count
    assert str(server.trace.transition(count - 1)) == last
    assert server.trace._context(count).read(reven2.arch.x64.rsp) == state
    assert str(final) == f"Context before #{count}"
    assert early <= {binary.path for binary in server.ossi.executed_binaries()}
    [symbol] = server.ossi.symbols("^finished$")
    assert len(list(server.trace.search.symbol(symbol))) == 1
    assert "syscall" in str(server.trace.last_transition)
    server.close()
