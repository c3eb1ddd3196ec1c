# SPDX-License-Identifier: Apache-2.0
"""Bookmarks over a real server: every client hears of every change."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2._client.messages import BookmarksChanged

from .running import Running, listening


@pytest.fixture
def own_trace(trace: Path, tmp_path: Path) -> Path:
    bookmarks = shutil.ignore_patterns("bookmarks.sqlite*")
    return Path(shutil.copytree(trace, tmp_path / "own.reven", ignore=bookmarks))


@pytest.fixture
def served(own_trace: Path, trace: Path, serve: Callable[..., Running]) -> Running:
    return serve(traces=(own_trace, trace))


def add(server: Running, key: str, transition: int, description: str) -> Any:
    return server.query("add_bookmark", key=key, transition=transition, description=description)


def test_every_client_hears_of_every_change(served: Running) -> None:
    async def check() -> None:
        async with (
            listening(served) as one,
            listening(served, token=served.run_file.read_only_token) as two,
        ):
            added = await asyncio.to_thread(add, served, "a", 1, "one")
            for client in (one, two):
                message = await client.next(BookmarksChanged)
                assert message == BookmarksChanged("own", served.query("info")["uuid"], 1)
            change = {"id": added["id"], "transition": None, "description": "two"}
            await asyncio.to_thread(served.query, "edit_bookmark", **change)
            assert (await one.next(BookmarksChanged)).revision == 2
            await asyncio.to_thread(served.query, "remove_bookmark", id=added["id"])
            assert (await one.next(BookmarksChanged)).revision == 3

    asyncio.run(check())


def test_what_another_process_changes_is_noticed(served: Running, own_trace: Path) -> None:
    async def check() -> None:
        async with listening(served) as client:
            with reven2.open(own_trace) as server:
                server.bookmarks.add(3, "from elsewhere")
            assert (await client.next(BookmarksChanged)).revision == 1

    asyncio.run(check())
    (found,) = served.query("bookmarks", first=0, limit=10)["bookmarks"]
    assert found["description"] == "from elsewhere"


def test_the_read_only_token_may_look_only(served: Running) -> None:
    token = served.run_file.read_only_token
    path = "/api/v1/scenarios/own/"
    body = {"key": "k", "transition": 0, "description": "x"}
    status, _, data = served.request("POST", path + "add_bookmark", body, token=token)
    assert (status, json.loads(data)["error"]) == (403, "ServerError")
    look = {"first": 0, "limit": 1}
    assert served.request("POST", path + "bookmarks", look, token=token)[0] == 200


def test_scenarios_have_their_own(served: Running) -> None:
    add(served, "here", 1, "one")
    others = served.query("bookmarks", served.run_file.scenarios[1], first=0, limit=9)
    assert "one" not in [one["description"] for one in others["bookmarks"]]
