# SPDX-License-Identifier: Apache-2.0
"""Sessions shared by several server processes over a Redis.

Redis gives the numbers and keeps the newest events of each session; a channel carries
each event to every process in the order of the numbers. On another channel every process
tells which clients it has, now and then and whenever that changes.

A Redis may lose data and go on: it is emptied, evicts what it has no room for, starts anew from an
older file, or another one takes its place. So the epoch and the numbers stand in one value, which
is there or not as a whole; every event carries its epoch; and every process compares what it has
heard with what is there. Where the two differ a new epoch begins, and every listener is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import redis.asyncio as redis
from redis.asyncio import sentinel as sentinels
from redis.exceptions import ReadOnlyError, RedisError

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

CHECK_SECONDS = 1.0
"""Between two looks whether the Redis still has what was numbered."""
CONFIRM_SECONDS = 5.0
"""So long after a publish it may take until it is heard here."""
ANSWER_SECONDS = 5.0
"""And so much longer until the other processes say who heard it there."""
HISTORY_SECONDS = 30 * 24 * 3600
ATTEMPTS = 3
ANSWERS_KEPT = 4096
_SENTINELS = "redis+sentinel://"
_SENTINEL_PORT = 26379

LOG, NAMES, EVENTS, PEERS = "reven:log", "reven:names", "reven:events", "reven:peers"
_HEARD = "reven:heard:"
_HISTORY = "reven:history:"

# Arguments: the epoch, the key of the publish, the process that publishes, then of each session
# its name, the last number that is known here, and the event. Answers how many processes get it (0
# for one that was published before), then the numbers; nothing if the epoch has ended, or what was
# numbered is no longer there. What belongs to an event is put before its text: decoding the text
# here would spoil large integers.
_PUBLISH = f"""
if redis.call('HGET', '{LOG}', 'epoch') ~= ARGV[1] then return {{}} end
for i = 4, #ARGV, 3 do
    local last = redis.call('HGET', '{LOG}', 'of ' .. ARGV[i])
    if tonumber(last or '0') < tonumber(ARGV[i + 1]) then return {{}} end
end
local is_new = ARGV[2] == '' or redis.call(
    'SET', 'reven:published:' .. ARGV[1] .. ARGV[2], '1', 'NX', 'EX', {REPEAT_SECONDS})
local numbers = {{0}}
for i = 4, #ARGV, 3 do
    if is_new then
        local number = redis.call('HINCRBY', '{LOG}', 'of ' .. ARGV[i], 1)
        local entry = ARGV[1] .. ' ' .. number .. ' ' .. ARGV[3] .. ' ' .. ARGV[i + 2]
        local history = '{_HISTORY}' .. ARGV[1] .. ':' .. ARGV[i]
        redis.call('RPUSH', history, entry)
        redis.call('LTRIM', history, -{HISTORY_KEPT}, -1)
        redis.call('EXPIRE', history, {HISTORY_SECONDS})
        redis.call('SADD', '{NAMES}', ARGV[i])
        numbers[1] = redis.call('PUBLISH', '{EVENTS}', entry)
        table.insert(numbers, number)
    else
        table.insert(numbers, tonumber(redis.call('HGET', '{LOG}', 'of ' .. ARGV[i]) or '0'))
    end
