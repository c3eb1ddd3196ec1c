# SPDX-License-Identifier: Apache-2.0
"""The strip of the whole trace: zoomed, dragged, clicked, and marked."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import reven2

from .conftest import SOON, OpenAxion, panel, runs_of
from .views import expect_at, jump, wait_until

LANES = 16 + 10 + 12
"""Height of the ruler, the marks and the events, above the calls."""
CALL = 15
WHEEL = 0.0015
"""How much a pixel of the wheel zooms."""


def canvas(page: Page) -> Any:
    return panel(page, "timeline").locator("canvas")


def shown(page: Page) -> tuple[float, float]:
    """First transition, and transitions of a pixel."""
    expect(canvas(page)).to_have_attribute("data-start", re.compile(r"\d"), timeout=SOON)
    start, per_pixel = canvas(page).evaluate(
        "async canvas => { await new Promise(requestAnimationFrame);"
        " await new Promise(requestAnimationFrame);"
        " return [canvas.dataset.start, canvas.dataset.perPixel] }"
    )
    return float(start), float(per_pixel)


def transition_at(page: Page, x: float) -> int:
    start, per_pixel = shown(page)
    return int(start + x * per_pixel)


def pixel_of(page: Page, transition: int) -> float:
    start, per_pixel = shown(page)
    return (transition - start) / per_pixel


def tip(page: Page) -> Any:
    return panel(page, "timeline").locator(".tip")


def wait_for_calls(page: Page) -> None:
    expect(canvas(page)).to_have_attribute("data-calls", re.compile("[1-9]"), timeout=SOON)


def test_all_of_the_trace_is_shown_and_a_click_goes_there(
    open_axion: OpenAxion, trace: reven2.trace.Trace
) -> None:
    page = open_axion()
    start, per_pixel = shown(page)
    width = canvas(page).bounding_box()["width"]
    assert start == 0
    assert abs(per_pixel * width - trace.transition_count) < per_pixel
    for x in (100, 700):
        canvas(page).click(position={"x": x, "y": 60})
        expect_at(page, transition_at(page, x))


def test_the_wheel_zooms_at_the_pointer_and_dragging_scrolls(open_axion: OpenAxion) -> None:
    page = open_axion()
    before = transition_at(page, 400)
    _, per_pixel = shown(page)
    canvas(page).hover(position={"x": 400, "y": 60})
    for _ in range(6):
        page.mouse.wheel(0, -400)
    expected = per_pixel * math.exp(-6 * 400 * WHEEL)
    wait_until(page, lambda: shown(page)[1] == pytest.approx(expected))
    _, zoomed = shown(page)
    assert zoomed < per_pixel / 10
    assert abs(transition_at(page, 400) - before) <= 2 * per_pixel
    start, _ = shown(page)
    page.mouse.down()
    page.mouse.move(canvas(page).bounding_box()["x"] + 300, 100, steps=5)
    page.mouse.up()
    moved, same = shown(page)
    assert same == zoomed
    assert abs(moved - (start + 100 * zoomed)) <= zoomed
    # Dragging is no click.
    expect_at(page, 0)


def test_the_keyboard_does_the_same(open_axion: OpenAxion, trace: reven2.trace.Trace) -> None:
    page = open_axion()
    jump(page, "50%")
    middle = (trace.transition_count - 1) // 2
    expect(canvas(page)).to_have_attribute("aria-valuenow", re.compile(r"\d{3}"), timeout=SOON)
    canvas(page).focus()
    _, whole = shown(page)
    page.keyboard.press("+")
    page.keyboard.press("+")
    _, zoomed = shown(page)
    assert abs(zoomed - whole / 4) < 1e-6
    assert 0 <= pixel_of(page, middle) < canvas(page).bounding_box()["width"]
    page.keyboard.press("0")
    assert shown(page) == (0, whole)
    page.keyboard.press("End")
    expect_at(page, trace.transition_count - 1)
    page.keyboard.press("Home")
    expect_at(page, 0)
    page.keyboard.press("ArrowRight")
    expect(canvas(page)).not_to_have_attribute("aria-valuenow", "0")


def test_calls_are_drawn_by_depth(open_axion: OpenAxion, opened: reven2.OpenTrace) -> None:
    page = open_axion()
    wait_for_calls(page)
    (main,) = opened.trace.calls("^main$")
    end = main.return_transition
    assert end is not None
    middle = (main.first_context.transition_after().id + end.id) // 2
    y = LANES + main.depth * CALL + CALL / 2
    box = canvas(page).bounding_box()
    assert y < box["height"]
    canvas(page).hover(position={"x": pixel_of(page, middle), "y": y})
    expect(tip(page)).to_contain_text("main ·", timeout=SOON)
    # A double click shows that call alone.
    canvas(page).dblclick(position={"x": pixel_of(page, middle), "y": y})
    length = end.id - main.first_context.transition_after().id
    wait_until(page, lambda: shown(page)[1] * box["width"] < 1.2 * length + 99)
    start, per_pixel = shown(page)
    assert start <= main.first_context.transition_after().id
    assert start + per_pixel * box["width"] >= end.id


def test_the_strip_follows_the_focus_out_of_what_it_shows(open_axion: OpenAxion) -> None:
    page = open_axion()
    canvas(page).focus()
    for _ in range(8):
        page.keyboard.press("+")
    jump(page, "90%")
    expect(canvas(page)).to_have_attribute("aria-valuenow", re.compile(r"\d{4}"), timeout=SOON)
    position = int(canvas(page).get_attribute("aria-valuenow"))
    assert 0 <= pixel_of(page, position) <= canvas(page).bounding_box()["width"]


def test_search_marks_and_bookmarks_are_clicked(
    open_axion: OpenAxion, opened: reven2.OpenTrace
) -> None:
    page = open_axion()
    page.keyboard.press("/")
    search = panel(page, "search")
    search.get_by_label("Search", exact=True).fill("^add$")
    page.keyboard.press("Enter")
    runs = runs_of(opened, "add")
    expect(search.get_by_role("listbox").get_by_role("option")).to_have_count(
        len(runs), timeout=SOON
    )
    # Zoomed in around one of them, it alone is near.
    wanted = runs[4].id
    jump(page, f"#{wanted - 20}")
    expect_at(page, wanted - 20)
    canvas(page).focus()
    for _ in range(7):
        page.keyboard.press("+")

    def is_marked() -> bool:
        canvas(page).hover(position={"x": pixel_of(page, wanted) + 1, "y": 20})
        canvas(page).hover(position={"x": pixel_of(page, wanted) + 2, "y": 20})
        return bool(tip(page).all_inner_texts() == [f"#{wanted:,} ^add$"])

    # The marks are found anew for what is shown.
    wait_until(page, is_marked)
    canvas(page).click(position={"x": pixel_of(page, wanted) + 2, "y": 20})
    expect_at(page, wanted)
