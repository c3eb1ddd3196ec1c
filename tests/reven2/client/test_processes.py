# SPDX-License-Identifier: Apache-2.0
"""Servers, traces and sessions after a fork, in other processes, in threads, under asyncio."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
import ssl
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.arch import x64
from reven2.errors import ClosedError

WAIT = 60.0
Connect = Callable[..., reven2.RevenServer]


def forked(work: Callable[[], object]) -> str:
    """What `work` gives in a forked process, as text, or what it raises."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        with os.fdopen(writing, "w") as pipe:
            pipe.write(said)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def values(server: Any) -> list[int]:
    """Registers at moments all over the trace."""
    count = server.trace.transition_count
    return [server.trace.context_before(number).read(x64.rip) for number in range(0, count, 7)]


def value_of(transition: reven2.trace.Transition) -> int:
    return transition.context_before().read(x64.rip)


def value_at(server: Any, number: int) -> int:
    return value_of(server.trace.transition(number))


class TestFork:
    def test_both_processes_go_on_with_the_server(self, connect: Connect) -> None:
        server = connect()
        wanted = values(server)
        child: list[str] = []
        for _ in range(5):
            child.append(forked(lambda: values(server) == wanted))
            assert values(server) == wanted
        assert child == ["True"] * 5

    def test_while_other_threads_ask(self, connect: Connect) -> None:
        server = connect()
        wanted = values(server)
        ended = threading.Event()
        with ThreadPoolExecutor(4) as threads:

            def ask() -> bool:
                while not ended.is_set():
                    server.trace._registers.clear()
                    if values(server) != wanted:
                        return False
                return True

            asking = [threads.submit(ask) for _ in range(4)]
            said = [forked(lambda: values(server) == wanted) for _ in range(10)]
            ended.set()
            assert all(one.result(WAIT) for one in asking)
        assert said == ["True"] * 10

    def test_sessions_are_those_of_another_client(self, connect: Connect) -> None:
        server, other = connect(), connect()
        with server.sessions.listen("forks") as mine, other.sessions.listen("forks") as theirs:
            parent = server.sessions._rvn.live.client
            server.sessions.tracked = "forks"

            def publish() -> object:
                heard = server.sessions.publish_transition(server.trace.transition(3))
                return heard, server.sessions._rvn.live.client != parent

            assert forked(publish) == "(True, True)"
            for listener in (mine, theirs):
                event = listener.next_event(WAIT)
                assert event is not None
                assert event.transition is not None
                assert event.transition.id == 3
            # And the parent's connection is what it was.
            assert server.sessions.publish_transition(server.trace.transition(4))
            event = theirs.next_event(WAIT)
            assert event is not None
            assert event.origin.client == parent

    def test_a_listener_says_whose_it_is(self, connect: Connect) -> None:
        server = connect()
        with server.sessions.listen("forks") as mine:
            said = forked(lambda: mine.next_event(1.0))
            assert said.startswith("ClosedError: This listener belongs to the process that")

            def listen_again() -> object:
                with server.sessions.listen("forks") as again:
                    return again.session

            assert forked(listen_again) == "forks"

    def test_what_the_child_closes_stays_open_here(self, connect: Connect) -> None:
        server = connect()
        with server.sessions.listen("forks") as mine:

            def close() -> object:
                server.close()
                return "closed"

            assert forked(close) == "closed"
            assert forked(lambda: server.queries) == "[]"
            other = connect()
            other.sessions.tracked = "forks"
            assert other.sessions.publish_transition(other.trace.transition(1))
            assert mine.next_event(WAIT) is not None

    def test_an_open_trace(self, trace_path: Path) -> None:
        with reven2.open(trace_path) as server:
            wanted = values(server)
            assert forked(lambda: values(server) == wanted) == "True"
            assert values(server) == wanted


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, connect: Connect, trace_path: Path) -> None:
    context = multiprocessing.get_context(method)
    remote = connect()
    with reven2.open(trace_path) as local, context.Pool(2) as pool:
        for server in (remote, local):
            numbers = range(0, 40, 5)
            wanted = [value_at(server, number) for number in numbers]
            asked = [(server, number) for number in numbers]
            assert pool.starmap_async(value_at, asked).get(WAIT) == wanted
            transitions = [server.trace.transition(number) for number in numbers]
            assert pool.map_async(value_of, transitions).get(WAIT) == wanted


