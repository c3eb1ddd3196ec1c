# SPDX-License-Identifier: Apache-2.0
"""Bookmarks: the same in this process, over a server, and between the two."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.errors import InvalidArgumentError, OutOfRangeError

from .programs import BARE, BARE_FLAGS

Opener = Callable[[Path], reven2.OpenTrace]


@pytest.fixture
def trace(record_program: Any, tmp_path: Path) -> Path:
    """A trace of the test's own: bookmarks change it."""
    return Path(shutil.copytree(record_program(BARE, *BARE_FLAGS), tmp_path / "own.reven"))


@pytest.fixture
def server(trace: Path, open_trace: Opener) -> reven2.OpenTrace:
    return open_trace(trace)


def texts(server: reven2.OpenTrace) -> list[str]:
    return [str(bookmark) for bookmark in server.bookmarks.all()]


def test_there_are_none_at_first_and_looking_leaves_no_file(
    server: reven2.OpenTrace, trace: Path
) -> None:
    before = sorted(trace.iterdir())
    assert texts(server) == []
    assert sorted(trace.iterdir()) == before


def test_adding_gives_ids_in_the_order_of_creation(server: reven2.OpenTrace) -> None:
    last = server.trace.last_transition
    one = server.bookmarks.add(last, "the end")
    two = server.bookmarks.add(server.trace.first_transition, "the 'beginning'")
    three = server.bookmarks.add(3, "")
    assert one.id < two.id < three.id
    assert list(server.bookmarks.all()) == [one, two, three]
    assert (one.transition, one.description, one.version) == (last, "the end", 1)
    assert texts(server) == [f"#{last.id}: 'the end'", "#0: 'the 'beginning''", "#3: ''"]
    assert repr(three) == f"Bookmark(id={three.id}, transition=3, description='')"
    assert repr(server.bookmarks) == "BookmarkManager(3 bookmarks)"


def test_all_is_a_generator(server: reven2.OpenTrace) -> None:
    server.bookmarks.add(1, "one")
    found: Iterator[Any] = server.bookmarks.all()
    assert next(found).description == "one"
    with pytest.raises(StopIteration):
        next(found)


def test_editing_changes_what_is_given(server: reven2.OpenTrace) -> None:
    bookmark = server.bookmarks.add(1, "one")
    edited = server.bookmarks.edit(bookmark, "two")
    assert (edited.transition.id, edited.description, edited.version) == (1, "two", 2)
    moved = server.bookmarks.edit(bookmark.id, transition=server.trace.transition(2))
    assert (moved.transition.id, moved.description, moved.version) == (2, "two", 3)
    assert moved == bookmark
    assert bookmark.description == "one", "what was asked for before stays as it was"
    assert server.bookmarks.edit(moved, "two").version == 3, "nothing changed"
    assert texts(server) == ["#2: 'two'"]


def test_removing(server: reven2.OpenTrace) -> None:
    one, two, three = (server.bookmarks.add(n, f"{n}") for n in (1, 2, 3))
    server.bookmarks.remove(two)
    server.bookmarks.remove(two.id)
    assert list(server.bookmarks.all()) == [one, three]
    with pytest.raises(OutOfRangeError, match="no longer"):
        server.bookmarks.edit(two, "x")
    server.bookmarks.remove_if(lambda bookmark: bookmark.transition == one.transition)
    assert list(server.bookmarks.all()) == [three]
    assert server.bookmarks.add(1, "again").id > three.id


def test_at_a_transition(server: reven2.OpenTrace) -> None:
    one, two = server.bookmarks.add(1, "one"), server.bookmarks.add(1, "two")
    server.bookmarks.add(2, "elsewhere")
    assert list(server.bookmarks.at(server.trace.transition(1))) == [one, two]
    assert list(server.bookmarks.at(7)) == []


def test_html(server: reven2.OpenTrace) -> None:
    bookmark = server.bookmarks.add(4, "<b>&'")
    html = bookmark._repr_html_()
    assert html == bookmark.format_as_html()
    assert html == f"{server.trace.transition(4).format_as_html()}: '&lt;b&gt;&amp;''"


def test_what_cannot_be(server: reven2.OpenTrace) -> None:
    with pytest.raises(OutOfRangeError):
        server.bookmarks.add(server.trace.transition_count, "after the end")
    with pytest.raises(InvalidArgumentError):
        server.bookmarks.add(0, "x" * 10_001)
    bookmark = server.bookmarks.add(0, "x")
    with pytest.raises(OutOfRangeError):
        server.bookmarks.edit(bookmark, transition=10**9)
    assert texts(server) == ["#0: 'x'"]


def test_a_transition_of_another_trace_is_refused(
    server: reven2.OpenTrace, record_program: Any
) -> None:
    with reven2.open(record_program(BARE + "/* another */", *BARE_FLAGS)) as other:
        with pytest.raises(InvalidArgumentError, match="of the trace"):
            server.bookmarks.add(other.trace.first_transition, "x")
        theirs = other.bookmarks.add(0, "theirs")
        with pytest.raises(InvalidArgumentError, match="of the trace"):
            server.bookmarks.remove(theirs)
        other.bookmarks.remove(theirs)


def test_others_see_it_at_once(server: reven2.OpenTrace, trace: Path) -> None:
    with reven2.open(trace) as other:
        mine = server.bookmarks.add(1, "mine")
        theirs = other.bookmarks.add(2, "theirs")
        assert list(server.bookmarks) == list(other.bookmarks) == [mine, theirs]
        other.bookmarks.edit(mine, "changed")
        server.bookmarks.remove(theirs)
        assert texts(server) == texts(other) == ["#1: 'changed'"]


def test_more_than_a_page(server: reven2.OpenTrace, trace: Path) -> None:
    with reven2.open(trace) as other:
        for number in range(1005):
            other._service.add_bookmark(str(number), number % 7, f"{number}")
    assert [b.description for b in server.bookmarks.all()] == [str(n) for n in range(1005)]
