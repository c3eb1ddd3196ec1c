# SPDX-License-Identifier: Apache-2.0
"""The documented page of `Sessions`, statement by statement, with clients that really listen."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import reven2
from reven2.session import Session, Sessions, TrackedSessions

from .conftest import Served, taken

Connect = Callable[..., reven2.RevenServer]


@pytest.fixture
def page(served: Served, connect: Connect) -> Iterator[reven2.RevenServer]:
    """A server where four clients listen to `test` and one to `default`."""
    with ExitStack() as stack:
        for session, count in (("default", 1), ("test", 4)):
            for _ in range(count):
                client = connect(served.port, name=f"{session} listener")
                stack.enter_context(client.sessions.listen(session))
        yield connect(served.port)


def test_the_page(page: reven2.RevenServer, served: Served, connect: Connect) -> None:
    server = page
    # The list of tracked sessions is [Session('default', …)] at first.
    assert repr(server.sessions.tracked) == "[Session('default', 1)]"
    assert isinstance(server.sessions.tracked, TrackedSessions)
    assert isinstance(server.sessions.tracked, list)
    # A single name replaces the list, and is known from then on.
    server.sessions.tracked = "axion"
    assert repr(server.sessions.tracked) == "[Session('axion', 0)]"
    # Nobody listens: False.
    assert server.sessions.publish_transition(server.trace.transition(100)) is False
    server.sessions.tracked.append("default")
    assert repr(server.sessions.tracked) == "[Session('axion', 0), Session('default', 1)]"
    assert server.sessions.publish_transition(server.trace.transition(101)) is True
    # Every known session; those with at least one client.
    expected = "[Session('test', 4), Session('default', 1), Session('axion', 0)]"
    assert repr(list(server.sessions.available())) == expected
    assert repr(list(server.sessions.active())) == "[Session('test', 4), Session('default', 1)]"
    assert inspect.isgenerator(server.sessions.available())
    assert next(server.sessions.active()) == "test"
    server.sessions.tracked = server.sessions.available()
    assert repr(server.sessions.tracked) == expected
    with connect(served.port).sessions.listen("test") as listener:
        assert server.sessions.publish_transition(server.trace.transition(102)) is True
        assert server.sessions.publish_address(
            reven2.address.LogicalAddress(0x180, reven2.arch.x64.gs)
        )
        assert taken(listener, 2) == ["#102", "gs:0x180"]
    assert repr(server.sessions) == f"Sessions(tracked={expected})"
    name = server.scenario_name
    assert repr(server) == f"Reven server (localhost:{served.port}) [connected]"
    assert str(server) == f"Reven server on {name} (localhost:{served.port}) [connected]"
    assert "<code>test</code> 4 listeners" in server.sessions._repr_html_()
    server.close()
    assert str(server) == f"Reven server on {name} (localhost:{served.port}) [closed]"
    assert repr(server.sessions.tracked).startswith(
        "<tracked sessions ['test', 'default', 'axion']"
    )


def test_signatures() -> None:
    def of(function: Callable[..., object] | None) -> dict[str, object]:
        assert function is not None
        parameters = inspect.signature(function).parameters.values()
        return {one.name: one.default for one in parameters}

    needed = inspect.Parameter.empty
    assert isinstance(Sessions.tracked, property)
    assert of(Sessions.tracked.fget) == {"self": needed}
    assert of(Sessions.tracked.fset) == {"self": needed, "sessions": None}
    assert of(Sessions.__init__) == {"self": needed, "_rvn": needed, "sessions": None}
    assert of(Sessions.publish_transition) == {"self": needed, "transition": needed}
    assert of(Sessions._publish) == {"self": needed, "transition_id": needed}
    assert of(Sessions._js_publish_transition) == {"self": needed, "transition_id": needed}
    for address in (Sessions.publish_address, Sessions._js_publish_address):
        names = {"self": needed, "address": needed, "size": None, "addr_name": None}
        assert of(address) == names
    for name in ("available", "active"):
        assert of(getattr(Sessions, name)) == {"self": needed}


def test_constructed_with_the_documented_parameters(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    own = Sessions(server._rvn)
    assert repr(own.tracked) == repr(server.sessions.tracked)
    several = Sessions(server._rvn, [session, Session("other", 0)])
    assert several.tracked == [session, "other"]
    assert Sessions(server._rvn, sessions=session).tracked == [session]
    assert server.sessions.tracked == ["default"]
    assert own in Sessions._instances
    assert own._rvn is server._rvn
    assert own._sessions is own.tracked
    with connect().sessions.listen(session) as listener:
        assert several.publish_transition(server.trace.transition(3)) is True
        assert taken(listener, 1) == ["#3"]
        assert session in [str(one) for one in own.available()]
    for wrong in (None, 5, "localhost", server.trace):
        with pytest.raises(TypeError, match=r"pass server\._rvn"):
            Sessions(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no name of a session"):
        Sessions(server._rvn, "a/b")


@pytest.mark.parametrize(
    "what",
    ["5", "-1", "'5'", "None", "True", "b'5'", "3.5", "[]", "[transition]", "iter([1, 2])",
     "transition.context_before()", "transition.id", "server", "server.trace", "object()",
     "reven2.trace.Transition"],
)  # fmt: skip
def test_what_is_no_transition(server: reven2.RevenServer, what: str) -> None:
    names = {"server": server, "reven2": reven2, "transition": server.trace.transition(5)}
    with pytest.raises(
        reven2.errors.RevenError, match=r"^What is published cannot be .*pass.*\.$"
    ) as said:
        server.sessions.publish_transition(eval(what, names))
    assert isinstance(said.value, TypeError)
    assert isinstance(said.value, ValueError)
    if what == "5":
        assert "pass server.trace.transition(5)" in str(said.value)
    if "context" in what:
        assert "transition_before()" in str(said.value)


@pytest.mark.parametrize(
    "arguments",
    ["None", "'0x1000'", "1.5", "True", "-1", "2**64", "[4096]", "b'x'", "transition",
     "4096, 0", "4096, -4", "4096, '8'", "4096, 1.5", "2**64 - 4, 5", "4096, 8, 5",
     "4096, 8, b'name'"],
)  # fmt: skip
def test_what_is_no_address(server: reven2.RevenServer, arguments: str) -> None:
    names = {"transition": server.trace.transition(5)}
    with pytest.raises(reven2.errors.InvalidArgumentError) as said:
        server.sessions.publish_address(*eval(f"[{arguments}]", names))
    assert str(said.value).endswith(".")
    assert "\n" not in str(said.value)
