# SPDX-License-Identifier: Apache-2.0
"""The sessions WebSocket: one connection of one client (messages: `reven2._client.messages`)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from reven.server.access import Who
from reven.server.guard import WHO
from reven.server.hub import Client, Hub
from reven.server.limits import LIMITS
from reven.server.outbox import frame_of
from reven.server.protocols import CONNECTION, WebSockets
from reven.server.rights import MESSAGES
from reven.server.scenarios import Scenarios
from reven.server.wire import RequestError
from reven2._client.messages import (
    PROTOCOL_VERSION,
    ClientMessage,
    Done,
    Hello,
    Listen,
    Number,
    Ping,
    Pong,
    Problem,
    Publish,
    Published,
    Unlisten,
    WatchPresence,
    Where,
)
from reven2.errors import RevenError

__all__ = ["Live"]

HELLO_SECONDS = 10.0
SUBPROTOCOL = "reven.sessions"


class _Numbered(msgspec.Struct, frozen=True):
    """What is read of a message that is none of the protocol."""

    number: Number = 0


_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_numbers: msgspec.json.Decoder[_Numbered] = msgspec.json.Decoder(_Numbered)
_PING = frame_of(Ping())

Socket = WebSocket[Any, Any, Any]


class Live:
    """Every sessions WebSocket of a server."""

    def __init__(self, hub: Hub, scenarios: Scenarios) -> None:
        self._hub = hub
        self._scenarios = scenarios
        self._connections: set[_Connection] = set()
        self._heartbeat: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._heartbeat = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        assert self._heartbeat is not None
        self._heartbeat.cancel()
        for connection in list(self._connections):
            connection.cut()

    async def serve(self, socket: Socket) -> None:
        """Serve one connection until it ends."""
        connection = _Connection(socket, self._hub, self._scenarios)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(LIMITS.ping_seconds)
            now = asyncio.get_running_loop().time()
            for connection in list(self._connections):
                if now - connection.heard > LIMITS.silent_seconds:
                    connection.cut()
                elif connection.client is not None:
                    connection.client.outbox.put_state("ping", _PING)


class _Connection:
    """A `reven.server.hub.Connection`."""

    def __init__(self, socket: Socket, hub: Hub, scenarios: Scenarios) -> None:
        self._socket = socket
        self._hub = hub
        self._scenarios = scenarios
        self._loop = asyncio.get_running_loop()
        scope: Any = socket.scope
        self._transport: WebSockets = scope["extensions"][CONNECTION]
        self._who: Who = scope[WHO]
        self._task = asyncio.current_task()
        self._is_cut = False
        self._pace = _Pace(LIMITS.messages_per_second)
        self.client: Client | None = None
        self.heard = self._loop.time()

    def cut(self) -> None:
        """End the connection without the client's help: it may not be reading."""
        if not self._is_cut:
            self._is_cut = True
            self._transport.abort()
            if self._task is not None:
                self._task.cancel()

    @property
    def can_write(self) -> bool:
        return self._transport.can_write

    def write_frame(self, frame: bytes) -> None:
        self._transport.write_frame(frame)

    async def run(self) -> None:
        try:
            await self._run()
        except (WebSocketDisconnect, OSError):
            pass
        except asyncio.CancelledError:
            if not self._is_cut:
                raise
        finally:
            if self.client is not None:
                self._hub.leave(self.client)

    async def _run(self) -> None:
        # A page that showed its secret as a subprotocol wants one of those that it offered.
        offered = self._socket.headers.get("sec-websocket-protocol", "")
        await self._socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered.split(",") else None)
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                message = _decoded(await self._receive())
            if not isinstance(message, Hello):
                raise RequestError(400, "The first message must be a hello.")
            if message.version != PROTOCOL_VERSION:
                raise RequestError(
                    400,
                    f"This server speaks version {PROTOCOL_VERSION} of the sessions protocol, "
                    f"the client {message.version}: update the older of the two.",
                )
            if len(message.name) > LIMITS.client_name:
                raise RequestError(400, "The name of the client is too long.")
            self.client = self._hub.join(message, self._who.role, self)
        except TimeoutError:
            await self._refuse("No hello came.")
            return
        except (RequestError, RevenError) as error:
            await self._refuse(str(error))
            return
        self._transport.on_writable = self.client.outbox.pump
        await self._read(self.client)

    async def _read(self, client: Client) -> None:
        while True:
            text = await self._receive()
            try:
                await self._carry_out(client, _decoded(text))
            except (RequestError, RevenError) as error:
                client.outbox.put_reply(Problem(str(error), _number_of(text)))
            await client.outbox.wait_for_room()

    async def _receive(self) -> str | bytes:
        await self._pace.step()
        text: str | bytes = await self._socket.receive_data("text")
        self.heard = self._loop.time()
        return text

    async def _carry_out(self, client: Client, message: ClientMessage) -> None:
        least = MESSAGES[type(message)]
        if client.role < least:
            raise RequestError(
                403,
                f"This takes {least.name.lower()}s, and you are a {client.role.name.lower()}.",
            )
        match message:
            case Publish():
                await self._scenarios.check(message.selection)
                listeners = await self._hub.publish_from(client, message)
                client.outbox.put_reply(Published(message.number, listeners))
            case Listen():
                self._hub.listen(client, message.session)
                _confirm(client, message)
            case Unlisten():
                self._hub.unlisten(client, message.session)
                _confirm(client, message)
            case WatchPresence():
                self._hub.watch(client, message.session)
            case Where():
                if message.selection is not None:
                    await self._scenarios.check(message.selection)
                self._hub.set_where(client, message.selection)
            case Pong():
                pass
            case Hello():
                raise RequestError(400, "A hello can only be the first message.")

    async def _refuse(self, problem: str) -> None:
        self._transport.write_frame(frame_of(Problem(problem, fatal=True)))
        await self._socket.close(code=1008)


def _confirm(client: Client, message: Listen | Unlisten) -> None:
    if message.number:
        client.outbox.put_reply(Done(message.number))


def _decoded(text: str | bytes) -> ClientMessage:
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise RequestError(400, "The message is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise RequestError(400, f"The message is none of the protocol: {error}.") from None


def _number_of(text: str | bytes) -> int:
    """The number that a problem with the message names, 0 if it cannot be read."""
    try:
        return _numbers.decode(text).number
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return 0


class _Pace:
    """Lets a number of steps a second pass, and as many at once; makes the others wait."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._loop = asyncio.get_running_loop()
        self._free_at = self._loop.time()

    async def step(self) -> None:
        now = self._loop.time()
        self._free_at = max(self._free_at, now - 1.0) + 1 / self._per_second
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)
