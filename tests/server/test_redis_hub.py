# SPDX-License-Identifier: Apache-2.0
"""Sessions shared by two server processes over a real Redis."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reven2._client.messages import (
    AddressSelection,
    Event,
    Presence,
    Problem,
    Publish,
    Published,
    Seen,
    TransitionSelection,
    WatchPresence,
)
from reven2._client.numbers import hexadecimal

from .running import WAIT, Running, listening


class Redis:
    """A `redis-server` that keeps nothing."""

    def __init__(self, directory: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._directory = directory
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + WAIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    running = Redis(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def servers(serve: Any, redis: Redis) -> tuple[Running, Running]:
    return serve("--hub", redis.url), serve("--hub", redis.url)


def test_what_is_published_at_one_is_heard_at_both(servers: tuple[Running, Running]) -> None:
    here, there = servers

    async def check() -> None:
        moment = here.selection()
        sent = AddressSelection(moment.trace, moment.scenario, hexadecimal(2**64 - 1), 1)
        async with (
            listening(here, "a") as near,
            listening(there, "a", name="far") as far,
            listening(here, name="me") as me,
        ):
            await me.send(WatchPresence("a"))
            while len((await me.next(Presence)).clients) < 2:
                pass
            assert await me.publish(sent, "a") == 2
            one, two = await near.next(Event), await far.next(Event)
            assert one == two
            assert (one.sequence, one.selection, one.origin.name) == (1, sent, "me")
            assert await me.hears_no_event()
        async with listening(there, "a") as late:
            assert await late.next(Event) == one, "the latest is everywhere"
        assert "a" in [state["name"] for state in there.json("GET", "/api/v1/sessions")]

    asyncio.run(check())


def test_one_order_for_all_whoever_publishes_where(servers: tuple[Running, Running]) -> None:
    publishes = 100

    async def follow(server: Running) -> list[tuple[int, int]]:
        async with listening(server, "order") as one:
            ready.release()
            events = [await one.next(Event) for _ in range(2 * publishes)]
        return [
            (event.sequence, event.selection.transition)
            for event in events
            if isinstance(event.selection, TransitionSelection)
        ]

    async def publish(server: Running, first: int) -> None:
        moment = server.selection()
        async with listening(server) as me:
            for number in range(first, first + publishes):
                await me.publish(msgspec.structs.replace(moment, transition=number), "order")

    async def check() -> None:
        following = [asyncio.create_task(follow(server)) for server in servers * 2]
        for _ in following:
            await ready.acquire()
        await asyncio.gather(*(publish(server, 100 * n) for n, server in enumerate(servers)))
        heard = await asyncio.gather(*following)
        assert all(one == heard[0] for one in heard)
        assert [sequence for sequence, _ in heard[0]] == list(range(1, 2 * publishes + 1))

    ready = asyncio.Semaphore(0)
    asyncio.run(check())


def test_a_client_comes_back_to_the_other_server(servers: tuple[Running, Running]) -> None:
    here, there = servers

    async def check() -> None:
        selection = here.selection()
        async with AsyncExitStack() as stack:
            me = await stack.enter_async_context(listening(here))
            async with listening(here, "back") as one:
                await me.publish(selection, "back")
                seen = await one.next(Event)
                former = one.welcome
            for _ in range(3):
                await me.publish(selection, "back")
            async with listening(
                there,
                "back",
                client=former.client,
                epoch=former.epoch,
                seen=[Seen("back", seen.sequence)],
            ) as one:
                assert one.welcome.client == former.client
                assert [(await one.next(Event)).sequence for _ in range(3)] == [2, 3, 4]
            repeated = Publish(1, ["back"], selection)
            async with listening(there, client=me.welcome.client, epoch=me.welcome.epoch) as again:
                await again.send(repeated)
                await again.next(Published)
            assert (await late_sequence(here)) == 4, "a repeated publish is no new one"

    async def late_sequence(server: Running) -> int:
        async with listening(server, "back") as late:
            return (await late.next(Event)).sequence

    asyncio.run(check())


def test_a_killed_servers_clients_are_gone(servers: tuple[Running, Running]) -> None:
    here, there = servers

    async def check() -> None:
        async with listening(here) as watcher:
            async with listening(there, "gone"):
                await watcher.send(WatchPresence("gone"))
                while not (await watcher.next(Presence)).clients:
                    pass
            there.end()
            while (await watcher.next(Presence)).clients:
                pass

    asyncio.run(check())


def test_an_absent_redis_is_said_and_a_new_one_is_used(serve: Any, redis: Redis) -> None:
    server: Running = serve("--hub", redis.url)
    selection = server.selection()

    async def check() -> None:
        async with listening(server, "x") as one, listening(server) as me:
            await me.publish(selection, "x")
            epoch = one.welcome.epoch
            redis.stop()
            await me.send(Publish(9, ["x"], selection))
            assert "Redis" in (await me.next(Problem)).message
            assert server.query("transition_count")
            redis.start()
            deadline = time.monotonic() + WAIT
            # What was numbered before means nothing now: everybody is cut, and comes back.
            while True:
                async with listening(server, "x") as again:
                    if again.welcome.epoch != epoch:
                        break
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
        async with listening(server, "x") as one, listening(server) as me:
            assert await me.publish(selection, "x") == 1
            assert (await one.next(Event)).sequence == 1

    asyncio.run(check())


def test_what_else_is_on_the_redis_does_no_harm(servers: tuple[Running, Running]) -> None:
    here, there = servers

    async def check() -> None:
        async with listening(here, "x") as one, listening(there) as me:
            await me.publish(here.selection(), "x")
            assert (await one.next(Event)).sequence == 1
            words = [b"PUBLISH reven:events nonsense", b"PUBLISH reven:peers {}"]
            port = int(redis_port(here))
            with socket.create_connection(("127.0.0.1", port)) as other:
                for line in words:
                    other.sendall(line + b"\r\n")
                    other.recv(100)
            await me.publish(here.selection(), "x")
            assert (await one.next(Event)).sequence == 2

    asyncio.run(check())


def redis_port(server: Running) -> str:
    words = Path(f"/proc/{server.process.pid}/cmdline").read_text().split("\0")
    return words[words.index("--hub") + 1].rpartition(":")[2]


def test_a_redis_that_does_not_answer_is_said_without_its_password(
    serve: Any, redis: Redis
) -> None:
    redis.stop()
    with pytest.raises(AssertionError, match=f"no Redis answers at {redis.url}") as error:
        serve("--hub", redis.url.replace("//", "//user:secret@"))
    assert "secret" not in str(error.value)
