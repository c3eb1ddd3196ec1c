# SPDX-License-Identifier: Apache-2.0
"""The methods of `TraceService` as requests: what each takes and gives, and running one.

Made from the Protocol's own signatures, so that it is written down once.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, get_type_hints

import msgspec

from reven.server.access import Right
from reven.server.scenarios import Scenario
from reven.server.wire import RequestError
from reven.trace.stopping import stop_when
from reven2._service import query_methods, traits_of
from reven2.errors import InvalidArgumentError

__all__ = ["QUERIES", "Queries", "Query"]

Result = TypeVar("Result")

INTEGER_LIMIT = 1 << 64
TRANSITIONS_LIMIT = 1 << 18
CONTEXTS_LIMIT = 1 << 14
MEMORY_LIMIT = 64 << 20
ANSWERS_LIMIT = 1 << 17
"""Largest `limit` and number of instructions, ranges … of one request."""

SCAN_THREADS = 12
"""Slow queries run in threads of their own, so that all others find a free one."""
QUICK_THREADS = 4


class Query(msgspec.Struct, frozen=True):
    """A method: `arguments` is a Struct type with its parameters, `answer` its type, `right`
    what it takes to ask, `slow` and `changes` as in `reven2._service.declared.Traits`."""

    name: str
    summary: str
    arguments: type[msgspec.Struct]
    answer: Any
    right: Right
    slow: bool
    changes: bool


def _queries() -> dict[str, Query]:
    queries = {}
    for name, method in query_methods().items():
        hints = get_type_hints(method)
        answer = hints.pop("return")
        camel = "".join(word.capitalize() for word in name.split("_"))
        arguments = msgspec.defstruct(
            f"{camel}Arguments", list(hints.items()), frozen=True, forbid_unknown_fields=True
        )
        summary = re.sub(r"\s+", " ", inspect.getdoc(method) or "") if method.__doc__ else ""
        traits = traits_of(method)
        right = Right.CONTROL if traits.changes else Right.LOOK
        queries[name] = Query(name, summary, arguments, answer, right, traits.slow, traits.changes)
    return queries


QUERIES: Mapping[str, Query] = _queries()


class Queries:
    """Runs queries off the event loop, a bounded number at a time."""

    def __init__(self) -> None:
        self._scans = ThreadPoolExecutor(SCAN_THREADS, thread_name_prefix="scan")
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="query")

    async def run(
        self,
        query: Query,
        scenario: Scenario,
        arguments: msgspec.Struct,
        gone: Callable[[], Awaitable[None]],
        finish: Callable[[Any], Result],
    ) -> Result:
        """Run a query, and `finish` of what it gives in the same thread.

        `gone` returns when the client has gone: a long query then stops.

        Raises:
            RevenError: the service's.
            InvalidArgumentError: an argument out of bounds.
        """
        values = msgspec.structs.asdict(arguments)
        _check(query.name, values)
        method = scenario.info if query.name == "info" else getattr(scenario.service, query.name)

        def answer() -> Result:
            try:
                found = method(**values)
            except (TypeError, OverflowError):
                # The engine's integers are narrower than those of a message.
                raise InvalidArgumentError(f"{query.name} cannot take {_shown(values)}.") from None
            return finish(found)

        return await self.carry_out(answer, gone, slow=query.slow)

    async def carry_out(
        self, answer: Callable[[], Result], gone: Callable[[], Awaitable[None]], *, slow: bool
    ) -> Result:
        """Call `answer` off the event loop. A slow one stops soon after `gone` returns."""
        loop = asyncio.get_running_loop()
        if not slow:
            return await loop.run_in_executor(self._quick, answer)
        stop = threading.Event()

        def scan() -> Result:
            with stop_when(stop.is_set):
                return answer()

        running = loop.run_in_executor(self._scans, scan)
        watching = asyncio.ensure_future(gone())
        try:
            await asyncio.wait((running, watching), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                running.cancel()
                raise RequestError(499, "The client has gone.")
            return running.result()
        finally:
            stop.set()
            watching.cancel()

    def close(self) -> None:
        self._scans.shutdown(wait=False, cancel_futures=True)
        self._quick.shutdown(wait=False, cancel_futures=True)


def _check(name: str, values: dict[str, Any]) -> None:
    for argument, value in values.items():
        for number in _integers(value):
            if not 0 <= number <= INTEGER_LIMIT:
                raise InvalidArgumentError(f"{argument} must lie between 0 and 2^64.")
        if isinstance(value, list | bytes | str) and len(value) > ANSWERS_LIMIT:
            raise InvalidArgumentError(f"{argument} may have at most {ANSWERS_LIMIT} entries.")
    limit = values.get("limit", 1)
    if not 1 <= limit <= ANSWERS_LIMIT:
        raise InvalidArgumentError(f"limit must lie between 1 and {ANSWERS_LIMIT}.")
    if name in ("read_memory", "read_known_memory") and values["size"] > MEMORY_LIMIT:
        raise InvalidArgumentError(f"One read gives at most {MEMORY_LIMIT} bytes: read in parts.")
    if name == "transitions" and values["stop"] - values["start"] > TRANSITIONS_LIMIT:
        raise InvalidArgumentError(f"A page has at most {TRANSITIONS_LIMIT} transitions.")
    if name == "registers" and len(values["contexts"]) > CONTEXTS_LIMIT:
        raise InvalidArgumentError(f"At most {CONTEXTS_LIMIT} contexts at once.")


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r:.40}" for name, value in values.items())


def _integers(value: Any) -> list[int]:
    if isinstance(value, int):
        return [value]
    if isinstance(value, list | tuple):
        return [number for part in value for number in _integers(part)]
    return []
