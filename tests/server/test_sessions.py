# SPDX-License-Identifier: Apache-2.0
"""Sessions over a real server: order, catching up, slowness."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from reven2._client.messages import (
    AddressSelection,
    Done,
    Event,
    Listen,
    PresentClient,
    Problem,
    Publish,
    Published,
    Seen,
    Selection,
    Sessions,
    TransitionSelection,
    Unlisten,
    WatchPresence,
    Where,
)
from reven2._client.numbers import hexadecimal

from .running import WAIT, Listener, Running, listening


def states(message: Sessions) -> dict[str, int]:
    return {one.name: one.listeners for one in message.sessions}


class TestPublishing:
    def test_listeners_get_it_and_the_publisher_hears_how_many(self, server: Running) -> None:
        async def check() -> None:
            selection = server.selection(5)
            async with (
                listening(server, "a", name="one") as one,
                listening(server, "a", "b") as two,
                listening(server, "c") as three,
                listening(server, "b", name="me", kind="cli") as me,
            ):
                assert await me.publish(selection, "a", "b") == 2
                event = await one.next(Event)
                assert (event.session, event.sequence, event.gap) == ("a", 1, False)
                assert event.selection == selection
                assert event.origin.client == me.welcome.client
                assert (event.origin.name, event.origin.kind) == ("me", "cli")
                assert {(await two.next(Event)).session for _ in "ab"} == {"a", "b"}
                assert await three.hears_no_event()
                assert await me.hears_no_event(), "no echo"

        asyncio.run(check())

    def test_addresses_keep_all_their_bits(self, server: Running) -> None:
        async def check() -> None:
            moment = server.selection()
            sent = AddressSelection(
                moment.trace,
                moment.scenario,
                hexadecimal(2**64 - 1),
                1,
                "top",
                transition=3,
                segment="fs",
            )
            async with listening(server, "address") as one, listening(server) as me:
                await me.publish(sent, "address")
                assert (await one.next(Event)).selection == sent

        asyncio.run(check())

    def test_a_repeated_publish_is_not_published_again(self, server: Running) -> None:
        async def check() -> None:
            message = Publish(7, ["repeated"], server.selection())
            async with listening(server, "repeated") as one, listening(server) as me:
                for _ in range(2):
                    await me.send(message)
                    assert (await me.next(Published)).listeners == 1
                assert (await one.next(Event)).sequence == 1
                assert await one.hears_no_event()
                key, epoch = me.welcome.key, me.welcome.epoch
            async with (
                listening(server, "repeated") as one,
                listening(server, key=key, epoch=epoch) as me,
            ):
                await one.next(Event)
                await me.send(message)
                await me.next(Published)
                assert await one.hears_no_event()

        asyncio.run(check())

    @pytest.mark.parametrize(
        "selection",
        [
            TransitionSelection("another", "?", 0),
            TransitionSelection("", "", 10**9),
            TransitionSelection("", "", -1),
            AddressSelection("", "", "-0x1"),
            AddressSelection("", "", hexadecimal(1 << 64)),
            AddressSelection("", "", "0x0", size=0),
            AddressSelection("", "", hexadecimal((1 << 64) - 1), size=2),
            AddressSelection("", "", "12"),
            AddressSelection("", "", "0x0", name="x" * 5000),
        ],
    )
    def test_what_means_nothing_is_refused(self, server: Running, selection: Selection) -> None:
        real = server.selection()
        if not selection.trace:
            selection = msgspec.structs.replace(selection, trace=real.trace, scenario=real.scenario)

        async def check() -> None:
            async with listening(server) as me:
                await me.send(Publish(1, ["default"], selection))
                assert not (await me.next(Problem)).fatal

        asyncio.run(check())
        body = {"selection": msgspec.to_builtins(selection)}
        assert server.request("POST", "/api/v1/sessions/publish", body)[0] == 400

    def test_over_plain_http(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server, "plain") as one:
                selection = server.selection(1)
                body = {"sessions": ["plain"], "selection": msgspec.to_builtins(selection)}
                answer = await asyncio.to_thread(
                    server.json, "POST", "/api/v1/sessions/publish", body
                )
                assert answer == {"listeners": 1}
                assert (await one.next(Event)).selection == selection
                body["client"] = one.welcome.key
                answer = await asyncio.to_thread(
                    server.json, "POST", "/api/v1/sessions/publish", body
                )
                assert answer == {"listeners": 0}, "its own client is no other"
                assert await one.hears_no_event()

        asyncio.run(check())


class TestAnswers:
    def test_listening_is_confirmed_after_the_latest_event(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                await me.publish(server.selection(3), "confirmed")
                await me.send(Listen("other", 8))
                assert (await me.next(Done)).number == 8
            async with listening(server) as me:
                await me.send(Listen("confirmed", 9))
                first = await me.receive()
                while not isinstance(first, Event | Done):
                    first = await me.receive()
                assert isinstance(first, Event)
                assert (await me.next(Done)).number == 9
                assert [one.client for one in await present(server, "confirmed")] == [
                    me.welcome.client
                ]
                await me.send(Unlisten("confirmed", 10))
                assert (await me.next(Done)).number == 10
                assert await present(server, "confirmed") == []

        asyncio.run(check())

    def test_a_problem_names_the_message_that_it_answers(self, server: Running) -> None:
        real = server.selection()
        wrong = msgspec.structs.replace(real, transition=10**9)

        async def check() -> None:
            async with listening(server) as me:
                await me.send(Listen("a/b", 3))
                await me.send(Publish(4, ["default"], wrong))
                await me.send(Where(wrong, 5))
                await me.send(WatchPresence("\n", 6))
                await me.socket.send('{"type": "publish", "number": 7}')
                await me.socket.send(f'{{"type": "listen", "session": "x", "number": {2**53}}}')
                await me.socket.send("{")
                await me.send(Publish(8, ["default"], real))
                numbers = [(await me.next(Problem)).number for _ in range(7)]
                assert numbers == [3, 4, 5, 6, 7, 0, 0]
                assert (await me.next(Published)).number == 8

        asyncio.run(check())

    def test_the_limits_that_the_welcome_tells_are_kept(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                limits = me.welcome.limits
                assert 0 < limits.ping_seconds < limits.silent_seconds
                await me.send(Listen("n" * limits.session_name, 1))
                assert (await me.next(Done)).number == 1
                await me.send(Listen("n" * (limits.session_name + 1), 2))
                assert (await me.next(Problem)).number == 2
                padding = limits.message_bytes - len('{"type": "pong", "x": ""}')
                await me.socket.send(f'{{"type": "pong", "x": "{"." * padding}"}}')
                await me.publish(server.selection())
                await me.socket.send(f'{{"type": "pong", "x": "{"." * (padding + 1)}"}}')
                with pytest.raises(ConnectionClosed):
                    await me.next(Problem)
            async with listening(server, name="n" * limits.client_name):
                pass
            with pytest.raises(AssertionError, match="too long"):
                async with listening(server, name="n" * (limits.client_name + 1)):
                    pass

        asyncio.run(check())


async def present(server: Running, session: str) -> list[PresentClient]:
    path = f"/api/v1/sessions/{session}/presence"
    return msgspec.convert(await asyncio.to_thread(server.json, "GET", path), list[PresentClient])


class TestNames:
    @pytest.mark.parametrize(
        "name", ["", "a/b", "../x", "x" * 65, "a\nb", "a\x00", "a\u202eb", "\x7f"]
    )
    def test_bad_names_are_refused_with_the_rule(self, server: Running, name: str) -> None:
        selection = msgspec.to_builtins(server.selection())
        body = {"sessions": [name], "selection": selection}
        status, _, answer = server.request("POST", "/api/v1/sessions/publish", body)
        assert status == 400
        said = msgspec.json.decode(answer)
        assert said["error"] == "InvalidArgumentError"
        assert "1 to 64 printable characters" in said["message"]

        async def check() -> None:
            async with listening(server) as me:
                await me.send(Listen(name))
                assert "printable" in (await me.next(Problem)).message

        asyncio.run(check())

    @pytest.mark.parametrize("name", ["a b", "x" * 64, "é — 日本", "a:b", ".."])
    def test_other_names_exist_by_use(self, server: Running, name: str) -> None:
        async def check() -> None:
            async with listening(server) as me:
                await me.send(Listen(name))
                while states(await me.next(Sessions)).get(name) != 1:
                    pass
                await me.send(Unlisten(name))
                while states(await me.next(Sessions)).get(name) != 0:
                    pass

        asyncio.run(check())
        listed = server.json("GET", "/api/v1/sessions")
        assert {"name": name, "listeners": 0} in listed
        assert listed[0]["name"] == "default"

    def test_they_survive_a_restart_and_default_always_exists(self, serve: Any) -> None:
        first: Running = serve()
        assert first.json("GET", "/api/v1/sessions") == [{"name": "default", "listeners": 0}]
        first.end()
        fixed: Running = serve("--port", str(first.port))
        body = {"sessions": ["kept"], "selection": msgspec.to_builtins(fixed.selection())}
        fixed.json("POST", "/api/v1/sessions/publish", body)
        fixed.end(signal.SIGKILL)
        again: Running = serve("--port", str(first.port))
        names = [one["name"] for one in again.json("GET", "/api/v1/sessions")]
        assert names == ["default", "kept"]


class TestCatchingUp:
    def test_who_joins_gets_the_latest(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                for number in range(3):
                    await me.publish(server.selection(number), "late")
                async with listening(server, "late") as one:
                    event = await one.next(Event)
                    assert (event.sequence, event.gap) == (3, False)
                    assert await one.hears_no_event()
                async with listening(server) as one:
                    await one.send(Listen("late"))
                    assert (await one.next(Event)).sequence == 3

        asyncio.run(check())

    def test_who_is_back_gets_what_it_missed_and_keeps_its_identity(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                async with listening(server, "missed") as one:
                    await me.publish(server.selection(), "missed")
                    seen = await one.next(Event)
                    former = one.welcome
                for number in range(1, 5):
                    await me.publish(server.selection(number), "missed")
                async with listening(
                    server,
                    "missed",
                    key=former.key,
                    epoch=former.epoch,
                    seen=[Seen("missed", seen.sequence)],
                ) as one:
                    assert one.welcome.client == former.client
                    events = [await one.next(Event) for _ in range(4)]
                    assert [event.sequence for event in events] == [2, 3, 4, 5]
                    assert not any(event.gap for event in events)
                    assert await one.hears_no_event()

        asyncio.run(check())

    def test_numbers_of_another_epoch_mean_nothing(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                for number in range(3):
                    await me.publish(server.selection(number), "epoch")
                async with listening(
                    server, "epoch", key="0" * 32, epoch="another", seen=[Seen("epoch", 1)]
                ) as one:
                    assert one.welcome.key != "0" * 32
                    assert (await one.next(Event)).sequence == 3

        asyncio.run(check())

    def test_an_identity_must_be_one_that_a_server_gave(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                epoch = me.welcome.epoch
            async with listening(server, key="administrator", epoch=epoch) as me:
                assert me.welcome.key != "administrator"

        asyncio.run(check())

    def test_nobody_takes_the_place_of_one_that_he_sees(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server, "mine") as me, listening(server) as publisher:
                id, epoch = me.welcome.client, me.welcome.epoch
                for shown in (id, id * 2):
                    async with listening(server, "mine", key=shown, epoch=epoch) as other:
                        assert other.welcome.client != id
                # Nor does he publish in its name, which would keep it from hearing that.
                body = {
                    "sessions": ["mine"],
                    "selection": msgspec.to_builtins(server.selection(7)),
                    "client": id,
                }
                answer = await asyncio.to_thread(
                    server.json, "POST", "/api/v1/sessions/publish", body
                )
                assert answer == {"listeners": 1}
                heard = await me.next(Event)
                assert heard.origin.client != id
                assert await publisher.hears_no_event()

        asyncio.run(check())

    def test_a_client_that_is_back_before_its_end_was_noticed(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server, "twice") as stale:
                key, epoch = stale.welcome.key, stale.welcome.epoch
                async with listening(server, "twice", key=key, epoch=epoch) as again:
                    assert again.welcome.client == stale.welcome.client
                    with pytest.raises(ConnectionClosed):
                        await stale.next(Problem)
                    listed = server.json("GET", "/api/v1/sessions")
                    assert {"name": "twice", "listeners": 1} in listed

        asyncio.run(check())

    def test_what_is_no_longer_kept_is_a_gap(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server) as me:
                for number in range(1030):
                    await me.send(Publish(number, ["long"], server.selection()))
                while (await me.next(Published)).number < 1029:
                    pass
                epoch = me.welcome.epoch
                async with listening(
                    server, "long", key="0" * 32, epoch=epoch, seen=[Seen("long", 1)]
                ) as one:
                    event = await one.next(Event)
                    assert (event.sequence, event.gap) == (1030, True)
                    assert await one.hears_no_event()

        asyncio.run(check())


def test_s1_fifty_listeners_five_publishers_one_order(server: Running) -> None:
    listeners, publishers, publishes = 50, 5, 1000
    selection = server.selection()

    async def follow(listener: Listener) -> list[tuple[int, str, int]]:
        heard = []
        for _ in range(publishes):
            event = await listener.next(Event)
            assert isinstance(event.selection, TransitionSelection)
            assert not event.gap
            heard.append((event.sequence, event.origin.client, event.selection.transition))
        return heard

    async def publish(publisher: Listener) -> None:
        for number in range(publishes // publishers):
            moment = msgspec.structs.replace(selection, transition=number)
            assert await publisher.publish(moment, "s1") == listeners

    async def check() -> None:
        async with AsyncExitStack() as stack:
            them = [
                await stack.enter_async_context(listening(server, "s1")) for _ in range(listeners)
            ]
            us = [await stack.enter_async_context(listening(server)) for _ in range(publishers)]
            following = [asyncio.create_task(follow(listener)) for listener in them]
            await asyncio.gather(*map(publish, us))
            heard = await asyncio.gather(*following)
        assert all(one == heard[0] for one in heard)
        assert [sequence for sequence, _, _ in heard[0]] == list(range(1, publishes + 1))
        for publisher in us:
            own = [moment for _, origin, moment in heard[0] if origin == publisher.welcome.client]
            assert own == list(range(publishes // publishers))

    asyncio.run(check())


def test_s2_a_listener_that_does_not_read_costs_little_and_delays_nobody(serve: Any) -> None:
    server: Running = serve()
    selection = msgspec.structs.replace(server.selection(), transition=1)
    wide = AddressSelection(selection.trace, selection.scenario, "0x1", name="n" * 1000)
    publishes = 3000

    async def check() -> None:
        async with (
            listening(server, "s2") as good,
            listening(server, "s2") as bad,
            listening(server) as me,
        ):
            await me.publish(selection, "s2")
            await bad.next(Event)
            bad.socket.transport.pause_reading()
            before = server.resident_bytes
            slowest = 0.0
            loop = asyncio.get_running_loop()
            for _ in range(publishes):
                start = loop.time()
                await me.publish(wide, "s2")
                while (await good.next(Event)).selection != wide:
                    pass
                slowest = max(slowest, loop.time() - start)
            assert server.resident_bytes - before < 8 << 20
            assert slowest < WAIT / 2, "a blocked server would have waited for the laggard"
            bad.socket.transport.resume_reading()
            heard = [await bad.next(Event)]
            while heard[-1].sequence < publishes + 1:
                heard.append(await bad.next(Event))
            numbers = [event.sequence for event in heard]
            assert numbers == sorted(set(numbers)), "in order, none twice"
            assert len(numbers) < publishes, "it was coalesced"
            jumps = {b for a, b in pairwise(numbers) if b != a + 1}
            assert {event.sequence for event in heard if event.gap} == jumps, "and told so"

    asyncio.run(check())


def test_s3_a_hundred_cuts_lose_and_double_nothing(server: Running) -> None:
    cuts, publishes = 100, 600
    heard: list[int] = []

    async def follow() -> None:
        key, epoch = "", ""
        while len(heard) < publishes:
            seen = [Seen("s3", heard[-1])] if heard else []
            async with listening(server, "s3", key=key, epoch=epoch, seen=seen) as one:
                key, epoch = one.welcome.key, one.welcome.epoch
                for _ in range(random.randint(1, 2 * publishes // cuts)):
                    if len(heard) == publishes:
                        return
                    event = await one.next(Event)
                    assert not event.gap
                    heard.append(event.sequence)
                one.socket.transport.abort()

    async def check() -> None:
        async with listening(server) as me:
            following = asyncio.create_task(follow())
            await asyncio.sleep(0.1)
            for _ in range(publishes):
                await me.publish(server_selection, "s3")
            async with asyncio.timeout(WAIT):
                await following

    server_selection = server.selection()
    asyncio.run(check())
    assert heard == list(range(heard[0], heard[0] + publishes))


def test_s3_a_restarted_server_is_noticed(serve: Any) -> None:
    first: Running = serve()

    async def epoch(server: Running) -> str:
        async with listening(server) as me:
            return me.welcome.epoch

    before = asyncio.run(epoch(first))
    first.end()
    again: Running = serve("--port", str(first.port))
    assert asyncio.run(epoch(again)) != before
    assert again.json("GET", "/api/v1/server")["epoch"] != before
