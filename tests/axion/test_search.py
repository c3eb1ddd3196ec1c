# SPDX-License-Identifier: Apache-2.0
"""Every kind of search finds what reven2 finds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

import reven2

from .conftest import SOON, OpenAxion, panel, runs_of
from .views import expect_at, wait_until


def search(page: Page, kind: str, text: str) -> None:
    pane = panel(page, "search")
    if not pane.is_visible():
        page.keyboard.press("/")
    pane.get_by_label("What to search for").select_option(kind)
    field = pane.get_by_label("Search", exact=True)
    field.fill(text)
    field.press("Enter")


def hits(page: Page) -> Any:
    return panel(page, "search").get_by_role("listbox").get_by_role("option")


def numbers(page: Page) -> list[int]:
    return [int(text) for text in panel(page, "search").locator(".hit .id").all_inner_texts()]


def finished(page: Page) -> None:
    status = panel(page, "search").get_by_role("status")
    expect(status).to_contain_text("found", timeout=SOON)
    expect(status).not_to_contain_text("Searching", timeout=SOON)


def has_rows(page: Page, count: int) -> bool:
    height = "document.querySelector('.hits').firstElementChild.clientHeight"
    return bool(page.evaluate(height) == count * 20)


def test_functions_and_addresses(
    open_axion: OpenAxion, opened: reven2.OpenTrace, expected_errors
) -> None:
    expected_errors.words.append("400")
    page = open_axion(size=(1280, 1400))
    search(page, "symbol", "program!^parse$")
    runs = runs_of(opened, "parse")
    expect(hits(page)).to_have_count(len(runs), timeout=SOON)
    assert numbers(page) == [run.id for run in runs]
    hits(page).nth(3).click()
    expect_at(page, runs[3].id)
    page.keyboard.press("ArrowDown")
    expect_at(page, runs[4].id)
    assert runs[0].pc is not None
    search(page, "address", f"{runs[0].pc:#x}")
    finished(page)
    expect(hits(page)).to_have_count(len(runs), timeout=SOON)
    search(page, "symbol", "there_is_no_such")
    expect(panel(page, "search").get_by_role("alert")).to_contain_text("No executed binary")


def test_a_long_list_goes_on_when_it_is_scrolled(
    open_axion: OpenAxion, opened: reven2.OpenTrace
) -> None:
    page = open_axion()
    search(page, "binary", "program$")
    finished(page)
    (binary,) = opened.ossi.executed_binaries("program$")
    expected = [context.transition_after().id for context in opened.trace.search.binary(binary)]
    assert len(expected) > 300
    listed = panel(page, "search").get_by_role("listbox")
    height = "element => element.firstElementChild.clientHeight"
    assert listed.evaluate(height) == 100 * 20
    for count in (200, 300):
        listed.evaluate("element => element.scrollTo(0, element.scrollHeight)")
        wait_until(page, partial(has_rows, page, count))
    listed.evaluate("element => element.scrollTo(0, 250 * 20)")
    row = panel(page, "search").locator('[data-hit="255"] .id')
    expect(row).to_have_text(str(expected[255]), timeout=SOON)


def test_instructions_values_memory_and_strings(
    open_axion: OpenAxion,
    opened: reven2.OpenTrace,
    first_run_of: Callable[[str], reven2.trace.Transition],
) -> None:
    page = open_axion(size=(1280, 1400))
    trace = opened.trace
    search(page, "instruction", "^imul")
    finished(page)
    found = [context.transition_after().id for context in trace.search.instruction("^imul")]
    assert numbers(page) == found[: len(numbers(page))]
    assert found
    search(page, "string", "node-")
    expect(hits(page).first).to_be_visible(timeout=SOON)
    strings = list(trace.strings("node-"))
    texts = panel(page, "search").locator(".hit .note").all_inner_texts()
    assert texts == [string.data for string in strings]
    hits(page).first.click()
    wait_until(page, lambda: "address=0x" in page.url)
    search(page, "memory", '"node-84"')
    expect(hits(page).first).to_be_visible(timeout=SOON)
    search(page, "value", str(sum(7 * i for i in range(1, 13))))
    finished(page)
    expect(hits(page).first).to_be_visible(timeout=SOON)
    assert numbers(page)[0] > first_run_of("sum").id


def test_recent_searches_are_kept(open_axion: OpenAxion) -> None:
    page = open_axion()
    search(page, "symbol", "^sum$")
    finished(page)
    page.reload()
    page.keyboard.press("/")
    pane = panel(page, "search")
    # The panel keeps what it searches for.
    expect(pane.get_by_label("Search", exact=True)).to_have_value("^sum$")
    expect(hits(page).first).to_be_visible(timeout=SOON)
    pane.get_by_role("button", name="Clear").click()
    expect(hits(page)).to_have_count(0)
    pane.get_by_role("button", name="Function ^sum$").click()
    expect(hits(page).first).to_be_visible(timeout=SOON)
