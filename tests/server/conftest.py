# SPDX-License-Identifier: Apache-2.0
"""Servers of tiny traces, as real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .running import Running

COUNTING = """
int cells[16];
__attribute__((noinline)) int count(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) { cells[i % 16] = i; sum += cells[i * 7 % 16]; }
    return sum;
}
int main(void) { return count(300) & 1; }
"""
FLAGS = ("-static", "-nostartfiles", "-Wl,--entry=main", "-O1")

Serve = Callable[..., Running]


@pytest.fixture(scope="session")
def trace(record_program: Callable[..., Path]) -> Path:
    """The trace of a program that counts, and then crashes, for it has nothing to return to."""
    return record_program(COUNTING, *FLAGS)


@pytest.fixture
def serve(trace: Path, tmp_path: Path) -> Iterator[Serve]:
    """`serve(*options, traces=(trace,))`: a server that ends with the test."""
    running: list[Running] = []

    def start(*options: str, traces: tuple[Path, ...] = ()) -> Running:
        running.append(Running(traces or (trace,), tmp_path, *options))
        return running[-1]

    yield start
    for server in running:
        server.end()


@pytest.fixture(scope="module")
def server(trace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for the tests of a module."""
    running = Running([trace], tmp_path_factory.mktemp("server"))
    yield running
    status, printed = running.end()
    assert (status, printed) == (0, "")
