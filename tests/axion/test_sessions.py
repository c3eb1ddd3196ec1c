# SPDX-License-Identifier: Apache-2.0
"""Windows and scripts that look at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import reven2
from tests.server.running import Running

from .conftest import SOON, OpenAxion
from .views import expect_at, first_address, jump, wait_until


@pytest.fixture
def python(server: Running) -> Iterator[reven2.RevenServer]:
    with reven2.RevenServer("localhost", server.port, token=server.token, name="script") as client:
        yield client


def button(page: Page) -> Locator:
    return page.get_by_role("group", name="Session").locator(".session-button")


def choose(page: Page, title: str) -> None:
    button(page).click()
    page.get_by_role("menuitemradio", name=title).click()
    expect(button(page)).to_contain_text(title)


def create(page: Page, name: str) -> None:
    button(page).click()
    page.get_by_role("menuitem", name="New session…").click()
    field = page.get_by_label("Name of the new session")
    field.fill(name)
    field.press("Enter")


def call_oneself(page: Page, name: str) -> None:
    button(page).click()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your name").press("Enter")
    page.keyboard.press("Escape")


def publish(python: reven2.RevenServer, transition: int, *sessions: str) -> bool:
    python.sessions.tracked = list(sessions)
    return python.sessions.publish_transition(python.trace.transition(transition))


def wait_for_listeners(python: reven2.RevenServer, session: str, count: int) -> None:
    for _ in range(200):
        if len(python.sessions.presence(session)) == count:
            return
    raise AssertionError(python.sessions.presence(session))


def test_nothing_is_synchronized_until_a_session_is_chosen(
    open_axion: OpenAxion, python: reven2.RevenServer
) -> None:
    page = open_axion()
    expect(button(page)).to_contain_text("Not synchronized")
    assert not publish(python, 100, "default")
    button(page).click()
    items = page.get_by_role("menuitemradio")
    expect(items.nth(0)).to_contain_text("Not synchronized")
    expect(items.nth(0)).to_have_attribute("aria-checked", "true")
    expect(items.nth(1)).to_contain_text("Default session")
    expect(items.nth(1).get_by_label("0 listen")).to_be_visible()
    page.keyboard.press("Escape")
    expect_at(page, 0)
    choose(page, "Default session")
    # Who comes later is shown the latest.
    expect_at(page, 100)
    button(page).click()
    expect(items.nth(1).get_by_label("1 listen")).to_be_visible()


def test_two_windows_on_two_sessions(open_axion: OpenAxion, python: reven2.RevenServer) -> None:
    one, other = open_axion(), open_axion()
    create(one, "left hand")
    create(other, "right hand")
    wait_for_listeners(python, "left hand", 1)
    wait_for_listeners(python, "right hand", 1)
    assert publish(python, 1234, "left hand")
    expect_at(one, 1234)
    expect_at(other, 0)
    assert publish(python, 2345, "left hand", "right hand")
    expect_at(one, 2345)
    expect_at(other, 2345)
    # Each knows of the other's session, and what it says about itself stays its own.
    button(one).click()
    expect(one.get_by_role("menuitemradio", name="right hand")).to_be_visible()
    one.keyboard.press("Escape")
    one.reload()
    expect(button(one)).to_contain_text("left hand")
    choose(other, "Not synchronized")
    wait_for_listeners(python, "right hand", 0)
    assert publish(python, 3456, "left hand", "right hand")
    expect_at(one, 3456)
    expect_at(other, 2345)


def test_a_published_address_opens_the_hexdump(
    open_axion: OpenAxion, python: reven2.RevenServer
) -> None:
    page = open_axion()
    choose(page, "Default session")
    wait_for_listeners(python, "default", 1)
    python.sessions.tracked = "default"
    stack = python.trace.context_before(500).read(reven2.arch.x64.rsp)
    assert python.sessions.publish_address(stack, size=8, addr_name="top of the stack")
    expect(page.locator('[data-panel="memory"] .hexline').first).to_be_visible()
    wait_until(page, lambda: f"address={stack:#x}" in page.url)
    wait_until(page, lambda: first_address(page) <= stack < first_address(page) + 0x400)
    # Addresses have 64 bits, more than a number has in a browser.
    assert python.sessions.publish_address(0xFFFF_FFFF_FF60_0001, size=2)
    wait_until(page, lambda: "address=0xffffffffff600001&size=2" in page.url)


def test_bad_names_of_sessions_are_refused(open_axion: OpenAxion) -> None:
    page = open_axion()
    create(page, "a/b")
    expect(page.get_by_role("alert")).to_contain_text("no “/”")
    field = page.get_by_label("Name of the new session")
    field.fill("x" * 65)
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("64 characters")
    field.fill("fine")
    field.press("Enter")
    expect(button(page)).to_contain_text("fine")


def test_leading_publishes_and_following_goes_along(
    open_axion: OpenAxion, python: reven2.RevenServer
) -> None:
    leader, follower, alone = open_axion(), open_axion(), open_axion()
    for page, name in ((leader, "Ada"), (follower, "Bob"), (alone, "Cy")):
        call_oneself(page, name)
        create(page, "tour")
    wait_for_listeners(python, "tour", 3)
    watcher = python.sessions.listen("tour")
    leader.get_by_role("button", name="Lead").click()
    jump(leader, "#700")
    for page in (leader, follower, alone):
        expect_at(page, 700)
    event = watcher.next_event(timeout=60)
    while event is not None and str(event) != "#700":
        event = watcher.next_event(timeout=60)
    assert event is not None
    assert event.origin.name == "Ada"
    # A listener's own moves are not published, but others see where it is.
    jump(follower, "#800")
    expect_at(follower, 800)
    expect_at(leader, 700)
    bob = leader.get_by_role("button", name="Follow Bob")
    expect(bob).to_have_attribute("title", "Bob (Axion) at #800\nClick to follow", timeout=SOON)
    # Followed, until the follower moves itself.
    alone.get_by_role("button", name="Follow Bob").click()
    expect_at(alone, 800)
    jump(follower, "#900")
    expect_at(alone, 900)
    expect(alone.get_by_role("button", name="Stop following Bob")).to_be_visible()
    jump(alone, "#950")
    expect(alone.get_by_role("button", name="Follow Bob")).to_be_visible()
    jump(follower, "#1000")
    expect_at(follower, 1000)
    expect(bob).to_have_attribute("title", "Bob (Axion) at #1000\nClick to follow", timeout=SOON)
    expect_at(alone, 950)
    watcher.close()


def test_a_session_chosen_while_the_connection_is_made_is_listened_to(
    open_axion: OpenAxion, python: reven2.RevenServer
) -> None:
    page = open_axion()
    button(page).click()
    # A new name makes the connection anew; the choice comes before its greeting is answered.
    page.get_by_label("Your name").fill("Max")
    page.evaluate("""() => {
        document.querySelector('.own-name').requestSubmit();
        const choose = () => document.querySelectorAll('[role=menuitemradio]')[1].click();
        const open = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) {
            open.call(this, text);
            if (text.includes('"hello"')) { WebSocket.prototype.send = open; choose(); }
        };
    }""")
    wait_for_listeners(python, "default", 1)
    assert publish(python, 1111, "default")
    expect_at(page, 1111)


def test_others_are_marked_where_they_are(
    open_axion: OpenAxion, python: reven2.RevenServer
) -> None:
    page, other = open_axion(), open_axion()
    call_oneself(other, "Zoe")
    create(page, "marks")
    create(other, "marks")
    jump(other, "#5")
    jump(page, "#2")
    row = page.locator('[data-panel="trace"] [data-transition="5"]')
    expect(row.get_by_title("Zoe")).to_be_visible(timeout=SOON)


def test_nothing_is_lost_while_the_server_is_away(
    open_axion: OpenAxion, demo: Path, tmp_path: Path, expected_errors
) -> None:
    expected_errors.words += ["ERR_CONNECTION", "503", "401", "WebSocket"]
    first = Running([demo], tmp_path)
    page = open_axion(server=first)
    choose(page, "Default session")
    first.end()
    expect(page.get_by_role("alert")).to_contain_text("does not answer", timeout=SOON)
    again = Running([demo], tmp_path, "--port", str(first.port))
    with reven2.RevenServer("localhost", again.port, token=again.token) as python:
        assert not publish(python, 77, "default")
        dialog = page.get_by_role("dialog", name="Token")
        dialog.get_by_label("Token", exact=True).fill(again.token)
        dialog.get_by_role("button", name="Log in").click()
        expect_at(page, 77)
        wait_for_listeners(python, "default", 1)
        assert publish(python, 78, "default")
        expect_at(page, 78)
    page.context.close()
    again.end()


def test_a_selection_of_bytes_is_published_too(
    open_axion: OpenAxion, server: Running, python: reven2.RevenServer
) -> None:
    leader, listener = open_axion(), open_axion()
    for page in (leader, listener):
        create(page, "bytes")
    wait_for_listeners(python, "bytes", 2)
    leader.get_by_role("button", name="Lead").click()
    stack = python.trace.context_before(600).read(reven2.arch.x64.rsp)
    jump(leader, "#600")
    expect_at(listener, 600)
    jump(leader, "rsp")
    wanted = f"#/{server.run_file.scenarios[0]}/transition/600?address={stack:#x}"
    wait_until(listener, lambda: listener.evaluate("location.hash") == wanted)


def test_another_scenario_is_offered_and_not_gone_to(
    open_axion: OpenAxion, demo: Path, record_program, tmp_path: Path
) -> None:
    other = record_program("int main(void) { return 3; }", "-static", "-O0")
    running = Running([demo, other], tmp_path)
    page = open_axion(server=running)
    _, second = running.run_file.scenarios
    choose(page, "Default session")
    with reven2.RevenServer(
        "localhost", running.port, token=running.token, scenario=second, name="Eve"
    ) as python:
        wait_for_listeners(python, "default", 1)
        assert publish(python, 42, "default")
    offered = page.get_by_role("status").filter(has_text=f"Eve selected {second} #42")
    expect(offered).to_be_visible(timeout=SOON)
    expect_at(page, 0)
    offered.get_by_role("button", name="Go there").click()
    expect_at(page, 42)
    expect(page.get_by_label("Scenario")).to_have_value(second)
    page.context.close()
    running.end()
