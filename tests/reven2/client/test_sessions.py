# SPDX-License-Identifier: Apache-2.0
"""Sessions: tracking, publishing, listening, presence."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

import reven2
from reven2._client.selection import transition_selection
from reven2.errors import ServerError
from reven2.session import AddressEvent, TransitionEvent

from .conftest import Served, taken

Connect = Callable[..., reven2.RevenServer]


def test_the_documented_values(served: Served, connect: Connect) -> None:
    def shown(sessions: object) -> str:
        return repr(sessions)

    server, follower = connect(served.port), connect(served.port)
    with follower.sessions.listen("default"):
        assert shown(server.sessions.tracked) == "[Session('default', 1)]"
        server.sessions.tracked = "axion"
        assert shown(server.sessions.tracked) == "[Session('axion', 0)]"
        server.sessions.tracked.append("default")
        assert shown(server.sessions.tracked) == "[Session('axion', 0), Session('default', 1)]"
        assert shown(list(server.sessions.available())) == (
            "[Session('default', 1), Session('axion', 0)]"
        )
        assert shown(list(server.sessions.active())) == "[Session('default', 1)]"
        server.sessions.tracked = server.sessions.available()
        assert shown(server.sessions.tracked) == "[Session('default', 1), Session('axion', 0)]"
        assert server.sessions.publish_transition(server.trace.transition(100)) is True
    assert shown(server.sessions) == (
        "Sessions(tracked=[Session('default', 0), Session('axion', 0)])"
    )
    assert server.sessions.publish_transition(server.trace.transition(100)) is False


@pytest.mark.parametrize("name", ["", "a/b", "x" * 65, "new\nline", "\x7f", "tab\t"])
def test_names_that_no_session_can_have(server: reven2.RevenServer, name: str) -> None:
    rule = "1 to 64 printable characters, without control characters and without '/'"
    with pytest.raises(ValueError, match=rule):
        server.sessions.tracked = name
    with pytest.raises(ValueError, match=rule):
        server.sessions.tracked.append(name)
    with pytest.raises(ValueError, match=rule):
        server.sessions.listen(name)
    with pytest.raises(ValueError, match=rule):
        server.sessions.presence(name)
    assert [str(one) for one in server.sessions.tracked] == ["default"]


@pytest.mark.parametrize("name", ["..", "a:b", "ünï cödé ☃", "x" * 64, "?#%41"])
def test_names_that_a_session_can_have(
    server: reven2.RevenServer, connect: Connect, name: str
) -> None:
    follower = connect()
    with follower.sessions.listen(name) as listener:
        server.sessions.tracked = name
        assert server.sessions.publish_transition(server.trace.transition(1))
        assert taken(listener, 1) == ["#1"]
        assert [client.id for client in server.sessions.presence(name)] == [follower._live.client]


def test_a_listener_receives_what_others_publish(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    publisher = connect(name="someone")
    publisher.sessions.tracked = session
    with server.sessions.listen(session) as listener:
        assert publisher.sessions.publish_transition(publisher.trace.transition(10))
        assert publisher.sessions.publish_address(
            reven2.address.LogicalAddress(0x180, reven2.arch.x64.gs)
        )
        assert publisher.sessions.publish_address(0x1000, size=16, addr_name="cells")
        first, second, third = (listener.next_event(20) for _ in range(3))
    assert isinstance(first, TransitionEvent)
    assert first.transition == server.trace.transition(10)
    assert first.session == session
    assert (first.origin.name, first.origin.kind) == ("someone", "python")
    assert first.time > 0
    assert not first.gap
    assert isinstance(second, AddressEvent)
    assert second.address == reven2.address.LogicalAddress(0x180, reven2.arch.x64.gs)
    assert (second.size, second.name, str(second)) == (None, "gs:0x180", "gs:0x180")
    assert isinstance(third, AddressEvent)
    assert third.address == reven2.address.LinearAddress(0x1000)
    assert (third.size, third.name, third.transition) == (16, "cells", None)
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]


def test_who_joins_gets_the_latest(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    server.sessions.tracked = session
    for number in (4, 5, 6):
        assert not server.sessions.publish_transition(server.trace.transition(number))
    with connect().sessions.listen(session) as listener:
        assert taken(listener, 1) == ["#6"]
        server.sessions.publish_transition(server.trace.transition(7))
        assert taken(listener, 1) == ["#7"]


def test_a_publisher_does_not_hear_itself(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    other = connect()
    for one in (server, other):
        one.sessions.tracked = session
    with server.sessions.listen(session) as listener:
        assert server.sessions.publish_transition(server.trace.transition(1)) is False
        assert other.sessions.publish_transition(other.trace.transition(2)) is True
        assert taken(listener, 1) == ["#2"]


def test_a_transition_of_another_trace_is_refused(
    server: reven2.RevenServer, connect: Connect, other_path: Path, session: str
) -> None:
    other = connect(scenario=other_path.stem)
    with pytest.raises(ValueError, match=f"of the trace '{other_path.stem}'"):
        server.sessions.publish_transition(other.trace.transition(1))
    with reven2.open(other_path) as opened, pytest.raises(ValueError, match="of the trace"):
        server.sessions.publish_transition(opened.trace.transition(1))
    other.sessions.tracked = session
    with server.sessions.listen(session) as listener:
        assert other.sessions.publish_transition(other.trace.transition(1))
        event = listener.next_event(20)
        assert isinstance(event, TransitionEvent)
        assert (event.scenario, event.is_of_this_trace) == (other_path.stem, False)
        with pytest.raises(ValueError, match=f"the scenario '{other_path.stem}'"):
            event.transition  # noqa: B018


def test_a_transition_of_the_same_trace_opened_elsewhere_is_published(
    server: reven2.RevenServer, trace_path: Path
) -> None:
    with reven2.open(trace_path) as opened:
        assert not server.sessions.publish_transition(opened.trace.transition(1))


def test_iterating_ends_when_the_listener_or_the_server_is_closed(
    connect: Connect, session: str
) -> None:
    server, publisher = connect(), connect()
    publisher.sessions.tracked = session
    listener, second = server.sessions.listen(session), server.sessions.listen(session)
    for number in range(3):
        publisher.sessions.publish_transition(publisher.trace.transition(number))
    assert taken(second, 3) == ["#0", "#1", "#2"]
    assert str(next(listener)) == "#0"
    listener.close()
    assert [str(event) for event in listener] == ["#1", "#2"]
    server.close()
    assert list(second) == []
    assert second.next_event() is None


def test_listening_asynchronously(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    publisher = connect()
    publisher.sessions.tracked = session
    listener = server.sessions.listen(session)

    async def follow() -> list[str]:
        seen = []
        async for event in listener:
            seen.append(str(event))
            if len(seen) == 3:
                listener.close()
        return seen

    async def publish() -> None:
        for number in range(3):
            transition = publisher.trace.transition(number)
            await asyncio.to_thread(publisher.sessions.publish_transition, transition)

    async def both() -> list[str]:
        seen, _ = await asyncio.gather(follow(), publish())
        return seen

    assert asyncio.run(both()) == ["#0", "#1", "#2"]


def test_calling_back(
    server: reven2.RevenServer,
    connect: Connect,
    session: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publisher = connect()
    publisher.sessions.tracked = session
    seen: queue.Queue[reven2.trace.Transition] = queue.Queue()

    def note(transition: reven2.trace.Transition) -> None:
        seen.put(transition)
        if transition.id == 0:
            raise ValueError("no")

    with server.sessions.on_transition(note, session):
        publisher.sessions.publish_address(1)
        publisher.sessions.publish_transition(publisher.trace.transition(0))
        publisher.sessions.publish_transition(publisher.trace.transition(1))
        assert [seen.get(timeout=60).id for _ in range(2)] == [0, 1]
    assert not publisher.sessions.publish_transition(publisher.trace.transition(2))
    assert "ValueError: no" in caplog.text


def test_presence_says_who_listens_and_where_they_are(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    other = connect(name="other")
    assert server.sessions.presence(session) == []
    with server.sessions.listen(session), other.sessions.listen(session):
        other.sessions.publish_transition(other.trace.transition(9))
        first, second = server.sessions.presence(session)
    assert (first.is_self, first.kind, first.transition_id) == (True, "python", None)
    assert (second.is_self, second.name, second.transition_id) == (False, "other", 9)
    assert server.sessions.presence(session) == []


def test_private_names_that_scripts_use(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    server.sessions.tracked = session
    with connect().sessions.listen(session) as listener:
        assert server.sessions._publish(12)
        assert server.sessions._publish_address(0x1000, 8)
        assert taken(listener, 2) == ["#12", "lin:0x1000"]
    script = server.sessions._js_publish_transition(12)
    assert "fetch(" in script
    assert server.sessions._js_publish_address(0x1000).count("/api/v1/links/publish") == 1


def test_a_click_on_a_link_is_not_heard_by_the_client_that_made_it(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    server.sessions.tracked = session
    script = server.trace.transition(3).format_as_html()
    assert "data-body=" in script
    click = msgspec.json.encode(
        {
            "key": server.sessions._links._key,
            "selection": transition_selection(server.trace.transition(3), server._rvn),
        }
    )

    def listeners() -> int:
        path = "/api/v1/links/publish"
        answer = server._connection.request("POST", path, click, "application/json")
        return int(msgspec.json.decode(answer)["listeners"])

    with server.sessions.listen(session) as own:
        with connect().sessions.listen(session) as other:
            while listeners() != 1:
                pass
            assert taken(other, 1) == ["#3"]
        # The other's end reaches the server on a connection of its own.
        while listeners() != 0:
            pass
        while (event := own.next_event(0.2)) is not None:
            # Before the server knew which client the link is of.
            assert event.origin.client == ""


def test_each_caller_gets_the_error_of_its_own_message(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    right = transition_selection(server.trace.transition(1), server._rvn)
    wrong = msgspec.structs.replace(right, transition=10**12)

    def publish(number: int) -> str:
        try:
            return str(server._live.publish([session], wrong if number % 3 else right))
        except ServerError as error:
            return str(error)

    with connect().sessions.listen(session), ThreadPoolExecutor(8) as pool:
        said = list(pool.map(publish, range(120)))
    assert {one for number, one in enumerate(said) if number % 3 == 0} == {"1"}
    (problem,) = {one for number, one in enumerate(said) if number % 3}
    assert "no transition 1000000000000" in problem


def test_a_second_listener_of_a_client_gets_the_latest_too(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    publisher = connect()
    publisher.sessions.tracked = session
    publisher.sessions.publish_transition(publisher.trace.transition(4))
    first = server.sessions.listen(session)
    second = server.sessions.listen(session)
    assert taken(first, 1) == taken(second, 1) == ["#4"]
    publisher.sessions.publish_transition(publisher.trace.transition(5))
    assert taken(first, 1) == taken(second, 1) == ["#5"]
    first.close()
    assert publisher.sessions.publish_transition(publisher.trace.transition(6)) is True
    second.close()
    assert publisher.sessions.publish_transition(publisher.trace.transition(7)) is False


@pytest.mark.parametrize("written", ["cafe\u0301", " caf\u00e9", "caf\u00e9  "])
def test_a_name_is_the_same_however_it_is_written(
    server: reven2.RevenServer, connect: Connect, written: str
) -> None:
    other = connect()
    server.sessions.tracked = written
    assert [str(one) for one in server.sessions.tracked] == ["caf\u00e9"]
    with other.sessions.listen("caf\u00e9") as listener:
        assert server.sessions.publish_transition(server.trace.transition(3))
        assert str(listener.next_event(20)) == "#3"
    assert written == "caf\u00e9" or written not in map(str, server.sessions.available())
