# SPDX-License-Identifier: Apache-2.0
"""Sessions over a Redis whose primary dies, with Sentinels that choose another."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reven2._client.messages import Event, Problem, Publish, Published

from .running import WAIT, Running, listening


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def running(folder: Path, program: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir()
    command = [program, *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def say(port: int, *words: str) -> str:
    line = ["redis-cli", "-p", str(port), *words]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout


def until(port: int, words: tuple[str, ...], expected: str) -> None:
    deadline = time.monotonic() + WAIT
    while expected not in say(port, *words):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def redises(tmp_path: Path) -> Iterator[tuple[int, int, int, subprocess.Popen[bytes]]]:
    """Ports of a primary, its replica, and a Sentinel; and the primary."""
    first, second, third = free_port(), free_port(), free_port()
    common = ("--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0")
    with ExitStack() as stack:
        start = stack.enter_context
        primary = start(running(tmp_path / "1", "redis-server", "--port", str(first), *common))
        start(running(tmp_path / "2", "redis-server", "--port", str(second), *common,
                      "--replicaof", "127.0.0.1", str(first)))  # fmt: skip
        until(second, ("info", "replication"), "master_link_status:up")
        file = tmp_path / "sentinel.conf"
        file.write_text(
            f"port {third}\nbind 127.0.0.1\nsentinel monitor mine 127.0.0.1 {first} 1\n"
            "sentinel down-after-milliseconds mine 500\nsentinel failover-timeout mine 3000\n"
        )
        start(running(tmp_path / "3", "redis-sentinel", str(file)))
        until(third, ("sentinel", "replicas", "mine"), str(second))
        yield first, second, third, primary


def test_sessions_go_on_at_the_one_that_is_chosen(
    serve: Any, redises: tuple[int, int, int, subprocess.Popen[bytes]]
) -> None:
    _, second, third, primary = redises
    url = f"redis+sentinel://127.0.0.1:{third}/mine"
    here: Running = serve("--hub", url)
    there: Running = serve("--hub", url)

    async def check() -> None:
        async with (
            listening(here, "a") as near,
            listening(there, "a") as far,
            listening(here) as me,
        ):
            assert await me.publish(here.selection(1), "a") == 2
            assert (await far.next(Event)).selection == here.selection(1)
            assert (await near.next(Event)).selection == here.selection(1)
            primary.kill()
            # It says so until another is chosen; then what is confirmed is heard, at both.
            refused, number = 0, 10
            while True:
                await me.send(Publish(number, ["a"], here.selection(number)))
                answer = await me.receive()
                while not isinstance(answer, Problem | Published):
                    answer = await me.receive()
                if isinstance(answer, Published) and answer.listeners == 2:
                    break
                refused += 1
                number += 1
                await asyncio.sleep(0.1)
            assert refused > 0
            for one in (near, far):
                event = await one.next(Event)
                while event.selection != here.selection(number):
                    event = await one.next(Event)

    asyncio.run(check())
    assert "role:master" in say(second, "info", "replication")


def test_what_is_no_address_of_sentinels_is_refused() -> None:
    from reven.server.errors import UnusableHub
    from reven.server.redis_log import RedisLog

    for url in ("redis+sentinel://", "redis+sentinel://localhost", "redis+sentinel:///mine"):
        with pytest.raises(UnusableHub, match=r"redis\+sentinel"):
            RedisLog(url)
