# SPDX-License-Identifier: Apache-2.0
"""The file of bookmarks: where it is, many writers, and what can be wrong with it."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

from reven.bookmarks.store import Bookmarks
from reven2.errors import InvalidArgumentError, TraceError

UUID = "6a7e4f3c-1234"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    (tmp_path / "a.reven").mkdir()
    return tmp_path / "a.reven"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def add(trace: Path, *notes: str) -> None:
    store = Bookmarks(trace, UUID)
    for note in notes:
        store.add(note, 0, note)


def notes(trace: Path) -> list[str]:
    return [one.description for one in Bookmarks(trace, UUID).page(0, 1000).bookmarks]


def test_pages_and_revision(trace: Path) -> None:
    store = Bookmarks(trace, UUID)
    assert (store.page(0, 5), store.revision()) == (store.page(0, 5), 0)
    add(trace, *"abcde")
    assert store.revision() == 5
    page = store.page(2, 2)
    assert [one.id for one in page.bookmarks] == [2, 3]
    assert (page.next, page.revision) == (4, 5)
    assert store.page(4, 2).next is None
    store.remove(4)
    store.edit(5, None, "e2")
    assert store.revision() == 7
    store.remove(4)
    store.edit(5, 0, "e2")
    assert store.revision() == 7, "nothing changed"


def test_a_repeated_request_adds_once(trace: Path) -> None:
    store = Bookmarks(trace, UUID)
    assert store.add("key", 3, "x") == store.add("key", 3, "x")
    assert store.revision() == 1


def test_any_text_comes_back_whole(trace: Path) -> None:
    texts = ["", "ünï 🐞", "a\nb\0c", "'; DROP TABLE bookmarks; --"]
    for text in texts:
        Bookmarks(trace, UUID).add(f"key {text!r}", 0, text)
    assert notes(trace) == texts
    with pytest.raises(InvalidArgumentError, match="Unicode"):
        Bookmarks(trace, UUID).add("surrogate", 0, "\ud800")
    with pytest.raises(InvalidArgumentError, match="key"):
        Bookmarks(trace, UUID).add("", 0, "")


def test_many_processes_write_at_once(trace: Path) -> None:
    processes = [
        multiprocessing.get_context("spawn").Process(
            target=add, args=(trace, *(f"{writer}-{n}" for n in range(20)))
        )
        for writer in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = notes(trace)
    assert sorted(found) == sorted(f"{writer}-{n}" for writer in range(3) for n in range(20))
    assert Bookmarks(trace, UUID).revision() == 60


def test_of_a_trace_that_cannot_be_written_they_are_the_users(
    trace: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(trace, "shipped")
    # Root may write what nobody else may, so no permission would do.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert notes(trace) == ["shipped"]
    assert not state.exists()
    add(trace, "mine")
    assert notes(trace) == ["shipped", "mine"]
    assert [file.name for file in (state / "reven" / "bookmarks").iterdir()] == [f"{UUID}.sqlite"]


def test_a_damaged_file_says_so(trace: Path) -> None:
    (trace / "bookmarks.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(TraceError, match="damaged"):
        notes(trace)
    with pytest.raises(TraceError, match="damaged"):
        add(trace, "x")


def test_a_newer_file_is_left_alone(trace: Path) -> None:
    add(trace, "x")
    with sqlite3.connect(trace / "bookmarks.sqlite") as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(TraceError, match="newer version"):
        notes(trace)
    with pytest.raises(TraceError, match="newer version"):
        add(trace, "y")


def test_one_that_another_process_keeps_locked_says_so(
    trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(trace, "x")
    monkeypatch.setattr("reven.bookmarks.store._WAIT_SECONDS", 0.01)
    other = sqlite3.connect(trace / "bookmarks.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TraceError, match="locked"):
        add(trace, "y")
    other.close()
    add(trace, "y")
    assert notes(trace) == ["x", "y"]


def test_nothing_is_written_through_a_link(trace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE precious (a)")
    before = other.read_bytes()
    (trace / "bookmarks.sqlite").symlink_to(other)
    for use in (lambda: add(trace, "a"), lambda: notes(trace)):
        with pytest.raises(TraceError, match="is no regular file"):
            use()
    assert other.read_bytes() == before


def test_a_strangers_view_ends(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reven.bookmarks.store._WORK_SECONDS", 0.1)
    add(trace, "a")
    with sqlite3.connect(trace / "bookmarks.sqlite") as database:
        database.executescript(
            "DROP TABLE bookmarks; CREATE VIEW bookmarks AS WITH RECURSIVE n(id) AS "
            "(SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, 'k' AS key, 0 AS transition_id, "
            "'' AS description, 0 AS version, 0 AS created FROM n ORDER BY id DESC"
        )
    with pytest.raises(TraceError, match="cannot be used: interrupted"):
        notes(trace)
