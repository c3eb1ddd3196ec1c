# SPDX-License-Identifier: Apache-2.0
"""Sessions shared by several server processes over a Redis.

Redis gives the numbers and keeps the newest events of each session; a channel carries
each event to every process in the order of the numbers. On another channel every process
tells which clients it has, now and then and whenever that changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import redis.asyncio as redis
from redis.exceptions import RedisError

from reven.server.errors import UnusableHub
from reven.server.session_log import HISTORY_KEPT, Draft, History, Peer
from reven2._client.messages import Event
from reven2.errors import ServerError

__all__ = ["RedisLog"]

ANNOUNCE_SECONDS = 5.0
PEER_SECONDS = 15.0
"""A process that announces nothing for so long is gone, with its clients."""
REPEAT_SECONDS = 300
RETRY_SECONDS = 0.5

EPOCH, NAMES, EVENTS, PEERS = "reven:epoch", "reven:names", "reven:events", "reven:peers"
_HISTORY = "reven:history:"

# Numbers are put before the event's text: decoding the text here would spoil large integers.
_PUBLISH = f"""
if redis.call('GET', '{EPOCH}') ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' and not redis.call(
    'SET', 'reven:published:' .. ARGV[2], '1', 'NX', 'EX', {REPEAT_SECONDS}) then return 1 end
for i = 3, #ARGV, 2 do
    local number = redis.call('INCR', 'reven:sequence:' .. ARGV[i])
    local entry = number .. ' ' .. ARGV[i + 1]
    redis.call('RPUSH', '{_HISTORY}' .. ARGV[i], entry)
    redis.call('LTRIM', '{_HISTORY}' .. ARGV[i], -{HISTORY_KEPT}, -1)
    redis.call('SADD', '{NAMES}', ARGV[i])
    redis.call('PUBLISH', '{EVENTS}', entry)
end
return 1
"""


class _Announcement(msgspec.Struct, frozen=True):
    """`ask`: the others should announce themselves too."""

    server: str
    peers: list[Peer]
    names: list[str]
    ask: bool = False


class RedisLog:
    """A `SessionLog` over a Redis.

    Parameters:
        url: `redis://HOST:PORT`, `rediss://…` or `unix://…`.
    """

    def __init__(self, url: str) -> None:
        self.epoch = ""
        self.history = History()
        # Without its password.
        self._shown = re.sub(r"//[^@/]*@", "//", url)
        self._server = secrets.token_hex(8)
        self._names: set[str] = set()
        self._others: dict[str, tuple[float, list[Peer]]] = {}
        self._own = _Announcement(self._server, [], [])
        self._tasks: list[asyncio.Task[None]] = []
        self._announced = asyncio.Event()
        try:
            self._redis: Any = redis.Redis.from_url(url, socket_connect_timeout=5)
        except ValueError as error:
            raise UnusableHub(f"{self._shown} is no address of a Redis: {error}") from None

    async def start(
        self,
        *,
        on_event: Callable[[Event], None],
        on_peers: Callable[[], None],
        on_epoch: Callable[[], None],
    ) -> None:
        """Raises UnusableHub when no Redis answers."""
        self._on_event, self._on_peers, self._on_epoch = on_event, on_peers, on_epoch
        try:
            await self._take_epoch()
        except (RedisError, OSError) as error:
            raise UnusableHub(f"no Redis answers at {self._shown}: {error}") from None
        self._publish = self._redis.register_script(_PUBLISH)
        subscribed = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._follow(subscribed)),
            asyncio.create_task(self._announce()),
        ]
        await subscribed.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            await self._send(_Announcement(self._server, [], []))
        await self._redis.aclose()

    async def publish(self, draft: Draft) -> None:
        arguments: list[str | bytes] = [self.epoch, draft.key]
        for session in draft.sessions:
            event = Event(session, 0, draft.origin, time.time(), draft.selection)
            arguments += [session, msgspec.json.encode(event)]
        try:
            done = await self._publish(args=arguments)
            if not done:
                await self._take_epoch()
                await self._publish(args=[self.epoch, *arguments[1:]])
        except (RedisError, OSError) as error:
            raise ServerError(
                f"The Redis that the sessions are shared over does not answer: {error}."
            ) from None

    def names(self) -> Iterable[str]:
        return sorted(self._names)

    def peers(self) -> Iterable[Peer]:
        return [peer for _, peers in self._others.values() for peer in peers]

    def announce(self, known: Callable[[], tuple[list[Peer], list[str]]]) -> None:
        own = _Announcement(self._server, *known())
        # The others answer news with news of their own: what is none must not go out.
        if own != self._own:
            self._own = own
            self._announced.set()

    async def _take_epoch(self) -> None:
        """The epoch of the Redis. It has none when it is new, or was emptied."""
        await self._redis.set(EPOCH, secrets.token_hex(8), nx=True)
        epoch = (await self._redis.get(EPOCH)).decode()
        former, self.epoch = self.epoch, epoch
        if former not in ("", epoch):
            self.history = History()
            self._on_epoch()

    async def _follow(self, subscribed: asyncio.Event) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(EVENTS, PEERS)
                    await self._catch_up()
                    await self._send(msgspec.structs.replace(self._own, ask=True))
                    subscribed.set()
                    async for message in channel.listen():
                        if message["type"] == "message":
                            self._take(message["channel"].decode(), message["data"])
            except (RedisError, OSError):
                await asyncio.sleep(RETRY_SECONDS)

    async def _catch_up(self) -> None:
        """What was published before this process followed, or while it could not."""
        await self._take_epoch()
        names = {name.decode() for name in await self._redis.smembers(NAMES)}
        self._names |= names
        for name in sorted(names):
            for entry in await self._redis.lrange(_HISTORY + name, 0, -1):
                self._take_event(entry)
        self._on_peers()

    def _take(self, channel: str, data: bytes) -> None:
        if channel == EVENTS:
            self._take_event(data)
            return
        try:
            said = msgspec.json.decode(data, type=_Announcement)
        except msgspec.DecodeError:
            return  # of a server of another version, or of something else on this Redis
        if said.server == self._server:
            return
        self._others[said.server] = (time.monotonic(), said.peers)
        self._names.update(said.names)
        self._on_peers()
        if said.ask:
            self._announced.set()

    def _take_event(self, entry: bytes) -> None:
        number, _, body = entry.partition(b" ")
        try:
            event = msgspec.json.decode(body, type=Event)
            event = msgspec.structs.replace(event, sequence=int(number))
        except (msgspec.DecodeError, ValueError):
            return
        self._names.add(event.session)
        if self.history.add(event):
            self._on_event(event)

    async def _announce(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANNOUNCE_SECONDS):
                    await self._announced.wait()
            self._announced.clear()
            with contextlib.suppress(RedisError, OSError):
                await self._send(self._own)
            limit = time.monotonic() - PEER_SECONDS
            gone = [server for server, (heard, _) in self._others.items() if heard < limit]
            for server in gone:
                del self._others[server]
            if gone:
                self._on_peers()

    async def _send(self, announcement: _Announcement) -> None:
        await self._redis.publish(PEERS, msgspec.json.encode(announcement))
