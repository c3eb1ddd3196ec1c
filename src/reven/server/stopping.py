# SPDX-License-Identifier: Apache-2.0
"""Ending a server from another process of the same user."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from reven.server.errors import NoServer
from reven2._client.run_file import RunFile, read_run_file, run_directory

__all__ = ["stop_server"]

PATIENCE_SECONDS = 10.0


def stop_server(port: int) -> RunFile:
    """End the server on the port and wait until it has ended. Returns what it was.

    Raises:
        NoServer: no server of this user runs there, or it does not end.
    """
    running = read_run_file(port)
    if running is None or not _has_port(running.pid, port):
        (run_directory() / f"{port}.json").unlink(missing_ok=True)
        raise NoServer(f"no server of yours runs on port {port} of this machine")
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if not _has_port(running.pid, port) and read_run_file(port) != running:
            return running
        time.sleep(0.02)
    raise NoServer(
        f"the server on port {port} (process {running.pid}) does not end: "
        f"`kill -9 {running.pid}` ends it without asking"
    )


def _has_port(pid: int, port: int) -> bool:
    """Whether the process listens on the port: its number may be another's by now."""
    wanted = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                words = line.split()
                if int(words[1].rpartition(":")[2], 16) == port and words[3] == "0A":
                    wanted.add(f"socket:[{words[9]}]")
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) in wanted:
                    return True
    return False
