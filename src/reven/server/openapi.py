# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document of the API, made from its endpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from reven import __version__
from reven.server.endpoints import Endpoint
from reven.server.rights import Role
from reven.server.wire import JSON, MSGPACK, ErrorAnswer
from reven2._client.messages import ClientMessage, ServerMessage

__all__ = ["document"]

_REFUSALS = {
    400: "The request is not what is wanted.",
    401: "The token is missing or wrong.",
    403: "The client may not do this, or is a page of another site.",
    404: "There is no such scenario.",
    405: "The path has another method.",
    408: "The body did not arrive in time.",
    409: "The trace is damaged.",
    410: "The trace is closed.",
    413: "The body is too large.",
    415: "Content-Type is neither JSON nor MessagePack.",
    421: "The server does not answer to this Host.",
    422: "What is asked for is not in the trace.",
    429: "The client has asked so much already that it has to wait.",
    503: "The server ends, or the Redis that sessions are shared over does not answer.",
}
_ALWAYS = (401, 403, 408, 413, 421)
_TEMPLATE = "#/components/schemas/{name}"
_MESSAGES = {"ClientMessage": ClientMessage, "ServerMessage": ServerMessage}
"""What goes over the sessions WebSocket, of which OpenAPI can only name the types."""


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document (OpenAPI 3.1) as JSON objects."""
    types: list[Any] = [ErrorAnswer]
    types += [endpoint.arguments for endpoint in endpoints if endpoint.arguments]
    types += [endpoint.answer for endpoint in endpoints]
    types += _MESSAGES.values()
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    known = dict(zip(map(repr, types), schemas, strict=True))
    components |= {name: known[repr(message)] for name, message in _MESSAGES.items()}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operations = paths.setdefault(endpoint.path, {})
        operations[endpoint.method.lower()] = _operation(endpoint, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "REVEN server",
            "version": __version__,
            "description": "Queries on recorded executions, and the sessions that clients share. "
            "Bytes in JSON are base64. The sessions WebSocket is /api/v1/sessions/live; over it "
            "go a ClientMessage and a ServerMessage each.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, known: dict[str, Any]) -> dict[str, Any]:
    refusals = sorted({*_ALWAYS, *endpoint.errors, *((400, 415) if endpoint.arguments else (400,))})
    if endpoint.role is Role.NOBODY:
        refusals.remove(401)
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary.partition(". ")[0] or endpoint.path.rpartition("/")[2],
        "description": endpoint.summary,
        "tags": [endpoint.tag],
        "security": [] if endpoint.role is Role.NOBODY else [{"token": []}],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", endpoint.path)
        ],
        "responses": {
            "200": {"description": "The answer.", "content": _content(known[repr(endpoint.answer)])}
        }
        | {
            str(status): {
                "description": _REFUSALS[status],
                "content": _content(known[repr(ErrorAnswer)]),
            }
            for status in refusals
        },
    }
    if endpoint.arguments is not None:
        operation["requestBody"] = {
            "required": True,
            "content": _content(known[repr(endpoint.arguments)]),
        }
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", endpoint.path.removeprefix("/api/v1/"))
    return "_".join([endpoint.method.lower(), *words])


def _content(schema: Any) -> dict[str, Any]:
    return {JSON: {"schema": schema}, MSGPACK: {"schema": schema}}
