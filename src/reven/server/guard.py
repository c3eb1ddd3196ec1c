# SPDX-License-Identifier: Apache-2.0
"""The one door of the server: every HTTP request and WebSocket passes it first.

In this order: the `Host` must name this server (421), an `Origin` must be the server's
own (403), the client must prove who it is (401), the body must be small (413) and
arrive in time (408). Who the client is is left in the scope for the handlers.

There are no cookies: a browser would send them to every port of the host. So nothing is shown
that was not meant for this server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from reven.server.access import Access, Hosts, Who, same_origin
from reven.server.rights import Role
from reven.server.wire import JSON, RequestError, error_answer

__all__ = ["BEARER", "WHO", "Guard"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

WHO = "reven.who"
"""Key of the scope under which handlers find the client's `Who`."""

BEARER = "reven.bearer."
"""A page cannot set headers of a WebSocket: it offers a subprotocol of this and its secret."""
CLIENT_HEADER = b"reven-client"

BODY_LIMIT = 4 << 20
DRAINED_LIMIT = 32 << 20
"""So much of a body is taken, for a client hears no answer before it has sent it."""
BODY_SECONDS = 20.0

LOGIN = "/login"
PAGE = "/"
ASSETS = "/assets/"
LINKS_PUBLISH = "/api/v1/links/publish"

_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-allow-private-network", b"true"),
    (b"access-control-max-age", b"600"),
]
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


class Guard:
    """An ASGI application that lets through to `application` what may pass."""

    def __init__(self, application: Application, access: Access, hosts: Hosts) -> None:
        self._application = application
        self._access = access
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        # A notebook is a page of another origin; its links carry a key of their own.
        any_origin = scope["type"] == "http" and scope["path"] == LINKS_PUBLISH
        extra = [*_ALWAYS, *_CORS] if any_origin else _ALWAYS
        try:
            who = self._who(scope, any_origin=any_origin)
            if any_origin and scope["method"] == "OPTIONS":
                await _answer(send, 204, b"", extra)
                return
            if scope["type"] == "http":
                body = await _read_body(scope, receive)
        except RequestError as refusal:
            await _refuse(scope, receive, send, refusal, extra)
            return
        scope[WHO] = who
        if scope["type"] == "websocket":
            await self._application(scope, receive, send)
        else:
            await self._application(scope, _replay(body, receive), _with_headers(send, extra))

    def _who(self, scope: Scope, *, any_origin: bool) -> Who:
        headers = _headers(scope)
        host = headers.get(b"host", "")
        if not self._hosts.allows(host):
            raise RequestError(
                421,
                f"This server does not answer to the name {host[:100]!r}; "
                "use localhost, or start it with --allow-host NAME.",
            )
        scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
        origin = headers.get(b"origin")
        if origin is None:
            # Browsers leave it out of what an <img> or <script> asks for, but then say this.
            site, mode = headers.get(b"sec-fetch-site"), headers.get(b"sec-fetch-mode")
            foreign = site not in (None, "same-origin", "none") and mode != "navigate"
        else:
            foreign = not same_origin(origin, scheme, host)
        if foreign and not any_origin:
            raise RequestError(403, "Pages of another site may not use this server.")
        who = self._access.who(_secret(scope, headers), headers.get(CLIENT_HEADER, ""))
        if who.role is Role.NOBODY and not any_origin and not _is_public(scope["path"]):
            raise RequestError(
                401,
                "The token is missing or wrong. In a browser, open the address that "
                "`reven serve` printed; a script of another user needs token=….",
            )
        return who


def _secret(scope: Scope, headers: dict[bytes, str]) -> str:
    """What the client shows: in `Authorization`, or among the subprotocols of its WebSocket."""
    scheme, _, secret = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    if scope["type"] == "websocket":
        for protocol in headers.get(b"sec-websocket-protocol", "").split(","):
            if protocol.strip().startswith(BEARER):
                return protocol.strip().removeprefix(BEARER)
    return ""


def _is_public(path: str) -> bool:
    """Logging in, and the page that asks for it: it holds nothing of any trace."""
    return path in (LOGIN, PAGE) or path.startswith(ASSETS)


def _headers(scope: Scope) -> dict[bytes, str]:
    """Headers as text; of a repeated one all values, so that none hides behind another."""
    headers: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    body = bytearray()
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            more = True
            while more and size <= DRAINED_LIMIT:
                message = await receive()
                size += len(message.get("body", b""))
                if size <= BODY_LIMIT:
                    body += message.get("body", b"")
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        raise RequestError(408, f"The body did not arrive within {BODY_SECONDS:.0f} s.") from None
    if size > BODY_LIMIT:
        raise RequestError(413, f"A body may have at most {BODY_LIMIT} bytes.")
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then goes on as before."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_headers(send: Send, extra: list[tuple[bytes, bytes]]) -> Send:
    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    return send_with


async def _refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    refusal: RequestError,
    extra: list[tuple[bytes, bytes]],
) -> None:
    body = msgspec.json.encode(error_answer(refusal)[1])
    if scope["type"] == "websocket":
        await receive()  # the connect event, which must come first
        await _answer(send, refusal.status, body, extra, prefix="websocket.http.response")
    else:
        # What was not read of the body must not be taken for the next request.
        await _answer(send, refusal.status, body, [*extra, (b"connection", b"close")])


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    extra: list[tuple[bytes, bytes]],
    *,
    prefix: str = "http.response",
) -> None:
    headers = [(b"content-length", str(len(body)).encode()), *extra]
    if body:
        headers.append((b"content-type", JSON.encode()))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": f"{prefix}.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": body})