def test_what_is_sent_is_the_same_there_and_opened_once(connect: Connect) -> None:
    server = connect()
    one, two = pickle.loads(pickle.dumps((server, server.trace.transition(5))))
    assert one.trace == two._trace
    assert one.scenario_name == server.scenario_name
    assert copy.deepcopy(server.trace.transition(5)) == server.trace.transition(5)
    one.close()
    again = pickle.loads(pickle.dumps(server))
    assert again.trace.transition_count == server.trace.transition_count
    again.close()


def test_what_cannot_be_sent_says_what_to_do(connect: Connect, trace_path: Path) -> None:
    bare = reven2.OpenTrace(reven2.open(trace_path)._service)
    with pytest.raises(TypeError, match=r"open it there, with reven2\.open"):
        pickle.dumps(bare)
    server = connect()
    server.trace._opening = None
    with pytest.raises(TypeError, match="open it there"):
        pickle.dumps(server)
    bare.close()
    assert ssl  # a context of one's own is what keeps a server from being sent


def test_many_threads_share_a_server(connect: Connect) -> None:
    server, other = connect(), connect()
    wanted = values(server)
    with ThreadPoolExecutor(8) as threads, other.sessions.listen("threads") as heard:
        server.sessions.tracked = "threads"

        def work(number: int) -> bool:
            published = server.sessions.publish_transition(server.trace.transition(number))
            return published and values(server) == wanted

        assert all(threads.map(work, range(24)))
        seen = [heard.next_event(WAIT) for _ in range(24)]
    ids = [event.transition.id for event in seen if event is not None and event.transition]
    assert sorted(ids) == list(range(24))


class TestAsyncio:
    def test_everything_works_where_a_loop_runs(self, connect: Connect) -> None:
        async def check() -> None:
            server, other = connect(), connect()
            assert values(server) == values(other)
            listener = server.sessions.listen("loop")
            other.sessions.tracked = "loop"
            assert other.sessions.publish_transition(other.trace.transition(2))
            async with asyncio.timeout(WAIT):
                event = await anext(listener)
            assert event.transition is not None
            assert event.transition.id == 2
            # One that waits is cancelled, and another goes on.
            for _ in range(3):
                waiting = asyncio.ensure_future(anext(listener))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            waiting = asyncio.ensure_future(anext(listener))
            await asyncio.sleep(0)
            await asyncio.to_thread(other.sessions.publish_transition, other.trace.transition(3))
            async with asyncio.timeout(WAIT):
                event = await waiting
            assert event.transition is not None
            assert event.transition.id == 3
            listener.close()
            with pytest.raises(StopAsyncIteration):
                await anext(listener)

        asyncio.run(check())

    def test_a_loop_that_has_ended_harms_nobody(self, connect: Connect) -> None:
        server, other = connect(), connect()
        listener = server.sessions.listen("ended")
        other.sessions.tracked = "ended"

        async def begin() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(listener)

        asyncio.run(begin())
        assert other.sessions.publish_transition(other.trace.transition(2))
        event = listener.next_event(WAIT)
        assert event is not None
        listener.close()


def test_used_after_close_in_a_child(connect: Connect) -> None:
    server = connect()
    server.close()

    def use() -> object:
        with pytest.raises(ClosedError):
            server.trace.transition(0).context_before().read(x64.rax)
        with pytest.raises(ClosedError):
            server.sessions.listen("x")
        return "said"

    assert forked(use) == "said"
