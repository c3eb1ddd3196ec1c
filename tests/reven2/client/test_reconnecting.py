# SPDX-License-Identifier: Apache-2.0
"""A connection that breaks, and a server that is started anew."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import reven2

from .conftest import Relay, Served, taken

Connect = Callable[..., reven2.RevenServer]

CUTS = 100
EVENTS = 1000


def test_nothing_is_lost_or_doubled_over_100_cuts(
    connect: Connect, relay: Relay, port: int, session: str
) -> None:
    token = reven2.RevenServer("localhost", port, connect().scenario_name)._connection.token
    follower = connect(relay.port, token=token)
    publisher = connect()
    publisher.sessions.tracked = session
    listener = follower.sessions.listen(session)
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.extend(taken(listener, EVENTS)), daemon=True)
    reader.start()
    cuts = set(random.Random(1).sample(range(EVENTS), CUTS))
    for number in range(EVENTS):
        publisher.sessions.publish_transition(publisher.trace.transition(number))
        if number in cuts:
            relay.cut()
    reader.join()
    assert seen == [f"#{number}" for number in range(EVENTS)]


def test_what_is_published_while_the_connection_breaks_is_published_once(
    connect: Connect, relay: Relay, session: str
) -> None:
    token = connect()._connection.token
    publisher = connect(relay.port, token=token)
    publisher.sessions.tracked = session
    with connect().sessions.listen(session) as listener:
        for number in range(60):
            timer = threading.Timer(random.Random(number).random() / 200, relay.cut)
            timer.start()
            assert publisher.sessions.publish_transition(publisher.trace.transition(number))
            timer.join()
        events = [listener.next_event(20) for _ in range(60)]
        assert [str(event) for event in events] == [f"#{number}" for number in range(60)]
        assert [event.sequence for event in events if event] == list(range(1, 61))
        assert listener.next_event(0.2) is None


def test_a_server_that_is_started_anew_is_noticed(connect: Connect, served: Served) -> None:
    follower, publisher = connect(served.port), connect(served.port)
    publisher.sessions.tracked = "work"
    link = publisher.trace.transition(1).format_as_html()
    listener = follower.sessions.listen("work")
    publisher.sessions.publish_transition(publisher.trace.transition(1))
    before = listener.next_event(20)
    served.kill()
    served.start()
    while not publisher.sessions.publish_transition(publisher.trace.transition(2)):
        pass
    after = listener.next_event(20)
    assert before is not None
    assert after is not None
    assert before.epoch != after.epoch
    assert after.gap
    assert str(after) == "#2"
    assert publisher.trace.transition(1).format_as_html() != link
    assert "work" in [session.name for session in publisher.sessions.available()]


def test_queries_go_on_with_a_server_that_is_started_anew(connect: Connect, served: Served) -> None:
    server = connect(served.port)
    text = str(server.trace.transition(500))
    served.kill()
    served.start()
    assert str(connect(served.port).trace.transition(500)) == text
    assert str(server.trace.transition(900)).startswith("#900 ")
