# SPDX-License-Identifier: Apache-2.0
"""`TraceService` over HTTP: pages, reads ahead, and keeps answers, for a trace never changes."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar, cast, get_type_hints
from urllib.parse import quote

import msgspec

from reven2._client.connection import MESSAGE_PACK, Connection
from reven2._client.processes import renew_after_fork
from reven2._service import (
    AccessPage,
    Disassembly,
    LocationData,
    RegisterPage,
    TraceInfo,
    TraceService,
    TransitionIds,
    TransitionPage,
    query_methods,
    traits_of,
)
from reven2.errors import InvalidArgumentError, ServerError
from reven2.trace._pages import next_page_size

__all__ = ["remote_service"]

_LARGEST_INTEGER = (1 << 64) - 1
_KEPT_BYTES = 64 << 20
_ANSWER_OVERHEAD = 200
_LOCATIONS_KEPT = 1 << 17

# A search asks for so many transitions at a time that an answer takes about this long: so
# it can be interrupted, shows progress, and holds nobody up.
_SEARCH_SECONDS = (0.1, 0.5)
_FIRST_SEARCH = 16 << 20
_SMALLEST_SEARCH = 1 << 16
_PROGRESS_AFTER = 1.0
_PROGRESS_INTERVAL = 0.2

Answer = TypeVar("Answer")
Page = TypeVar("Page", AccessPage, TransitionIds)


_DECODERS = {
    name: msgspec.msgpack.Decoder(get_type_hints(method)["return"])
    for name, method in query_methods().items()
}
_encode = msgspec.msgpack.Encoder().encode


def remote_service(connection: Connection, scenario: str) -> TraceService:
    """Queries on one scenario of a server. Safe to call from several threads.

    Parameters:
        connection: to the server.
        scenario: which of its traces.

    Raises:
        ServerError (a RuntimeError): the server cannot be reached or has no such scenario.
    """
    return cast("TraceService", _RemoteService(connection, scenario))


class _RemoteService:
    """What is not written out here is asked as it is, once: see `_forward_others`."""

    def __init__(self, connection: Connection, scenario: str) -> None:
        self._connection = connection
        self._scenario = scenario
        self._server = connection.name
        self._path = f"/api/v1/scenarios/{quote(scenario, safe='')}/"
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, bytes], tuple[Any, int]] = OrderedDict()
        self._kept_bytes = 0
        self._located: dict[int, _Located] = {}
        self._token = connection.token
        self._search_size = _FIRST_SEARCH
        self._ahead = _ReadAhead(self._fetch_transitions)
        renew_after_fork(self)
        self._info = self._fetch(TraceService.info)
        self._count = self._fetch(TraceService.transition_count)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._ahead = _ReadAhead(self._fetch_transitions)

    def beside(self, other: TraceService) -> str:
        if not isinstance(other, _RemoteService) or other._server != self._server:
            raise InvalidArgumentError(
                "Both traces must be opened the same way: two that are open here, or two "
                "scenarios of one server."
            )
        return other._scenario

    def info(self) -> TraceInfo:
        return self._info

    def transition_count(self) -> int:
        return self._count

    def refresh(self) -> int:
        count = self._fetch(TraceService.refresh)
        info = self._fetch(TraceService.info)
        with self._lock:
            self._answers.clear()
            self._kept_bytes = 0
            self._located.clear()
        self._ahead.forget()
        self._info, self._count = info, count
        return count

    def transitions(self, start: int, stop: int) -> TransitionPage:
        return self._ahead.get(start, stop, self._count)

    def disassemble(self, instructions: Sequence[tuple[int, bytes]]) -> list[Disassembly]:
        return self._fetch(TraceService.disassemble, instructions=instructions)

    def registers(self, contexts: Sequence[int]) -> RegisterPage:
        return self._fetch(TraceService.registers, contexts=list(contexts))

    def accesses(
        self,
        start: int,
        stop: int,
        address: int,
        size: int,
        *,
        reads: bool,
        writes: bool,
        forward: bool,
        limit: int,
    ) -> AccessPage:
        def part(low: int, high: int) -> AccessPage:
            return self._ask(
                TraceService.accesses,
                start=low,
                stop=high,
                address=address,
                # All of memory is 2^64 bytes, one more than a message can say; the last
                # byte is no program's.
                size=min(size, _LARGEST_INTEGER),
                reads=reads,
                writes=writes,
                forward=forward,
                limit=limit,
            )

        return self._search(part, start, stop, forward)

    def find_pcs(
        self,
        ranges: Sequence[tuple[int, int]],
        start: int,
        stop: int,
        *,
        forward: bool,
        limit: int,
    ) -> TransitionIds:
        bounded = [(low, min(high, _LARGEST_INTEGER)) for low, high in ranges]

        def part(low: int, high: int) -> TransitionIds:
            return self._ask(
                TraceService.find_pcs,
                ranges=bounded,
                start=low,
                stop=high,
                forward=forward,
                limit=limit,
            )

        return self._search(part, start, stop, forward)

    def find_register_change(
        self, context: int, offset: int, size: int, mask: int, forward: bool
    ) -> int | None:
        with _Progress():
            return self._ask(
                TraceService.find_register_change,
                context=context,
                offset=offset,
                size=size,
                mask=mask,
                forward=forward,
            )

    def find_memory_change(
        self, context: int, address: int, size: int, forward: bool
    ) -> int | None:
        with _Progress():
            return self._ask(
                TraceService.find_memory_change,
                context=context,
                address=address,
                size=size,
                forward=forward,
            )

    def locate(self, context: int, address: int) -> LocationData | None:
        known = self._located.get(address)
        if known is not None and known.first <= context <= known.last:
            return known.location
        location = self._ask(TraceService.locate, context=context, address=address)
        if location is not None and location.binary is not None:
            self._keep_location(context, address, location)
        return location

    def close(self) -> None:
        self._ahead.close()
        self._connection.close()

    def _fetch_transitions(self, start: int, stop: int) -> TransitionPage:
        return self._fetch(TraceService.transitions, start=start, stop=stop)

    def _fetch(self, method: Callable[..., Answer], **arguments: Any) -> Answer:
        return self._send(method, _encode(arguments))[0]

    def _ask(self, method: Callable[..., Answer], **arguments: Any) -> Answer:
        """The same, answered from what is kept if it was asked before."""
        body = _encode(arguments)
        key = method.__name__, body
        with self._lock:
            known = self._answers.get(key)
            if known is not None:
                self._answers.move_to_end(key)
                return cast("Answer", known[0])
        answer, size = self._send(method, body)
        size += len(body) + _ANSWER_OVERHEAD
        with self._lock:
            if key not in self._answers:
                self._answers[key] = answer, size
                self._kept_bytes += size
            while self._kept_bytes > _KEPT_BYTES:
                self._kept_bytes -= self._answers.popitem(last=False)[1][1]
        return answer

    def _send(self, method: Callable[..., Answer], body: bytes) -> tuple[Answer, int]:
        """What is answered, and its size in bytes."""
        name = method.__name__
        data = self._connection.request("POST", self._path + name, body, MESSAGE_PACK)
        if self._connection.token != self._token:
            self._check_same_trace()
        try:
            return cast("Answer", _DECODERS[name].decode(data)), len(data)
        except msgspec.DecodeError as error:
            raise ServerError(
                f"{self._connection.name} gave an answer that this version cannot read "
                f"({error}): use the same version of REVEN on both sides."
            ) from None

    def _keep_location(self, context: int, address: int, location: LocationData) -> None:
        """For as long as a binary's code is mapped, its places stay what they are."""
        assert location.binary is not None
        for code in self._ask(TraceService.binary_ranges, binary=location.binary.id):
            if (
                code.start <= address < code.stop
                and code.first_context <= context <= code.last_context
            ):
                if len(self._located) >= _LOCATIONS_KEPT:
                    self._located.clear()
                self._located[address] = _Located(code.first_context, code.last_context, location)

    def _check_same_trace(self) -> None:
        """What is kept is wrong if another server took the place of the former one."""
        self._token = self._connection.token
        info = self._fetch(TraceService.info)
        if info.uuid != self._info.uuid:
            raise ServerError(
                f"{self._connection.name} was restarted and now serves another recording: "
                "make a new connection."
            )

    def _search(
        self, part: Callable[[int, int], Page], start: int, stop: int, forward: bool
    ) -> Page:
        """The first part of [start, stop), in the direction, that has results."""
        low, high = start, stop
        with _Progress() as progress:
            while True:
                size = self._search_size
                if forward:
                    begin, end = low, min(high, low + size)
                else:
                    begin, end = max(low, high - size), high
                started = time.monotonic()
                page = part(begin, end)
                self._adapt(time.monotonic() - started)
                is_rest = begin == low and end == high
                if page.next is not None or is_rest:
                    return page
                low, high = (end, high) if forward else (low, begin)
                if page.transition:
                    return msgspec.structs.replace(page, next=low if forward else high)
                progress.share = 1 - (high - low) / (stop - start)

    def _adapt(self, seconds: float) -> None:
        quick, slow = _SEARCH_SECONDS
        if seconds < quick:
            self._search_size = min(self._search_size * 4, _LARGEST_INTEGER)
        elif seconds > slow:
            self._search_size = max(self._search_size // 4, _SMALLEST_SEARCH)


def _forward_others() -> None:
    def forwarding(method: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(method)
        kept = traits_of(method).kept

        @functools.wraps(method)
        def forward(self: _RemoteService, *values: Any, **named: Any) -> Any:
            arguments = signature.bind(self, *values, **named).arguments
            del arguments["self"]
            ask = self._ask if kept else self._fetch
            return ask(method, **arguments)

        return forward

    for name, method in query_methods().items():
        if name not in vars(_RemoteService):
            setattr(_RemoteService, name, forwarding(method))


_forward_others()


class _Located(NamedTuple):
    """What stands at an address in the contexts [first, last]."""

    first: int
    last: int
    location: LocationData


class _ReadAhead:
    """Fetches the page that a loop will want next while it works on the present one."""

    def __init__(self, fetch: Callable[[int, int], TransitionPage]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._stop = -1
        self._wanted: tuple[int, int] | None = None
        self._coming: Future[TransitionPage] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="reven2-read-ahead")

    def get(self, start: int, stop: int, count: int) -> TransitionPage:
        """Transitions [start, stop) of a trace of `count`."""
        with self._lock:
            coming = self._coming if self._wanted == (start, stop) else None
            is_loop = start == self._stop
            self._stop = stop
        page = self._fetch(start, stop) if coming is None else coming.result()
        with self._lock:
            if is_loop and self._stop == stop < count:
                self._wanted = stop, min(stop + next_page_size(stop - start), count)
                self._coming = self._executor.submit(self._fetch, *self._wanted)
        return page

    def forget(self) -> None:
        """Drop what is coming."""
        with self._lock:
            self._wanted = self._coming = None

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


class _Progress:
    """Says on a terminal that a search takes long, and how far it is where that is known."""

    def __init__(self) -> None:
        self.share: float | None = None
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> _Progress:
        if sys.stderr is not None and sys.stderr.isatty():
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        if self._ended.wait(_PROGRESS_AFTER):
            return
        while True:
            seconds = f"{time.monotonic() - self._started:.0f} s"
            share = f", {self.share:.0%}" if self.share is not None else ""
            print(f"\rsearching … {seconds}{share} ", end="", file=sys.stderr, flush=True)
            if self._ended.wait(_PROGRESS_INTERVAL):
                break
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
