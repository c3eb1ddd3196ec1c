# SPDX-License-Identifier: Apache-2.0
"""Tells every client when bookmarks have changed, whoever changed them: a client of this
server, another server, or a script that has the trace open in its own process."""

from __future__ import annotations

import asyncio

from reven.server.hub import Hub
from reven.server.scenarios import Scenario, Scenarios
from reven2._client.messages import BookmarksChanged
from reven2.errors import RevenError

__all__ = ["BookmarkWatch"]

INTERVAL = 0.5
"""Seconds between two looks at what other processes changed."""


class BookmarkWatch:
    """Looks at the bookmarks of all scenarios now and then, as long as there are clients."""

    def __init__(self, scenarios: Scenarios, hub: Hub) -> None:
        self._scenarios = scenarios
        self._hub = hub
        self._revisions: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        for scenario in self._scenarios:
            self._revisions[scenario.name] = await self._revision(scenario)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()

    async def look(self, scenario: Scenario) -> None:
        """Tell the clients if the scenario's bookmarks have changed."""
        revision = await self._revision(scenario)
        if revision != self._revisions[scenario.name]:
            self._revisions[scenario.name] = revision
            self._hub.tell_bookmarks(BookmarksChanged(scenario.name, scenario.uuid, revision))

    async def _revision(self, scenario: Scenario) -> int:
        try:
            return await asyncio.to_thread(scenario.service.bookmark_revision)
        except RevenError:
            # Who asks for the bookmarks is told what is wrong with them.
            return self._revisions.get(scenario.name, 0)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            if self._hub.has_clients:
                for scenario in self._scenarios:
                    await self.look(scenario)
