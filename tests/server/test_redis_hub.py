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

import reven2
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
    Welcome,
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

    def start(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
                *options,
            ],
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

    def say(self, *words: str) -> str:
        """The answer to a command, as `redis-cli` prints it."""
        line = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()


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
                key=former.key,
                epoch=former.epoch,
                seen=[Seen("back", seen.sequence)],
            ) as one:
                assert one.welcome.client == former.client
                assert [(await one.next(Event)).sequence for _ in range(3)] == [2, 3, 4]
            repeated = Publish(1, ["back"], selection)
            async with listening(there, key=me.welcome.key, epoch=me.welcome.epoch) as again:
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
            # What was numbered before means nothing now, and everybody is told.
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


def empty(redis: Redis) -> None:
    redis.say("FLUSHALL")


def evict(redis: Redis) -> None:
    """Keep the newest of what others store, and no more."""
    redis.say("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    redis.say("CONFIG", "SET", "maxmemory", "3mb")
    number = 0
    while redis.say("EXISTS", "reven:log") == "1":
        redis.say("SET", f"other:{number}", "x" * 100_000)
        number += 1
    redis.say("CONFIG", "SET", "maxmemory", "0")


def forget_numbers(redis: Redis) -> None:
    redis.say("DEL", "reven:log")


def turn_back(redis: Redis) -> None:
    """As a replica does that has not heard of the newest, and takes the place of the first."""
    redis.say("HSET", "reven:log", "of lost", "1")


def turn_back_far(redis: Redis) -> None:
    """As one from another time."""
    redis.say("DEL", "reven:log")
    redis.say("HSET", "reven:log", "epoch", "0123456789abcdef", "of lost", "7")


LOSSES = [empty, evict, forget_numbers, turn_back, turn_back_far]


@pytest.mark.parametrize("lose", LOSSES)
def test_what_is_lost_is_noticed_by_who_publishes(
    servers: tuple[Running, Running], redis: Redis, lose: Any
) -> None:
    here, there = servers

    async def check() -> None:
        async with (
            listening(here, "lost") as near,
            listening(there, "lost", name="far") as far,
            listening(here) as me,
        ):
            for number in range(3):
                await me.publish(here.selection(number), "lost")
            for one in (near, far):
                assert [(await one.next(Event)).sequence for _ in range(3)] == [1, 2, 3]
            lose(redis)
            # At once, before anybody could have looked.
            assert await me.publish(here.selection(9), "lost") == 2
            for one in (near, far):
                assert (await one.next(Welcome)).epoch != one.welcome.epoch
                heard = await one.next(Event)
                assert heard.selection == here.selection(9)
            assert await me.publish(here.selection(8), "lost") == 2
            for one in (near, far):
                assert (await one.next(Event)).selection == here.selection(8)

    asyncio.run(check())


@pytest.mark.parametrize("lose", LOSSES)
def test_what_is_lost_is_noticed_by_who_listens(
    servers: tuple[Running, Running], redis: Redis, lose: Any
) -> None:
    here, there = servers

    async def check() -> None:
        async with (
            listening(here, "lost") as near,
            listening(there, "lost") as far,
            listening(here) as me,
        ):
            for number in range(3):
                await me.publish(here.selection(number), "lost")
            lose(redis)
            # Nobody publishes, and all are told.
            epochs = {(await one.next(Welcome)).epoch for one in (near, far, me)}
            assert len(epochs) == 1
            assert epochs != {me.welcome.epoch}
        async with listening(there, "lost") as late, listening(here) as me:
            assert late.welcome.epoch in epochs
            assert await me.publish(here.selection(5), "lost") == 1
            assert (await late.next(Event)).selection == here.selection(5)

    asyncio.run(check())


def test_python_listeners_go_on_after_a_loss(
    serve: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    here: Running = serve("--hub", redis.url)
    there: Running = serve("--hub", redis.url)
    monkeypatch.setenv("XDG_RUNTIME_DIR", here.environment["XDG_RUNTIME_DIR"])
    with (
        reven2.RevenServer("localhost", here.port) as one,
        reven2.RevenServer("localhost", there.port) as other,
        other.sessions.listen("lost") as listener,
    ):
        one.sessions.tracked = "lost"
        for number in range(3):
            assert one.sessions.publish_transition(one.trace.transition(number))
        seen = [listener.next_event(WAIT) for _ in range(3)]
        redis.say("FLUSHALL")
        assert one.sessions.publish_transition(one.trace.transition(7))
        event = listener.next_event(WAIT)
        assert event is not None
        assert seen[-1] is not None
        assert event.transition is not None
        assert (event.transition.id, event.gap) == (7, True)
        assert event.epoch != seen[-1].epoch


def test_one_that_may_only_be_read_is_said(serve: Any, redis: Redis, tmp_path: Path) -> None:
    """The one that was written to has become a replica of another."""
    server: Running = serve("--hub", redis.url)
    selection = server.selection()
    other = Redis(tmp_path)

    async def check() -> None:
        async with listening(server, "x") as one, listening(server) as me:
            assert await me.publish(selection, "x") == 1
            redis.say("REPLICAOF", "127.0.0.1", str(other.port))
            await me.send(Publish(9, ["x"], selection))
            assert (await me.next(Problem)).number == 9
            redis.say("REPLICAOF", "NO", "ONE")
            # The other one had nothing: what was numbered is gone.
            for number in range(10, 200):
                await me.send(Publish(number, ["x"], selection))
                answer = await me.receive()
                while not isinstance(answer, Problem | Published):
                    answer = await me.receive()
                if isinstance(answer, Published):
                    break
                await asyncio.sleep(0.1)
            assert isinstance(answer, Published)
            assert answer.listeners == 1
            assert await one.next(Event)

    try:
        asyncio.run(check())
    finally:
        other.stop()


def test_a_flood_while_data_are_lost_again_and_again(
    servers: tuple[Running, Running], redis: Redis
) -> None:
    """What is confirmed is heard, whenever the Redis is emptied."""
    here, there = servers
    publishes, losses = 300, 10
    confirmed: list[int] = []
    heard: list[int] = []

    async def follow() -> None:
        async with listening(there, "flood") as one:
            ready.set()
            while not done.is_set() or len(heard) < len(confirmed):
                event = await one.next(Event)
                if isinstance(event.selection, TransitionSelection):
                    heard.append(event.selection.transition)
                    if event.selection.transition == publishes:
                        return

    async def publish() -> None:
        await ready.wait()
        moment = here.selection()
        async with listening(here) as me:
            for number in range(publishes + 1):
                await me.send(
                    Publish(
                        number + 1, ["flood"], msgspec.structs.replace(moment, transition=number)
                    )
                )
                answer = await me.receive()
                while not isinstance(answer, Problem | Published):
                    answer = await me.receive()
                if isinstance(answer, Published):
                    assert answer.listeners == 1
                    confirmed.append(number)
                if number % (publishes // losses) == 0 and number < publishes:
                    await asyncio.to_thread(redis.say, "FLUSHALL")
        done.set()

    async def check() -> None:
        async with asyncio.timeout(WAIT):
            await asyncio.gather(follow(), publish())

    ready, done = asyncio.Event(), asyncio.Event()
    asyncio.run(check())
    assert len(confirmed) > publishes // 2
    assert set(confirmed) <= set(heard), "what was said to be published was heard"
    assert len(heard) == len(set(heard)), "and once"


@pytest.mark.parametrize("name", ["cafe\u0301", " caf\u00e9 ", "caf\u00e9"])
def test_names_are_the_same_on_all(servers: tuple[Running, Running], name: str) -> None:
    here, there = servers

    async def check() -> None:
        async with listening(here, "caf\u00e9") as one, listening(there) as me:
            assert await me.publish(here.selection(), name) == 1
            assert (await one.next(Event)).session == "caf\u00e9"

    asyncio.run(check())
    names = [state["name"] for state in there.json("GET", "/api/v1/sessions")]
    assert [one for one in names if one.startswith(("ca", " ca"))] == ["caf\u00e9"]
