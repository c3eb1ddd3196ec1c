# SPDX-License-Identifier: Apache-2.0
"""Connections to the sessions of a real server: presence, many of them, what is no message."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from reven2._client.messages import (
    PROTOCOL_VERSION,
    ClientMessage,
    Event,
    Hello,
    Listen,
    Presence,
    Problem,
    Publish,
    Published,
    Sessions,
    Unlisten,
    WatchPresence,
    Where,
)

from .running import DECODER, Listener, Running, listening


def states(message: Sessions) -> dict[str, int]:
    return {one.name: one.listeners for one in message.sessions}


class TestPresence:
    """S4."""

    def test_who_listens_and_where_they_look(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server, "p", name="watcher") as watcher:
                await watcher.send(WatchPresence("p"))
                assert [one.name for one in (await watcher.next(Presence)).clients] == ["watcher"]
                async with listening(server, "p", name="axion", kind="axion") as one:
                    selection = server.selection(9)
                    await one.send(Where(selection))
                    while (
                        len((presence := await watcher.next(Presence)).clients) < 2
                        or presence.clients[1].selection is None
                    ):
                        pass
                    present = presence.clients[1]
                    assert present.client == one.welcome.client
                    assert (present.name, present.kind) == ("axion", "axion")
                    assert present.selection == selection
                    listed = server.json("GET", "/api/v1/sessions/p/presence")
                    assert [client["name"] for client in listed] == ["watcher", "axion"]
                while len((await watcher.next(Presence)).clients) > 1:
                    pass

        asyncio.run(check())

    def test_the_longest_listening_come_first(self, server: Running) -> None:
        async def check() -> None:
            async with (
                listening(server, name="late") as late,
                listening(server, name="early") as early,
            ):
                for one in (early, late):
                    await one.send(Listen("order"))
                    while states(await one.next(Sessions)).get("order") is None:
                        pass
                listed = server.json("GET", "/api/v1/sessions/order/presence")
                assert [client["name"] for client in listed] == ["early", "late"]

        asyncio.run(check())

    def test_a_killed_client_is_gone(self, server: Running) -> None:
        script = (
            "import sys, asyncio, pathlib\n"
            "sys.path.insert(0, sys.argv[1])\n"
            "from websockets.sync.client import connect\n"
            "one = connect(sys.argv[2], additional_headers={'Authorization': sys.argv[3]})\n"
            "one.send(sys.argv[4])\n"
            "print(one.recv(), flush=True)\n"
            "while True: one.recv()\n"
        )
        hello = Hello(PROTOCOL_VERSION, "python", "victim", ["killed"])
        victim = subprocess.Popen(
            [
                sys.executable,
                "-c",
                script,
                str(Path(__file__).parent),
                f"ws://127.0.0.1:{server.port}/api/v1/sessions/live",
                f"Bearer {server.token}",
                msgspec.json.encode(hello).decode(),
            ],
            stdout=subprocess.PIPE,
        )

        async def check() -> None:
            async with listening(server) as watcher:
                await watcher.send(WatchPresence("killed"))
                while not (await watcher.next(Presence)).clients:
                    pass
                victim.kill()
                while (await watcher.next(Presence)).clients:
                    pass

        with victim:
            assert victim.stdout is not None
            assert b"welcome" in victim.stdout.readline()
            asyncio.run(check())

    def test_a_silent_client_is_gone_within_thirty_seconds(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server, "silent") as silent, listening(server) as watcher:
                await watcher.send(WatchPresence("silent"))
                while not (await watcher.next(Presence)).clients:
                    pass

                # Read everything, answer nothing: the machine is there, the client hangs.
                async def read() -> None:
                    while True:
                        await silent.socket.recv()

                async def is_gone() -> None:
                    while (message := await watcher.receive()) and (
                        not isinstance(message, Presence) or message.clients
                    ):
                        pass

                async with asyncio.timeout(30):
                    gone = asyncio.create_task(is_gone())
                    with pytest.raises(ConnectionClosed):
                        await read()
                    await gone

        asyncio.run(check())


class TestManyConnections:
    def test_a_thousand_listeners(self, server: Running) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
        before = server.descriptors
        count = 1000

        async def check() -> None:
            selection = server.selection()
            async with AsyncExitStack() as stack:
                listeners: list[Listener] = []
                for _ in range(count // 50):
                    group = [listening(server, "crowd") for _ in range(50)]
                    listeners += await asyncio.gather(*map(stack.enter_async_context, group))
                me = await stack.enter_async_context(listening(server))
                assert await me.publish(selection, "crowd") == count
                for listener in listeners:
                    assert (await listener.next(Event)).selection == selection
                assert server.descriptors <= before + count + 8

        asyncio.run(check())
        assert {"name": "crowd", "listeners": 0} in server.json("GET", "/api/v1/sessions")
        assert server.descriptors <= before + 8

    def test_w4_opening_and_closing_leaves_nothing(self, server: Running) -> None:
        async def open_and_close(count: int) -> None:
            for number in range(count):
                async with listening(server, "w4") as one:
                    if number % 2:
                        one.socket.transport.abort()

        asyncio.run(open_and_close(200))
        descriptors, resident = server.descriptors, server.resident_bytes
        asyncio.run(open_and_close(1000))
        assert server.descriptors <= descriptors + 4
        assert server.resident_bytes - resident < 4 << 20


class TestProtocol:
    @pytest.mark.parametrize(
        ("first", "why"),
        [
            ('{"type":"listen","session":"x"}', "must be a hello"),
            ('{"type":"hello","version":99,"kind":"cli","name":""}', "version"),
            ('{"type":"hello","version":3,"kind":"cli","name":"","listen":["/"]}', "printable"),
            ("nonsense", "none of the protocol"),
        ],
    )
    def test_what_is_no_hello_is_told_and_closed(
        self, server: Running, first: str, why: str
    ) -> None:
        async def check() -> None:
            from websockets.asyncio.client import connect

            async with connect(
                f"ws://127.0.0.1:{server.port}/api/v1/sessions/live",
                additional_headers={"Authorization": f"Bearer {server.token}"},
            ) as socket:
                await socket.send(first)
                problem = DECODER.decode(await socket.recv())
                assert isinstance(problem, Problem)
                assert problem.fatal
                assert why in problem.message
                with pytest.raises(ConnectionClosed):
                    await socket.recv()

        asyncio.run(check())

    def test_a_large_frame_closes_with_1009(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                await me.socket.send("x" * (1 << 20))
                with pytest.raises(ConnectionClosed) as closed:
                    await me.next(Problem)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1009

        asyncio.run(check())

    @pytest.mark.parametrize("text", ["[" * 10_000, '{"type":' * 5000, '{"type":"hello"}', "{}"])
    def test_what_is_no_message_is_told_and_survived(self, server: Running, text: str) -> None:
        async def check() -> None:
            async with listening(server) as me:
                await me.socket.send(text)
                assert not (await me.next(Problem)).fatal
                await me.send(Listen("still here"))
                while "still here" not in states(await me.next(Sessions)):
                    pass

        asyncio.run(check())

    def test_every_client_message_is_understood(self, server: Running) -> None:
        """No message of the protocol has been forgotten by the server."""
        selection = server.selection()
        messages: list[ClientMessage] = [
            Listen("all"),
            WatchPresence("all"),
            Where(selection),
            Publish(1, ["all"], selection),
            Unlisten("all"),
        ]

        async def check() -> None:
            async with listening(server) as me:
                for message in messages:
                    await me.send(message)
                assert (await me.next(Published)).listeners == 0

        asyncio.run(check())
