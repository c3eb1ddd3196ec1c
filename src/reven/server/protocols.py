# SPDX-License-Identifier: Apache-2.0
"""uvicorn's protocols with what a server that trusts nobody needs besides."""

from __future__ import annotations

import asyncio
import socket
from asyncio.transports import BaseTransport
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

__all__ = ["CONNECTION", "Http", "WebSockets", "text_frame"]

CONNECTION = "reven.connection"
"""Key of a WebSocket scope's extensions under which its `WebSockets` is."""

HEAD_SECONDS = 5.0
HEAD_LIMIT = 32 << 10
SEND_BUFFER = 64 << 10


class Http(HttpToolsProtocol):
    """HTTP whose request heads must be small, and arrive in time."""

    _head_deadline: asyncio.TimerHandle | None = None
    _head_size = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_deadline is not None:
            self._head_size += len(data)
            # One read may hold a whole head and the beginning of its body.
            if self._head_size > HEAD_LIMIT and b"\r\n\r\n" not in data:
                self.transport.abort()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        if self._head_deadline is None:
            self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_size = 0
        self._head_deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _head_arrived(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None


class WebSockets(WebSocketsSansIOProtocol):
    """A WebSocket that gives its application the transport's own pace, so that a frame
    can be made once for many listeners and none of them needs a task of its own."""

    on_writable: Callable[[], None] | None = None
    """Called when `can_write` has become true again."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        # What waits in the kernel can no longer be coalesced.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: Any = self.scope["extensions"]
            extensions[CONNECTION] = self

    @property
    def can_write(self) -> bool:
        """The peer keeps up, and the connection is not ending."""
        return self.writable.is_set() and not self.close_sent and not self.transport.is_closing()

    def write_frame(self, frame: bytes) -> None:
        """Send a frame (`text_frame`) now; only while `can_write`."""
        self.transport.write(frame)

    def abort(self) -> None:
        """End the connection at once. Closing would wait for a peer that does not read."""
        self.transport.abort()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # The application has refused the connection, which uvicorn would take for a
            # handshake that it forgot to complete.
            self.handshake_complete = True

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_writable is not None:
            self.on_writable()


def text_frame(text: bytes) -> bytes:
    """A whole text message as a server sends it: one frame, unmasked."""
    return bytes(Frame(Opcode.TEXT, text).serialize(mask=False))
