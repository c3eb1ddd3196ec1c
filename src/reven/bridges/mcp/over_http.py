# SPDX-License-Identifier: Apache-2.0
"""The server for assistants over HTTP, for this machine and who knows the token."""

from __future__ import annotations

import hmac
import secrets
import socket

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from reven.server.protocols import Http

__all__ = ["serve"]


def serve(server: MCPServer, port: int, token: str) -> None:
    """Serve until Ctrl-C. `token`: what clients must send; empty: a new one is made."""
    token = token or secrets.token_urlsafe(24)
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", port))
        # Who reads the line below may connect at once.
        door.listen(64)
        port = door.getsockname()[1]
        hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
        rules = TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=hosts,
            allowed_origins=[f"http://{host}" for host in hosts],
        )
        app = _WithToken(server.streamable_http_app(transport_security=rules), token)
        print(f"Listening on http://127.0.0.1:{port}/mcp", flush=True)
        print(f"send the header  Authorization: Bearer {token}", flush=True)
        # Who is slow to ask, or asks without end, keeps nobody out.
        config = uvicorn.Config(app, log_level="warning", lifespan="on", http=Http, ws="none")
        uvicorn.Server(config).run(sockets=[door])


class _WithToken:
    """Lets in who sends the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope.get("headers", [])).get(b"authorization", b"")
        if scope["type"] == "lifespan" or hmac.compare_digest(sent, self._expected):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b"Send the token of reven mcp.\n"})
