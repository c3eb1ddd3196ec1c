# SPDX-License-Identifier: Apache-2.0
"""`tracked` is a list, live: whatever is done to it, it does as a list does, at once."""

from __future__ import annotations

import bisect
import copy
import itertools
import json
import pickle
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reven2
from reven2.errors import ArgumentTypeError, InvalidArgumentError, OutOfRangeError
from reven2.session import Session, TrackedSessions

from .conftest import Served, taken

Connect = Callable[..., reven2.RevenServer]

names = st.sampled_from(["a", "b", "c", "default", "é ☃"])
indexes = st.integers(-7, 7)
slices = st.builds(
    slice, st.none() | indexes, st.none() | indexes, st.none() | st.sampled_from([-2, -1, 1, 2])
)
several = st.lists(names, max_size=4)
changes = st.one_of(
    st.tuples(st.just("append"), names),
    st.tuples(st.just("remove"), names),
    st.tuples(st.just("extend"), several),
    st.tuples(st.just("insert"), indexes, names),
    st.tuples(st.just("pop"), indexes),
    st.tuples(st.just("pop")),
    st.tuples(st.just("clear")),
    st.tuples(st.just("reverse")),
    st.tuples(st.just("sort")),
    st.tuples(st.just("__setitem__"), indexes, names),
    st.tuples(st.just("__setitem__"), slices, several),
    st.tuples(st.just("__delitem__"), indexes | slices),
    st.tuples(st.just("__iadd__"), several),
    st.tuples(st.just("__imul__"), st.integers(-1, 2)),
)


def carry_out(tracked: Any, change: tuple[Any, ...]) -> Any:
    """What it gives, or the kind of what it raises."""
    try:
        result = getattr(tracked, change[0])(*change[1:])
    except (ValueError, IndexError) as error:
        return next(kind for kind in (ValueError, IndexError) if isinstance(error, kind))
    return None if result is tracked else result


class Alone:
    """What a list of tracked sessions tells of its changes, without a server."""

    def __init__(self) -> None:
        self.told = ["default"]
        self.list = TrackedSessions([Session("default", 0)], list, self.tell)

    def tell(self, names: list[str]) -> None:
        self.told = names


@given(st.lists(changes, max_size=12))
def test_it_does_as_a_list_does(made: list[tuple[Any, ...]]) -> None:
    alone, model = Alone(), ["default"]
    tracked: Any = alone.list
    for change in made:
        before = model.copy()
        expected, found = carry_out(model, change), carry_out(alone.list, change)
        assert found == expected
        assert alone.list == model
        assert model == alone.list
        assert [str(one) for one in alone.list] == model
        assert len(alone.list) == len(model)
        assert (tracked < before, tracked >= before) == (model < before, model >= before)
        # Whom it concerns was told at once, of each session once.
        assert alone.told == list(dict.fromkeys(model))


def test_reading(server: reven2.RevenServer, connect: Connect, session: str) -> None:
    server.sessions.tracked = [session, "default", session]
    tracked = server.sessions.tracked
    with connect().sessions.listen(session):
        first, second, third = tracked
        assert [first, second, third] == [session, "default", session]
        assert first.listeners == tracked[0].listeners == tracked[-1].listeners == 1
        assert tracked[:1][0].listeners == next(reversed(tracked)).listeners == 1
        assert next(iter(tracked)).listeners == tracked.copy()[0].listeners == 1
        assert repr(tracked).startswith(f"[Session({session!r}, 1), ")
        assert f"{tracked}" == str(tracked) == repr(tracked)
    assert tracked.index("default") == 1
    assert tracked.index(session, 1) == 2
    assert tracked.count(session) == tracked.count(Session(session, 9)) == 2
    assert "default" in tracked
    assert Session("default", 7) in tracked
    assert "other" not in tracked
    assert 5 not in tracked
    assert tracked != [session]
    assert tracked != (session, "default", session)
    assert sorted(tracked) == sorted([session, "default", session])
    assert tracked + ["new"] == [  # noqa: RUF005
        session,
        "default",
        session,
        "new",
    ]
    assert ["new"] + tracked == [  # noqa: RUF005
        "new",
        session,
        "default",
        session,
    ]
    assert tracked * 2 == 2 * tracked == [session, "default", session] * 2
    assert json.dumps(tracked, default=str) == json.dumps([session, "default", session])
    with pytest.raises(TypeError):
        hash(tracked)
    with pytest.raises(ArgumentTypeError, match="brackets"):
        tracked + "new"  # type: ignore[operator]
    with pytest.raises(ValueError, match="'other' is not tracked"):
        tracked.index("other")


def test_copies_are_plain_lists(server: reven2.RevenServer) -> None:
    tracked = server.sessions.tracked
    for made in (
        *(tracked.copy(), tracked[:], tracked.__add__([]), tracked * 1, list(tracked)),
        *(copy.copy(tracked), copy.deepcopy(tracked), pickle.loads(pickle.dumps(tracked))),
    ):
        assert type(made) is list
        assert made == tracked
        assert type(made[0]) is Session
        made.append(Session("elsewhere", 0))
    assert tracked == ["default"]


