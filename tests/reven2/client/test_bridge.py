# SPDX-License-Identifier: Apache-2.0
"""Other tools join a session: they are shown where others are, and show where they are."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import reven2
from reven2._client.run_file import read_run_file
from reven2.bridge import Bridge
from reven2.errors import ServerError
from reven2.session import AddressEvent, TransitionEvent

from .conftest import Relay, Served

Connect = Callable[..., reven2.RevenServer]
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "bridge.py"

Join = Callable[..., Bridge]


@pytest.fixture
def join(port: int, trace_path: Path, session: str) -> Iterator[Join]:
    joined: list[Bridge] = []
    file = read_run_file(port)
    assert file is not None

    def join_(name: str = "tool", port: int = port) -> Bridge:
        joined.append(
            reven2.bridge.join(
                session, name=name, port=port, scenario=trace_path.stem, token=file.token
            )
        )
        return joined[-1]

    yield join_
    for one in joined:
        one.close()


@pytest.fixture
def analyst(server: reven2.RevenServer, session: str) -> reven2.RevenServer:
    server.sessions.tracked = session
    return server


def publish(server: reven2.RevenServer, number: int) -> bool:
    return server.sessions.publish_transition(server.trace.transition(number))


def test_both_ways(analyst: reven2.RevenServer, join: Join, session: str) -> None:
    publish(analyst, 1)
    bridge, listener = join(), analyst.sessions.listen(session)
    latest = next(bridge)
    assert isinstance(latest, TransitionEvent)
    assert latest.transition == bridge.server.trace.transition(1)
    assert analyst.sessions.publish_address(0x2000, size=4, addr_name="cells")
    address = bridge.next_event(20)
    assert isinstance(address, AddressEvent)
    assert str(address.address) == "lin:0x2000"
    assert (address.size, address.name) == (4, "cells")
    assert bridge.show(bridge.server.trace.transition(7)) is True
    assert bridge.show_address(reven2.address.LogicalAddress(0x28, reven2.arch.x64.fs)) is True
    first, second = next(listener), next(listener)
    assert (str(first), first.origin.kind, first.origin.name) == ("#7", "bridge", "tool")
    assert str(second) == "fs:0x28"
    assert bridge.next_event(0.2) is None, "what it published itself does not come back"
    listener.close()
    assert bridge.show(bridge.server.trace.transition(8)) is False, "nobody listens"


def test_what_it_was_shown_it_does_not_publish_again(
    analyst: reven2.RevenServer, join: Join, session: str
) -> None:
    bridge = join()
    with analyst.sessions.listen(session) as listener:
        publish(analyst, 5)
        event = next(bridge)
        assert isinstance(event, TransitionEvent)
        assert bridge.show(event.transition) is False
        assert bridge.show(event.transition) is False
        assert bridge.show(event.transition + 1) is True
        assert bridge.show(event.transition) is True, "going back is news"
        assert [str(next(listener)) for _ in range(2)] == ["#6", "#5"]


def test_two_tools_that_follow_each_other_come_to_rest(
    analyst: reven2.RevenServer, join: Join
) -> None:
    published: list[str] = []
    arrived = threading.Semaphore(0)

    def follow(bridge: Bridge) -> None:
        for event in bridge:
            assert isinstance(event, TransitionEvent)
            # A tool that reports each of its moves.
            if bridge.show(event.transition):
                published.append(str(event))
            arrived.release()

    bridges = [join("one"), join("two"), join("three")]
    threads = [threading.Thread(target=follow, args=(one,)) for one in bridges]
    for one in threads:
        one.start()
    for number in range(20):
        assert publish(analyst, number)
    for _ in range(60):
        assert arrived.acquire(timeout=60)
    for bridge in bridges:
        bridge.close()
    for one in threads:
        one.join(20)
    assert published == []


def test_presence(analyst: reven2.RevenServer, join: Join, session: str) -> None:
    one, two = join("one"), join("two")
    one.set_where(one.server.trace.transition(3))
    one.show(one.server.trace.transition(4))
    one.set_where(one.server.trace.transition(5))
    next(two)
    # What the server carries out next comes after `set_where`.
    one.show_address(1)
    one.set_where(one.server.trace.transition(6))
    with analyst.sessions.listen(session):
        (other,) = (client for client in two.others() if client.kind == "bridge")
        assert (other.name, other.is_self) == ("one", False)
        assert {client.name for client in one.others()} >= {"two"}


def test_it_comes_back_after_the_connection_broke(
    analyst: reven2.RevenServer, join: Join, relay: Relay, session: str
) -> None:
    bridge = join(port=relay.port)
    assert publish(analyst, 1)
    assert str(next(bridge)) == "#1"
    relay.cut()
    for number in range(2, 6):
        publish(analyst, number)
    assert [str(next(bridge)) for _ in range(4)] == ["#2", "#3", "#4", "#5"]
    with analyst.sessions.listen(session) as listener:
        assert bridge.show(bridge.server.trace.transition(9))
        events = [str(next(listener)) for _ in range(1)]
        assert events == ["#9"]


def test_events_of_other_traces_are_left_out(
    analyst: reven2.RevenServer, connect: Connect, other_path: Path, join: Join, session: str
) -> None:
    other = connect(scenario=other_path.stem)
    other.sessions.tracked = session
    bridge = join()
    assert publish(other, 1)
    assert publish(analyst, 2)
    assert str(next(bridge)) == "#2"
    with pytest.raises(ValueError, match="of the trace"):
        bridge.show(other.trace.transition(1))


def test_closing_ends_a_loop(join: Join) -> None:
    bridge = join()
    thread = threading.Thread(target=lambda: list(bridge))
    thread.start()
    bridge.close()
    thread.join(20)
    assert not thread.is_alive()


def test_what_cannot_be_joined(port: int, trace_path: Path, served: Served) -> None:
    with pytest.raises(ValueError, match="no name of a session"):
        reven2.bridge.join("a/b", name="tool", port=port, scenario=trace_path.stem)
    with pytest.raises(TypeError, match="pass 'default'"):
        reven2.bridge.join(5, name="tool", port=port)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pass a str such as 'gdb'"):
        reven2.bridge.join(name=None, port=port)  # type: ignore[arg-type]
    with pytest.raises(ServerError, match="choose one with scenario="):
        reven2.bridge.join(name="tool", port=port)
    served.kill()
    with pytest.raises(RuntimeError, match="Nothing listens"):
        reven2.bridge.join(name="tool", port=served.port)


def test_the_example(served: Served, connect: Connect) -> None:
    server = connect(served.port, scenario=None, name="analyst")
    listener = server.sessions.listen()
    tool = subprocess.Popen(
        [sys.executable, str(EXAMPLE), "--port", str(served.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert tool.stdin is not None
    assert tool.stdout is not None
    for line, answer in (
        ("#5", "shown: True"),
        ("0x1000", "shown: True"),
        ("no such place", "error: "),
        ("last", "shown: True"),
    ):
        tool.stdin.write(f"{line}\n")
        assert tool.stdout.readline().startswith(answer)
    last = server.trace.last_transition
    assert [str(next(listener)) for _ in range(3)] == ["#5", "0x1000", f"#{last.id}"]
    assert publish(server, 8)
    assert tool.stdout.readline() == "analyst: #8\n"
    tool.stdin.write("#8\n")
    assert tool.stdout.readline() == "shown: False\n"
    tool.communicate()
    assert tool.returncode == 0
