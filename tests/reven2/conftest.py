# SPDX-License-Identifier: Apache-2.0
"""Open traces of the programs in `programs`, in this process and over a server: every test
holds for both."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reven2

from .programs import BARE, BARE_FLAGS, SIGNALS, THREADS, VALUES


@pytest.fixture(params=["in process", "server"])
def open_trace(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], reven2.OpenTrace]]:
    """`open_trace(path) -> server`, closed when the test ends."""
    opened: list[reven2.OpenTrace] = []

    def open_(path: Path) -> reven2.OpenTrace:
        if request.param == "server":
            port = request.getfixturevalue("serve_traces")(path)
            opened.append(reven2.RevenServer("localhost", port))
        else:
            opened.append(reven2.open(path))
        return opened[-1]

    yield open_
    for server in opened:
        server.close()


@pytest.fixture(scope="session")
def bare_symbols(compile_program: Callable[..., Path]) -> dict[str, int]:
    """Addresses of the symbols of `BARE`, as nm has them."""
    program = compile_program(BARE, *BARE_FLAGS)
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    return {
        words[2]: int(words[0], 16)
        for words in map(str.split, listing.splitlines())
        if len(words) == 3
    }


@pytest.fixture
def bare(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(BARE, *BARE_FLAGS))
    return server


@pytest.fixture
def values(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(VALUES))
    return server


@pytest.fixture
def signals(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(SIGNALS))
    return server


@pytest.fixture
def threads(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(THREADS, "-pthread"))
    return server
