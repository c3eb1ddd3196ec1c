# SPDX-License-Identifier: Apache-2.0
"""A server that goes away and comes back, one that wants a token, and what it serves to whom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.server.running import Running
from tests.server.test_long_queries import ASKED, LONG, Asking

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
    expected_errors.words += ["ERR_CONNECTION_REFUSED", "401", "503", "WebSocket", "ERR_CONNECTION"]
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
    expect(dialog.get_by_role("alert")).to_contain_text("no token of this run")
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


def test_a_viewer_only_looks(server: Running) -> None:
    token = {"token": server.run_file.read_only_token}
    status, headers, given = server.request("POST", "/login", token, Authorization="")
    assert status == 200
    assert "set-cookie" not in headers
    secret = json.loads(given)["secret"]
    assert server.request("GET", "/api/v1/server", token=secret)[0] == 200
    assert server.request("POST", "/api/v1/login", {}, token=secret)[0] == 403


def test_a_login_link_is_its_browsers(
    open_axion: OpenAxion, server: Running, expected_errors
) -> None:
    expected_errors.words += ["401", "HTTP Authentication failed"]
    path = server.json("POST", "/api/v1/login", {"role": "viewer"})["path"]
    link = f"http://localhost:{server.port}{path}"
    page = open_axion(logged_in=False)
    for _ in range(2):
        page.goto(link)
        expect(page.get_by_role("listbox", name="Registers")).to_be_visible(timeout=SOON)
        assert "code" not in page.url
    other = open_axion(logged_in=False)
    other.goto(link)
    expect(other.get_by_text("was used by another browser")).to_be_visible(timeout=SOON)


def test_long_queries_are_listed_and_cancelled(
    open_axion: OpenAxion, record_program: Callable[..., Path], tmp_path: Path
) -> None:
    trace = record_program(LONG, "-static", "-nostartfiles", "-Wl,--entry=main", "-O1")
    running = Running([trace], tmp_path)
    try:
        page = open_axion(server=running)
        page.keyboard.press("Control+k")
        page.keyboard.type("Long queries")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Long queries")
        expect(dialog).to_contain_text("Nothing takes long now", timeout=SOON)
        asked = [Asking(running, "script", running.token) for _ in range(ASKED)]
        first = dialog.get_by_role("listitem").last
        expect(first).to_contain_text(f"find_value on {trace.stem}, of another", timeout=SOON)
        first.get_by_role("button", name="Cancel").click()
        answers = [one.answer()[0] for one in asked]
        assert answers.count(499) == 1
        expect(dialog).to_contain_text("Nothing takes long now", timeout=SOON)
        dialog.get_by_role("button", name="Close").click()
        expect(dialog).to_be_hidden()
    finally:
        page.context.close()
        running.end()
