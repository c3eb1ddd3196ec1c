# SPDX-License-Identifier: Apache-2.0
"""Bridges as real processes, and the table of what each client was seen to do with them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .compatibility import Claims, compare, write

REVEN = str(Path(sys.executable).with_name("reven"))
StartBridge = Callable[..., str]


@pytest.fixture(scope="session")
def start_bridge(serve_traces: object) -> Iterator[StartBridge]:
    """`start_bridge("gdb", trace, *options) -> "127.0.0.1:PORT"` where it waits for its tool."""
    processes: list[subprocess.Popen[str]] = []

    def start(name: str, *words: str | Path) -> str:
        command = [REVEN, "bridge", name, *map(str, words), "--listen", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening"), line
        return line.split(" on ")[1].split()[0].rstrip(".")

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        process.communicate()


@pytest.fixture
def reven_bridge() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`reven_bridge(*words)`: run `reven bridge`, which ends by itself."""
    return lambda *words: subprocess.run(
        [REVEN, "bridge", *words], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def claims() -> Iterator[Claims]:
    """`claims.works(bridge, client, version, what)`: a test saw it, and so the documentation says
    it; `lacks` the same for what a client cannot do."""
    made = Claims()
    yield made
    if os.environ.get("REVEN_WRITE_COMPATIBILITY"):
        write(made)
    else:
        compare(made)
