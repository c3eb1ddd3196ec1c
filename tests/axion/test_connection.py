# SPDX-License-Identifier: Apache-2.0
"""A server that goes away and comes back, one that wants a token, and what it serves to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.server.running import Running

from .conftest import SOON, OpenAxion, panel
from .views import expect_at, jump


@pytest.fixture
def own_server(demo: Path, tmp_path: Path) -> Iterator[Running]:
    running = Running([demo], tmp_path)
    yield running
    running.end()


def test_a_restarted_server_is_found_again(
    open_axion: OpenAxion, own_server: Running, demo: Path, tmp_path: Path, expected_errors
) -> None:
    expected_errors.words += ["ERR_CONNECTION_REFUSED", "401", "WebSocket", "ERR_CONNECTION"]
    page = open_axion(server=own_server)
    jump(page, "#300")
    expect_at(page, 300)
    own_server.end()
    jump(page, "#5000")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer", timeout=SOON)
    # The rows that were there are still there.
    assert panel(page, "trace").get_by_role("option").count() > 5
    again = Running([demo], tmp_path, "--port", str(own_server.port))
    try:
        # It is another run of the server, with another token.
        dialog = page.get_by_role("dialog", name="Token")
        dialog.get_by_label("Token", exact=True).fill(again.token)
        dialog.get_by_role("button", name="Log in").click()
        expect(dialog).to_be_hidden(timeout=SOON)
        # What was asked for meanwhile is carried out.
        expect_at(page, 5000)
        expect(page.get_by_role("alert")).to_be_hidden()
    finally:
        page.context.close()
        again.end()


def test_a_wrong_token_asks_for_the_right_one(
    open_axion: OpenAxion, server: Running, expected_errors
) -> None:
    expected_errors.words += ["401", "HTTP Authentication failed"]
    page = open_axion(logged_in=False)
    dialog = page.get_by_role("dialog", name="Token")
    dialog.get_by_label("Token", exact=True).fill("wrong")
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not the token")
    dialog.get_by_label("Token", exact=True).fill(server.token)
    dialog.get_by_role("button", name="Log in").click()
    expect(panel(page, "start")).to_contain_text("It ended well", timeout=SOON)


def test_the_page_itself_is_for_everybody_and_the_trace_is_not(server: Running) -> None:
    none = {"Authorization": ""}
    status, headers, page = server.request("GET", "/", **none)
    assert status == 200
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert server.run_file.scenarios[0].encode() not in page
    script = page.partition(b'src="')[2].partition(b'"')[0].decode()
    status, headers, body = server.request("GET", script, **none)
    assert (status, "immutable" in headers["cache-control"]) == (200, True)
    assert b"axion" in body
    assert server.request("GET", "/assets/../index.html", **none)[0] in (400, 404)
    assert server.request("GET", "/assets/nothing.js", **none)[0] == 404
    scenario = server.run_file.scenarios[0]
    asked = {"first": 0, "count": 1}
    path = f"/api/v1/scenarios/{scenario}/views/trace"
    assert server.request("POST", path, asked, **none)[0] == 401
    assert server.request("POST", path, asked, token=server.run_file.read_only_token)[0] == 200


def test_a_read_only_token_only_looks(server: Running) -> None:
    token = {"token": server.run_file.read_only_token}
    status, headers, _ = server.request("POST", "/login", token, Authorization="")
    assert status == 200
    cookie = {"Authorization": "", "Cookie": headers["set-cookie"].partition(";")[0]}
    assert server.request("GET", "/api/v1/server", **cookie)[0] == 200
    assert server.request("POST", "/api/v1/login", **cookie)[0] == 403