def test_every_way_to_assign(server: reven2.RevenServer, session: str) -> None:
    sessions = server.sessions
    for given_, expected in (
        (session, [session]),
        (Session(session, 3), [session]),
        (["a", Session("b", 0)], ["a", "b"]),
        (("a", "a"), ["a", "a"]),
        ({"a": 1}, ["a"]),
        ((name for name in "ab"), ["a", "b"]),
        (sessions.active(), []),
        (None, []),
        ([], []),
        (sessions.tracked, []),
    ):
        sessions.tracked = given_  # type: ignore[assignment]
        assert sessions.tracked == expected
    assert sessions.publish_transition(server.trace.transition(0)) is False
    sessions.tracked += ["a"]
    sessions.tracked += "b"
    sessions.tracked *= 2
    assert sessions.tracked == ["a", "b", "a", "b"]
    sessions.tracked = (one for one in sessions.tracked if one == "a")
    sessions.tracked.extend(sessions.tracked)
    assert sessions.tracked == ["a"] * 4
    sessions.tracked[1:3] = "x"
    assert sessions.tracked == ["a", "x", "a"]
    sessions.tracked = [*sessions.tracked[::-1], "z"]
    bisect.insort(sessions.tracked, "y")  # type: ignore[misc]
    assert sessions.tracked == ["a", "x", "a", "y", "z"]
    random.Random(1).shuffle(sessions.tracked)
    assert sorted(sessions.tracked) == ["a", "a", "x", "y", "z"]
    sessions.tracked.sort(key=lambda one: one.name, reverse=True)
    assert sessions.tracked == ["z", "y", "x", "a", "a"]
    for one in sessions.tracked:
        sessions.tracked.remove(one)
    assert not sessions.tracked
    with pytest.raises(OutOfRangeError):
        sessions.tracked.pop()


@pytest.mark.parametrize(
    "wrong",
    ["5", "True", "b'axion'", "1.5", "object()", "iter([1, 2])", "['a', 1]", "['a', None]",
     "[['a']]", "transition", "[transition]", "(c for c in ('a', 2))", "{'a', 3}"],
)  # fmt: skip
def test_what_is_no_session_changes_nothing(server: reven2.RevenServer, wrong: str) -> None:
    sessions, scope = server.sessions, {"transition": server.trace.transition(1)}

    def given_() -> Any:
        return eval(wrong, dict(scope))

    def assign() -> None:
        sessions.tracked = given_()

    for change in (
        assign,
        lambda: sessions.tracked.extend(given_()),
        lambda: sessions.tracked.append(given_()),
        lambda: sessions.tracked.insert(0, given_()),
        lambda: sessions.tracked.remove(given_()),
        lambda: sessions.tracked.__setitem__(0, given_()),
        lambda: sessions.tracked.__setitem__(slice(0, 1), given_()),
        lambda: sessions.listen(given_()),
        lambda: sessions.presence(given_()),
    ):
        with pytest.raises(ArgumentTypeError, match=r"pass 'default', for example.*\.$") as said:
            change()
        assert isinstance(said.value, TypeError)
        assert sessions.tracked == ["default"]


def test_more_than_can_be_tracked(server: reven2.RevenServer) -> None:
    tracked = server.sessions.tracked
    for change in (
        lambda: setattr(server.sessions, "tracked", itertools.repeat("a")),
        lambda: tracked.extend(itertools.count()),  # type: ignore[arg-type]
        lambda: tracked.__imul__(1001),
        lambda: setattr(server.sessions, "tracked", ["a", "b/c"]),
        lambda: tracked.__setitem__(slice(0, 1, 2), ["a", "b"]),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            change()
        assert tracked == ["default"]


def test_what_the_server_does_not_take_changes_nothing(served: Served, connect: Connect) -> None:
    server = connect(served.port)
    served.kill()
    with pytest.raises(RuntimeError, match="start a server"):
        server.sessions.tracked.append("more")
    with pytest.raises(RuntimeError):
        server.sessions.tracked = "other"
    assert server.sessions.tracked == ["default"]
    assert "'default'" in repr(server.sessions.tracked)


def test_each_change_counts_at_once(
    server: reven2.RevenServer, connect: Connect, session: str
) -> None:
    transition, tracked = server.trace.transition(5), server.sessions.tracked
    with connect().sessions.listen(session) as listener:
        assert server.sessions.publish_transition(transition) is False
        tracked[0] = session
        assert server.sessions.publish_transition(transition) is True
        assert tracked.pop() == session
        assert server.sessions.publish_transition(transition) is False
        tracked += [session, session, Session(session, 0)]
        assert server.sessions.publish_transition(transition) is True
        assert taken(listener, 2) == ["#5", "#5"]
        assert listener.next_event(0.2) is None, "one that stands there thrice is published once"


def test_many_threads_change_it_at_once(server: reven2.RevenServer) -> None:
    tracked = server.sessions.tracked
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def change(number: int) -> None:
        name = f"thread {number}"
        tracked.append(name)
        server.sessions.tracked += [f"{name}+"]
        tracked.insert(0, name)
        repr(tracked)
        tracked.remove(name)
        tracked.reverse()

    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(change, range(40)))
    finally:
        sys.setswitchinterval(interval)
    expected = ["default", *(f"thread {n}{end}" for n in range(40) for end in ("", "+"))]
    assert sorted(tracked) == sorted(expected)
    assert server.sessions._links._tracked == list(map(str, tracked))
    with pytest.raises(InvalidArgumentError):
        tracked.remove("thread 100")
