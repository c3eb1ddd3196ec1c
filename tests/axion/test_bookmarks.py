# SPDX-License-Identifier: Apache-2.0
"""Bookmarks are everybody's, at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import reven2
from tests.server.running import Running

from .conftest import SOON, OpenAxion, panel
from .views import expect_at, jump


@pytest.fixture
def python(server: Running) -> Iterator[reven2.RevenServer]:
    with reven2.RevenServer("localhost", server.port, token=server.token) as client:
        client.bookmarks.remove_if(lambda bookmark: True)
        yield client


def notes(page: Page) -> Any:
    return panel(page, "bookmarks").locator(".bookmark .place")


def show(page: Page) -> None:
    page.locator(".dv-tab", has_text="Bookmarks").click()


def test_bookmarks_are_seen_live_both_ways(
    open_axion: OpenAxion, python: reven2.RevenServer
) -> None:
    one, other = open_axion(), open_axion()
    show(other)
    jump(one, "#400")
    expect_at(one, 400)
    one.keyboard.press("b")
    expect(panel(one, "bookmarks").locator("input:focus")).to_be_visible(timeout=SOON)
    one.keyboard.type("here it begins")
    one.keyboard.press("Enter")
    for page in (one, other):
        expect(notes(page)).to_have_text(["#400here it begins"], timeout=SOON)
    (made,) = python.bookmarks.all()
    assert (made.transition.id, made.description) == (400, "here it begins")
    # A script's bookmarks, in the order of the trace.
    earlier = python.bookmarks.add(python.trace.transition(30), "before that")
    for page in (one, other):
        expect(notes(page)).to_have_text(["#30before that", "#400here it begins"], timeout=SOON)
    python.bookmarks.edit(earlier, description="long before")
    expect(notes(one).first).to_have_text("#30long before", timeout=SOON)
    # Marked in the trace, too.
    jump(other, "#30")
    expect(
        panel(other, "trace").locator('[data-transition="30"]').get_by_title("long before")
    ).to_be_visible(timeout=SOON)
    other.get_by_role("button", name="Remove the bookmark of #30").click()
    expect(notes(one)).to_have_text(["#400here it begins"], timeout=SOON)
    assert [bookmark.id for bookmark in python.bookmarks.all()] == [made.id]


def test_bookmarks_by_keyboard(open_axion: OpenAxion, python: reven2.RevenServer) -> None:
    for transition in (10, 20, 30):
        python.bookmarks.add(python.trace.transition(transition), f"at {transition}")
    page = open_axion()
    show(page)
    expect(notes(page)).to_have_count(3, timeout=SOON)
    panel(page, "trace").locator("[data-keyboard]").focus()
    page.keyboard.press("n")
    expect_at(page, 10)
    page.keyboard.press("n")
    page.keyboard.press("n")
    expect_at(page, 30)
    page.keyboard.press("N")
    expect_at(page, 20)
    # Editing and removing, from the list.
    notes(page).nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("F2")
    page.get_by_label("Note of #20", exact=True).fill("changed")
    page.keyboard.press("Enter")
    expect(notes(page).nth(1)).to_have_text("#20changed", timeout=SOON)
    notes(page).nth(2).focus()
    page.keyboard.press("Delete")
    expect(notes(page)).to_have_count(2, timeout=SOON)
    # Escape adds nothing.
    page.keyboard.press("b")
    page.keyboard.type("not this")
    page.keyboard.press("Escape")
    expect(page.get_by_placeholder("Note, then Enter")).to_be_hidden()
    assert [one.description for one in python.bookmarks.all()] == ["at 10", "changed"]
