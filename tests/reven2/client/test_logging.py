# SPDX-License-Identifier: Apache-2.0
"""A script that logs everything sees what it logs, not the requests of this client."""

from __future__ import annotations

import logging

import pytest
import urllib3

import reven2

from .conftest import Connect


def test_a_script_at_debug_gets_no_lines_of_ours(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("script").debug("a line of the script")
    with connect() as server:
        assert sum(1 for _ in server.trace.transitions(0, 200)) == 200
        list(server.sessions.available())
        with connect() as other, other.sessions.listen() as listener:
            assert server.sessions.publish_transition(server.trace.transition(3))
            assert listener.next_event(20) is not None
        with pytest.raises(IndexError):
            server.trace.transition(1 << 40)
    assert [record.name for record in caplog.records] == ["script"]


def test_requests_of_the_script_are_its_own_to_log(
    port: int, server: reven2.RevenServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert server.trace.transition_count
    urllib3.PoolManager().request("GET", f"http://localhost:{port}/api/v1/server")
    assert any(record.name == "urllib3.connectionpool" for record in caplog.records)
