# SPDX-License-Identifier: Apache-2.0
"""`make demo`, with and without somebody watching."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent.parent / "examples" / "demo.py"
CTRL_C = b"\x03"


def test_without_a_terminal_it_tells_the_story_and_the_server_answers() -> None:
    done = subprocess.run(
        [sys.executable, DEMO],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "copy_word overwrote the pointer" in done.stdout
    assert "[connected]: #" in done.stdout


def test_on_a_terminal_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.environ["XDG_RUNTIME_DIR"] = str(tmp_path)
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            os.environ.pop(name, None)
        os.execv(sys.executable, [sys.executable, str(DEMO)])
    output, interrupted = b"", False
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that the other side has gone
            break
        if not data:
            break
        output += data
        if b"/login?code=" in output and not interrupted:
            interrupted = True
            os.write(terminal, CTRL_C)
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, output.decode()
    assert b"overwrote the pointer" in output
    assert interrupted
