# SPDX-License-Identifier: Apache-2.0
"""The traces that a server serves, by scenario name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from reven.ossi.foreign_files import HostFiles
from reven.server.wire import RequestError
from reven.service.local import LocalService
from reven.trace.stopping import Stopped, keep_going, step_back, stop_when
from reven2._client.messages import Selection, TransitionSelection
from reven2._client.numbers import LARGEST_EXACT
from reven2._service import TraceInfo
from reven2.errors import InvalidArgumentError, RevenError

__all__ = ["Scenario", "Scenarios"]

TEXT_LENGTH = 1000


class Scenario:
    """An open trace and the name under which it is served."""

    def __init__(self, name: str, service: LocalService) -> None:
        self.name = name
        self.service = service
        self._info = service.info()

    @property
    def uuid(self) -> str:
        return self._info.uuid

    def info(self) -> TraceInfo:
        """`TraceService.info`, with the scenario's name."""
        info = self.service.info()
        return msgspec.structs.replace(info, name=self.name)


class Scenarios:
    """Scenarios in the order in which they were given.

    Parameters:
        paths: trace directories.
        name: of the only one; None: that of its directory. Of several with the same
            name the later ones get a number.
        host: where files of this machine may be looked for that a trace names.

    Raises:
        reven2.errors.TraceError: one cannot be opened; the others are closed again.
        reven2.errors.InvalidArgumentError: the name cannot be that of a scenario.
    """

    def __init__(
        self, paths: Sequence[Path], name: str | None = None, host: HostFiles | None = None
    ) -> None:
        self._scenarios: dict[str, Scenario] = {}
        self._closing = threading.Event()
        self._indexing: threading.Thread | None = None
        self._refreshing: dict[str, asyncio.Future[int]] = {}
        if name is not None and (not name.isprintable() or "/" in name or not name):
            raise InvalidArgumentError(
                f"{name!r} is no name of a scenario: it needs printable characters, without '/'."
            )
        try:
            for path in paths:
                service = LocalService(path, host)
                self._add(service.info().name if name is None else name, service)
        except BaseException:
            self.close()
            raise

    def _add(self, wanted: str, service: LocalService) -> None:
        name, number = wanted, 1
        while name in self._scenarios:
            number += 1
            name = f"{wanted}-{number}"
        self._scenarios[name] = Scenario(name, service)
        service.find_other = self._named

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._scenarios.values())

    @property
    def names(self) -> list[str]:
        return list(self._scenarios)

    def get(self, name: str) -> Scenario:
        """Raises RequestError (404) for a name that is not served."""
        scenario = self._scenarios.get(name)
        if scenario is None:
            raise RequestError(
                404,
                f"There is no scenario {name[:100]!r} here. There is: {', '.join(self.names)}.",
            )
        return scenario

    def _named(self, name: str) -> LocalService | None:
        """What a query may compare a trace with: another one that is served, by its name."""
        scenario = self._scenarios.get(name)
        return None if scenario is None else scenario.service

    async def check(self, selection: Selection) -> None:
        """Raises InvalidArgumentError for a selection that means nothing in what is served."""
        scenario = self._scenarios.get(selection.scenario)
        if scenario is None or scenario.uuid != selection.trace:
            raise InvalidArgumentError(
                f"The selection is of another trace ({selection.scenario[:100]!r}) than those "
                f"that this server serves: {', '.join(self.names)}."
            )
        if selection.transition is not None:
            count = scenario.service.transition_count()
            if selection.transition >= count and not scenario.info().complete:
                count = await self._refreshed(scenario)
            if not 0 <= selection.transition < count:
                raise InvalidArgumentError(
                    f"The trace has no transition {selection.transition}, only 0 to {count - 1}."
                )
        if isinstance(selection, TransitionSelection):
            return
        room = min((1 << 64) - selection.offset, LARGEST_EXACT)
        if selection.size is not None and not 0 < selection.size <= room:
            raise InvalidArgumentError(
                f"{selection.size} bytes at {selection.address} are no range of addresses."
            )
        if len(selection.name or "") > TEXT_LENGTH or len(selection.segment or "") > TEXT_LENGTH:
            raise InvalidArgumentError(
                f"The name of an address may have at most {TEXT_LENGTH} characters."
            )

    async def _refreshed(self, scenario: Scenario) -> int:
        """The transition count now, read once for all who ask at the same time."""
        running = self._refreshing.get(scenario.name)
        if running is None or running.done():
            running = asyncio.ensure_future(asyncio.to_thread(scenario.service.refresh))
            self._refreshing[scenario.name] = running
        return await asyncio.shield(running)

    def index_in_background(self) -> None:
        """Start to build what is missing of the indexes, before somebody waits for them."""
        self._indexing = threading.Thread(target=self._index, name="index", daemon=True)
        self._indexing.start()

    def _index(self) -> None:
        step_back()
        for scenario in self:
            # A query that needs the index says what is wrong with it.
            with suppress(Stopped, RevenError), stop_when(self._closing.is_set):
                scenario.service.build_calls(keep_going)
                scenario.service.build_index(keep_going)

    def close(self) -> None:
        self._closing.set()
        if self._indexing is not None:
            self._indexing.join()
        for scenario in self:
            scenario.service.close()
