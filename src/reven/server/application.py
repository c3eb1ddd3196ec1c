# SPDX-License-Identifier: Apache-2.0
"""The ASGI application of a server: routes, guard, life."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import HttpMethod, Litestar, Request, Response, WebSocket, get, route, websocket
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from reven.server import home, openapi
from reven.server.access import Access, Hosts, Who
from reven.server.bookmark_watch import BookmarkWatch
from reven.server.endpoints import Endpoint, EndpointCall, endpoints
from reven.server.guard import WHO, Application, Guard
from reven.server.hub import Hub
from reven.server.links import Links
from reven.server.live import Live
from reven.server.rights import API, needed
from reven.server.running import Queries
from reven.server.scenarios import Scenarios
from reven.server.wire import (
    JSON,
    MSGPACK,
    RequestError,
    accepts_msgpack,
    decode,
    encode,
    error_answer,
)
from reven2.errors import RevenError

__all__ = ["application"]

AnyRequest = Request[Any, Any, Any]
AnySocket = WebSocket[Any, Any, Any]


def application(
    scenarios: Scenarios,
    hub: Hub,
    access: Access,
    hosts: Hosts,
    queries: Queries,
) -> Application:
    """The application that serves the scenarios and the hub's sessions."""
    live = Live(hub, scenarios)
    bookmarks = BookmarkWatch(scenarios, hub)
    table = endpoints(scenarios, queries, hub, Links(), access, bookmarks)

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        await live.start()
        await bookmarks.start()
        yield
        await bookmarks.stop()
        await live.stop()

    needed("GET", f"{API}/sessions/live")

    @websocket(f"{API}/sessions/live")
    async def sessions_live(socket: AnySocket) -> None:
        await live.serve(socket)

    application = Litestar(
        route_handlers=[
            *map(_handler, table),
            _document(table),
            *home.handlers(access),
            sessions_live,
        ],
        lifespan=[life],
        openapi_config=None,
        logging_config=None,
        exception_handlers={HTTPException: _http_error, Exception: _own_error},
    )
    return Guard(application, access, hosts)  # type: ignore[arg-type]


def _handler(endpoint: Endpoint) -> HTTPRouteHandler:
    path = endpoint.path.replace("}", ":str}")

    @route(path, http_method=[HttpMethod(endpoint.method)], status_code=200)
    async def handle(request: AnyRequest) -> Response[bytes]:
        msgpack = accepts_msgpack(request.headers.get("accept", ""))
        try:
            scope: Any = request.scope
            who: Who = scope[WHO]
            if who.role < endpoint.role:
                raise RequestError(
                    403,
                    f"This takes {endpoint.role.name.lower()}s, and you are a "
                    f"{who.role.name.lower()}: ask who runs the server for a link that allows it.",
                )
            arguments = None
            if endpoint.arguments is not None:
                content_type = request.headers.get("content-type", "")
                arguments = decode(await request.body(), content_type, endpoint.arguments)
            answer = await endpoint.run(
                EndpointCall(request, who, request.path_params, arguments, msgpack)
            )
        except (RequestError, RevenError) as error:
            status, said = error_answer(error)
            return _response(status, encode(said, msgpack=msgpack), msgpack)
        body = answer if isinstance(answer, bytes) else encode(answer, msgpack=msgpack)
        return _response(200, body, msgpack)

    return handle


def _document(table: Sequence[Endpoint]) -> HTTPRouteHandler:
    body = msgspec.json.encode(openapi.document(table))
    needed("GET", f"{API}/openapi.json")

    @get(f"{API}/openapi.json")
    async def handle() -> Response[bytes]:
        return _response(200, body, False)

    return handle


def _response(status: int, body: bytes, msgpack: bool) -> Response[bytes]:
    return Response(
        body,
        status_code=status,
        media_type=MSGPACK if msgpack else JSON,
        headers={"cache-control": "no-store"},
    )


def _own_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """A fault of ours: the client is told so, and who runs the server what it was."""
    traceback.print_exception(error)
    said = RequestError(
        500, f"{request.method} {request.url.path} met a fault of the server, which has printed it."
    )
    return _response(500, encode(error_answer(said)[1], msgpack=False), False)


def _http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the router itself refuses: no such path or method."""
    said = RequestError(error.status_code, f"{request.method} {request.url.path}: {error.detail}.")
    response = _response(error.status_code, encode(error_answer(said)[1], msgpack=False), False)
    for name, value in (error.headers or {}).items():
        response.set_header(name, value)
    return response
