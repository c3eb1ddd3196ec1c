# SPDX-License-Identifier: Apache-2.0
"""The API, fuzzed from its own OpenAPI document and its own protocol: no failure of the
server's, no hang, whatever comes."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)
from websockets.asyncio.client import connect

from reven2._client.messages import Listen, Sessions

from .running import DECODER, WAIT, Running, listening

REQUEST_SECONDS = 10.0
EXAMPLES = 12


CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def operations(server: Running) -> dict[str, Any]:
    """Every operation of the API by its name."""
    api = schemathesis.openapi.from_dict(server.json("GET", "/api/v1/openapi.json"))
    every: list[Any] = [result.ok() for result in cast(Any, api).get_all_operations()]
    return {f"{one.method.upper()} {one.path}": one for one in every}


def test_the_api_keeps_its_promises(server: Running, operations: dict[str, Any]) -> None:
    assert len(operations) > 25
    for operation in operations.values():
        keep_promises(server, operation)


def keep_promises(server: Running, operation: Any) -> None:
    """Requests that the document allows, and some that it does not."""

    @given(operation.as_strategy() | operation.as_strategy(schemathesis.GenerationMode.NEGATIVE))
    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    def check(case: Any) -> None:
        response = case.call(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"Authorization": f"Bearer {server.token}"},
            timeout=REQUEST_SECONDS,
        )
        case.validate_response(response, checks=CHECKS)

    check()


def test_the_document_is_complete(server: Running) -> None:
    paths = server.json("GET", "/api/v1/openapi.json")["paths"]
    for path in ("/server", "/login", "/sessions", "/sessions/publish", "/links/publish"):
        assert f"/api/v1{path}" in paths
    assert "/api/v1/scenarios/{scenario}/transitions" in paths


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
real_messages: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"type": "listen", "session": "x", "number": 3},
        {"type": "unlisten", "session": "x"},
        {"type": "watch", "session": "x"},
        {"type": "where", "selection": None},
        {"type": "pong"},
        {"type": "publish", "number": 1, "sessions": ["x"], "selection": {"type": "transition"}},
        {"type": "hello", "version": 3, "kind": "cli", "name": ""},
    ]
)


@st.composite
def bent_messages(draw: st.DrawFn) -> str:
    """A message of the protocol in which some fields hold anything."""
    message = {**draw(real_messages)}
    for field in draw(st.sets(st.sampled_from(sorted(message)))):
        message[field] = draw(json_values)
    return json.dumps(message)


frames = st.lists(bent_messages() | st.text() | st.binary(), max_size=8)


@given(frames)
@settings(max_examples=100, deadline=None)
def test_the_sessions_socket_survives_anything(server: Running, sent: list[str | bytes]) -> None:
    async def check() -> None:
        async with asyncio.timeout(WAIT), listening(server) as one:
            for frame in sent:
                await one.socket.send(frame)
            await one.send(Listen("alive"))
            while True:
                message = await one.next(Sessions)
                if any(state.name == "alive" and state.listeners for state in message.sessions):
                    return

    asyncio.run(check())


@given(st.text() | st.binary() | bent_messages())
@settings(max_examples=50, deadline=None)
def test_any_first_message_is_answered(server: Running, first: str | bytes) -> None:
    async def check() -> None:
        async with (
            asyncio.timeout(WAIT),
            connect(
                f"ws://127.0.0.1:{server.port}/api/v1/sessions/live",
                additional_headers={"Authorization": f"Bearer {server.token}"},
            ) as socket,
        ):
            await socket.send(first)
            DECODER.decode(await socket.recv())

    asyncio.run(check())
