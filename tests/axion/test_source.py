# SPDX-License-Identifier: Apache-2.0
"""The source: where it is, what of it ran, and how often."""

from __future__ import annotations

from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

import reven2

from .conftest import DEMO, SOON, OpenAxion, panel, runs_of
from .views import expect_at, wait_until


def line_of(text: str) -> int:
    return next(at for at, line in enumerate(DEMO.splitlines(), 1) if text in line)


def line(page: Page, number: int) -> Any:
    return panel(page, "source").locator(f'[data-line="{number}"]')


def test_the_current_line_is_shown_and_counted(
    open_axion: OpenAxion, opened: reven2.OpenTrace
) -> None:
    entry = runs_of(opened, "add")[0]
    page = open_axion(f"#/{opened.scenario_name}/transition/{entry.id}")
    location = entry.context_before().ossi.location()
    assert location is not None
    assert location.line is not None
    expect(line(page, location.line)).to_have_attribute("aria-selected", "true", timeout=SOON)
    assert (
        line(page, location.line).locator(".text").inner_text()
        == DEMO.splitlines()[location.line - 1]
    )
    expect(line(page, location.line)).to_have_attribute("data-count", "12", timeout=SOON)
    copying = line_of("strcpy(node->name")
    expect(line(page, copying)).to_have_attribute("data-count", "12")
    # What did not run has no count.
    blank = line_of("long sum(") - 1
    expect(line(page, blank).locator(".text")).to_have_text("")
    assert line(page, blank).get_attribute("data-count") is None


def shown_transition(page: Page) -> int:
    """The transition that the address of the page says."""
    return int(page.url.partition("#")[2].split("/")[3].partition("?")[0])


def is_after(page: Page, transition: int) -> bool:
    return shown_transition(page) > transition


def test_a_click_on_a_line_goes_through_its_runs(
    open_axion: OpenAxion, opened: reven2.OpenTrace
) -> None:
    wanted = line_of("list = node;")
    entries = runs_of(opened, "add")
    page = open_axion(f"#/{opened.scenario_name}/transition/{entries[0].id}")
    expect(line(page, wanted)).to_have_attribute("data-count", "12", timeout=SOON)
    seen = []
    for entry in entries[:3]:
        line(page, wanted).click()
        wait_until(page, partial(is_after, page, entry.id))
        seen.append(shown_transition(page))
        expect_at(page, seen[-1])
        context = opened.trace.context_before(seen[-1])
        location = context.ossi.location()
        assert location is not None
        assert location.line == wanted
    assert [entry.id for entry in entries[:3]] < seen
    assert all(
        entry.id < at < following.id
        for entry, at, following in zip(entries, seen, entries[1:], strict=False)
    )
    line(page, wanted).click(modifiers=["Shift"])
    expect_at(page, seen[1])
    # By keyboard.
    line(page, wanted).locator("xpath=../..").focus()
    page.keyboard.press("Enter")
    expect_at(page, seen[2])


def test_of_code_without_source_the_caller_is_shown(
    open_axion: OpenAxion, opened: reven2.OpenTrace
) -> None:
    calling = line_of("malloc(sizeof")
    entry = runs_of(opened, "add")[0]
    allocating = opened.trace.calls("malloc$", entry.context_before())
    at = next(allocating).first_context.transition_after()
    page = open_axion(f"#/{opened.scenario_name}/transition/{at.id}")
    expect(line(page, calling)).to_have_attribute("aria-selected", "true", timeout=SOON)
    expect(panel(page, "source").get_by_text("caller", exact=True)).to_be_visible()
