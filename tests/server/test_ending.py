# SPDX-License-Identifier: Apache-2.0
"""A server that is ended while its clients wait for long queries."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .running import WAIT, Running
from .test_long_queries import LONG, Asking, listed, until


@pytest.mark.parametrize("taint", [False, True])
def test_it_ends_soon_and_quietly(
    serve: Any, record_program: Callable[..., Path], taint: bool
) -> None:
    trace = record_program(LONG, "-static", "-nostartfiles", "-Wl,--entry=main", "-O1")
    server: Running = serve(traces=(trace,))
    count = server.query("transition_count")
    asked = [Asking(server, f"client {number % 7}", server.token) for number in range(30)]
    others = []
    texts = {"find_instructions": "(.*)*(.*)*(.*)*!$"}
    for name, pattern in texts.items():
        body = {"pattern": pattern, "start": 0, "stop": count, "forward": True, "limit": 5}
        others.append(sent(server, name, body))
    if taint:
        query = {
            "seeds": [[0, True, 0x400000, 1 << 20]],
            "tag_count": 1,
            "first": 0,
            "last": count - 1,
            "forward": True,
            "key": "mine",
        }
        for number in range(8):
            others.append(sent(server, "taint_status", {"query": {**query, "key": str(number)}}))
    until(lambda: len(listed(server, "x", server.token)) > 10)
    assert server.end() == (0, "")
    for one in asked:
        # Told, or cut off.
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert one.answer()[0] in (200, 503)
        one.go()
    for other in others:
        other.close()


def sent(server: Running, name: str, body: Any) -> http.client.HTTPConnection:
    """A request whose answer nobody reads."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    path = f"/api/v1/scenarios/{server.run_file.scenarios[0]}/{name}"
    connection.request("POST", path, json.dumps(body), headers)
    return connection
