# SPDX-License-Identifier: Apache-2.0
"""Links on pages outside of a notebook: files, frames in a sandbox, and what forbids scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

import reven2
from tests.axion.views import expect_at
from tests.server.running import Running

PROGRAM = "int main(void) { return 0; }"
SOON = 20_000
HEAD = '<!doctype html><meta charset="utf-8">'


@pytest.fixture(scope="module")
def running(
    record_program: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    made = Running([record_program(PROGRAM)], tmp_path_factory.mktemp("server"))
    yield made
    made.end()


Connect = Callable[[], reven2.RevenServer]


@pytest.fixture
def connect(running: Running) -> Iterator[Connect]:
    connected: list[reven2.RevenServer] = []

    def connect_() -> reven2.RevenServer:
        connected.append(reven2.RevenServer("localhost", running.port, token=running.token))
        return connected[-1]

    yield connect_
    for one in connected:
        one.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page()
    yield made
    made.context.close()


def opened(page: Page, folder: Path, html: str) -> Page:
    (folder / "page.html").write_text(HEAD + html)
    page.goto((folder / "page.html").as_uri())
    assert page.evaluate("origin") == "null"
    return page


def test_a_page_that_is_a_file_publishes(connect: Connect, page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, connect().trace.transition(12).format_as_html())
    with connect().sessions.listen() as listener:
        page.locator("a").click()
        expect(page.locator("sup")).to_have_text(" ✓", timeout=SOON)
        assert str(listener.next_event(20)) == "#12"


def test_a_frame_in_a_sandbox_publishes(connect: Connect, page: Page, tmp_path: Path) -> None:
    link = connect().trace.transition(13).format_as_html()
    frame = f'<iframe sandbox="allow-scripts" srcdoc="{escape(link)}"></iframe>'
    inside: FrameLocator = opened(page, tmp_path, frame).frame_locator("iframe")
    with connect().sessions.listen() as listener:
        inside.locator("a").click()
        expect(inside.locator("sup")).to_have_text(" ✓", timeout=SOON)
        events = [str(listener.next_event(20))]
        while events[-1] == "#12":
            events.append(str(listener.next_event(20)))
        assert events[-1] == "#13"


def test_where_the_server_may_not_be_asked_the_link_says_what_to_do(
    connect: Connect, running: Running, page: Page, tmp_path: Path
) -> None:
    server = connect()
    log_in(page, running)
    policy = "default-src 'none'; script-src 'unsafe-inline'"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    opened(page, tmp_path, head + server.trace.transition(14).format_as_html())
    page.locator("a").click()
    expect(page.locator("sup")).to_have_text(
        " ⚠ not published: Ctrl+click opens Axion", timeout=SOON
    )
    expect(page.locator("a")).to_have_attribute(
        "title", "The server does not run, or this page may not ask it."
    )
    with page.context.expect_page() as coming:
        page.locator("a").click(modifiers=["Control"])
    expect_at(coming.value, 14)


def test_where_scripts_are_forbidden_the_link_opens_axion(
    connect: Connect, running: Running, page: Page, tmp_path: Path
) -> None:
    server = connect()
    log_in(page, running)
    policy = "script-src 'none'"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    address = next(server.trace.memory_accesses()).virtual_address
    links = server.trace.transition(15).format_as_html() + address.format_as_html()
    opened(page, tmp_path, head + links)
    with page.context.expect_page() as coming:
        page.locator("a").first.click()
    expect_at(coming.value, 15)
    with page.context.expect_page() as coming:
        page.locator("a").last.click()
    expect(coming.value.locator('[data-panel="memory"] .hexline').first).to_be_visible(timeout=SOON)
    coming.value.wait_for_url(f"**address={address.offset:#x}*", timeout=SOON)


def log_in(page: Page, running: Running) -> None:
    path = running.json("POST", "/api/v1/login", {})["path"]
    page.goto(f"http://localhost:{running.port}{path}")
    # The page of the link goes on to Axion's.
    expect(page).not_to_have_url(re.compile("code="), timeout=SOON)