end
return numbers
"""

# Arguments: an epoch that has ended, "" for none, and what may be the next. Answers the epoch.
_BEGIN = f"""
local epoch = redis.call('HGET', '{LOG}', 'epoch')
if epoch and epoch ~= ARGV[1] then return epoch end
redis.call('DEL', '{LOG}')
redis.call('HSET', '{LOG}', 'epoch', ARGV[2])
return ARGV[2]
"""


class _Announcement(msgspec.Struct, frozen=True):
    """`ask`: the others should announce themselves too."""

    server: str
    peers: list[Peer]
    names: list[str]
    ask: bool = False


class _Answer(msgspec.Struct, frozen=True):
    """What a process tells the one that published: which of its clients got an event."""

    server: str
    epoch: str
    session: str
    number: int
    clients: list[str]


class RedisLog:
    """A `SessionLog` over a Redis.

    Parameters:
        url: `redis://HOST:PORT`, `rediss://…`, `unix://…`, or, where Sentinels know which Redis
            is written to, `redis+sentinel://HOST:PORT,HOST:PORT/NAME`.
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
        self._heard = asyncio.Condition()
        self._answers: asyncio.Queue[tuple[str, _Answer]] = asyncio.Queue()
        """What this process has to tell others."""
        self._told: dict[tuple[str, int], dict[str, list[str]]] = {}
        """What others tell of an event of this process: by session and number, then process."""
        self._ended: set[str] = set()
        """Epochs of before: what still comes of them means nothing."""
        try:
            self._redis: Any = _client_of(url)
        except ValueError as error:
            raise UnusableHub(f"{self._shown} is no address of a Redis: {error}") from None

    async def start(
        self,
        *,
        on_event: Callable[[Event], Iterable[str]],
        on_peers: Callable[[], None],
        on_epoch: Callable[[], None],
    ) -> None:
        """Raises UnusableHub when no Redis answers."""
        self._on_event, self._on_peers, self._on_epoch = on_event, on_peers, on_epoch
        self._publish = self._redis.register_script(_PUBLISH)
        self._begin = self._redis.register_script(_BEGIN)
        try:
            await self._take_epoch("")
        except (RedisError, OSError) as error:
            raise UnusableHub(f"no Redis answers at {self._shown}: {error}") from None
        subscribed = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._follow(subscribed)),
            asyncio.create_task(self._announce()),
            asyncio.create_task(self._check()),
            asyncio.create_task(self._answer()),
        ]
        await subscribed.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            await self._send(_Announcement(self._server, [], []))
        await self._redis.aclose()

    async def publish(self, draft: Draft) -> int:
        """Returns when the listeners of this process have it, and others have said who has it.

        Raises:
            ServerError: that cannot be said.
        """
        try:
            for _ in range(ATTEMPTS):
                epoch = self.epoch
                processes, *numbers = await self._publish(args=self._arguments(draft)) or [0]
                if len(numbers) == len(draft.sessions):
                    events = list(zip(draft.sessions, numbers, strict=True))
                    async with asyncio.timeout(CONFIRM_SECONDS):
                        await self._confirm(epoch, events)
                    return await self._elsewhere(draft, events, processes - 1)
                await self._take_epoch(epoch)
        except TimeoutError:
            raise ServerError(
                "The Redis that the sessions are shared over took it, but does not pass it on: "
                "publish it again."
            ) from None
        except ReadOnlyError:
            # It is no longer the one that is written to: look again where that is.
            await self._redis.connection_pool.disconnect()
            raise ServerError(
                "The Redis that the sessions are shared over may only be read: publish again."
            ) from None
        except (RedisError, OSError) as error:
            raise ServerError(
                f"The Redis that the sessions are shared over does not answer: {error}."
            ) from None
        raise ServerError(
            "The Redis that the sessions are shared over loses what it is told: see to its memory."
        )

    def _arguments(self, draft: Draft) -> list[str | bytes]:
        arguments: list[str | bytes] = [self.epoch, draft.key, self._server]
        for session in draft.sessions:
            event = Event(session, 0, draft.origin, time.time(), draft.selection)
            arguments += [session, str(self._last(session)), msgspec.json.encode(event)]
        return arguments

    async def _elsewhere(self, draft: Draft, events: list[tuple[str, int]], processes: int) -> int:
        """How many clients of so many other processes have it; where one of them does not say
        so in time, those of which it told last."""
        told = [self._told.setdefault(event, {}) for event in events]
        wanted = min(processes, len(self._others))

        def is_complete() -> bool:
            return all(len(one) >= wanted for one in told)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS), self._heard:
                await self._heard.wait_for(is_complete)
        for event in events:
            self._told.pop(event, None)
        found = {client for one in told for clients in one.values() for client in clients}
        # One that was published before is answered by nobody.
        if processes < 0 or not is_complete():
            for server, (_, peers) in self._others.items():
                if all(server in one for one in told):
                    continue
                for peer in peers:
                    if not set(draft.sessions).isdisjoint(peer.sessions):
                        found.add(peer.origin.client)
        return len(found - {draft.origin.client})

    async def _answer(self) -> None:
        """Tell other processes who heard their events here."""
        while True:
            server, answer = await self._answers.get()
            with contextlib.suppress(RedisError, OSError):
                await self._redis.publish(_HEARD + server, msgspec.json.encode(answer))

    async def _confirm(self, epoch: str, events: list[tuple[str, int]]) -> None:
        """Wait until what has these numbers was delivered here."""
        async with self._heard:
            await self._heard.wait_for(
                lambda: (
                    self.epoch != epoch
                    or all(self._last(session) >= number for session, number in events)
                )
            )
        if self.epoch != epoch:
            raise ServerError(
                "The Redis that the sessions are shared over has just lost its data: publish again."
            )

    def _last(self, session: str) -> int:
        last = self.history.last(session)
        return last.sequence if last else 0

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

    async def _take_epoch(self, ended: str) -> None:
        """The epoch of the Redis: another than `ended`, which is over. One that is new, or was
        emptied, has none and gets one."""
        while True:
            epoch = (await self._begin(args=[ended, secrets.token_hex(8)])).decode()
            if epoch not in self._ended:
                break
            # An older state of the data has come back, as after a failover.
            ended = epoch
        self._adopt(epoch)

    def _adopt(self, epoch: str) -> None:
        if epoch == self.epoch or epoch in self._ended:
            return
        former, self.epoch = self.epoch, epoch
        if former:
            self._ended.add(former)
            self.history = History()
            self._told.clear()
            self._on_epoch()

    async def _check(self) -> None:
        """Notice a Redis that has lost something, before anybody publishes."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            with contextlib.suppress(RedisError, OSError, ValueError):
                await self._compare()

    async def _compare(self) -> None:
        here = {session: self._last(session) for session in self.history}
        epoch = self.epoch
        there = await self._redis.hgetall(LOG)
        if there.get(b"epoch", b"").decode() != epoch:
            await self._catch_up()
            return
        numbers = {
            name.decode().removeprefix("of "): int(number)
            for name, number in there.items()
            if name.startswith(b"of ")
        }
        if any(numbers.get(session, 0) < number for session, number in here.items()):
            await self._take_epoch(epoch)
        elif any(self._last(session) < number for session, number in numbers.items()):
            await self._catch_up()

    async def _follow(self, subscribed: asyncio.Event) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(EVENTS, PEERS, _HEARD + self._server)
                    await self._catch_up()
                    await self._send(msgspec.structs.replace(self._own, ask=True))
                    subscribed.set()
                    async for message in channel.listen():
                        if message["type"] == "message":
                            self._take(message["channel"].decode(), message["data"])
                            async with self._heard:
                                self._heard.notify_all()
            except (RedisError, OSError):
                await asyncio.sleep(RETRY_SECONDS)

    async def _catch_up(self) -> None:
        """What was published before this process followed, or while it could not."""
        await self._take_epoch("")
        names = {name.decode() for name in await self._redis.smembers(NAMES)}
        self._names |= names
        for name in sorted(names):
            for entry in await self._redis.lrange(f"{_HISTORY}{self.epoch}:{name}", 0, -1):
                self._take_event(entry)
        async with self._heard:
            self._heard.notify_all()
        self._on_peers()

    def _take(self, channel: str, data: bytes) -> None:
        if channel == EVENTS:
            self._take_event(data, answers=True)
            return
        if channel == _HEARD + self._server:
            with contextlib.suppress(msgspec.DecodeError):
                answer = msgspec.json.decode(data, type=_Answer)
                # They may come before the answer to the publish itself.
                if answer.epoch == self.epoch:
                    event = answer.session, answer.number
                    self._told.setdefault(event, {})[answer.server] = answer.clients
                    while len(self._told) > ANSWERS_KEPT:
                        del self._told[next(iter(self._told))]
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

    def _take_event(self, entry: bytes, *, answers: bool = False) -> None:
        try:
            epoch, number, sender, body = entry.split(b" ", 3)
            event = msgspec.json.decode(body, type=Event)
            event = msgspec.structs.replace(event, sequence=int(number))
            self._adopt(epoch.decode())
        except (msgspec.DecodeError, ValueError):
            return  # of a server of another version, or of something else on this Redis
        if epoch.decode() != self.epoch:
            return
        self._names.add(event.session)
        if self.history.add(event):
            got = list(self._on_event(event))
            if answers and sender.decode() != self._server:
                answer = _Answer(self._server, self.epoch, event.session, event.sequence, got)
                self._answers.put_nowait((sender.decode(), answer))

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


def _client_of(url: str) -> Any:
    """A client of a Redis. Raises ValueError."""
    if not url.startswith(_SENTINELS):
        return redis.Redis.from_url(url, socket_connect_timeout=5)
    places, _, name = url.removeprefix(_SENTINELS).partition("/")
    found = []
    for place in places.split(","):
        parts = urlsplit(f"//{place}")
        if not parts.hostname or not name:
            raise ValueError(f"write {_SENTINELS}HOST:PORT,HOST:PORT/NAME")
        found.append((parts.hostname, parts.port or _SENTINEL_PORT))
    made: Any = sentinels
    sentinel = made.Sentinel(found, sentinel_kwargs={"socket_connect_timeout": 5})
    return sentinel.master_for(name, socket_connect_timeout=5)
