# SPDX-License-Identifier: Apache-2.0
"""A list of more rows than a browser can make an element for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

import reven2
from tests.server.running import Running

from .conftest import OpenAxion, panel
from .views import expect_at, jump, wait_until

LOOP = """
int main(void) {
    volatile long sum = 0;
    for (long i = 0; i < 1000000; i++) sum += i;
    return 0;
}
"""
ROW = 20
LONGEST_ELEMENT = 33_554_400
"""Pixels that Chromium makes an element at most."""


def rows(page: Page) -> list[int]:
    texts = panel(page, "trace").locator(".transition .id").all_inner_texts()
    return [int(text) for text in texts]


def expect_rows(page: Page, trace: reven2.trace.Trace) -> None:
    """The rows follow each other, and are those of the trace."""
    expect(panel(page, "trace").locator(".waiting")).to_have_count(0)
    shown = rows(page)
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    places = panel(page, "trace").locator(".transition > .address").all_text_contents()
    for number, place in list(zip(shown, places, strict=True))[::9]:
        assert int(place, 16) == trace.context_before(number).read(reven2.arch.x64.rip)


def test_a_long_trace_is_scrolled_to_every_row(
    open_axion: OpenAxion, record_program: Callable[..., Path], tmp_path: Path
) -> None:
    recorded = record_program(LOOP)
    running = Running([recorded], tmp_path)
    with reven2.open(recorded) as opened:
        trace = opened.trace
        count = trace.transition_count
        assert count * ROW > 2 * LONGEST_ELEMENT
        middle = count // 2
        page = open_axion(f"#/{running.run_file.scenarios[0]}/transition/{middle}", running)
        expect_at(page, middle)
        expect_rows(page, trace)
        # By the wheel, row by row.
        listed = panel(page, "trace").get_by_role("listbox")
        listed.hover()
        before = rows(page)[0]
        page.mouse.wheel(0, 10 * ROW)
        wait_until(page, lambda: rows(page)[0] == before + 10)
        expect_rows(page, trace)
        # Fast, over the end of what is laid out at once: 60,000 rows in 100 turns.
        page.keyboard.down("Shift")
        before = rows(page)[0]
        for _ in range(100):
            page.mouse.wheel(0, 30 * ROW)
        wait_until(page, lambda: abs(rows(page)[0] - (before + 60_000)) < 10)
        page.keyboard.up("Shift")
        expect_rows(page, trace)
        # To any place, by the bar, and to the ends.
        bar = panel(page, "trace").get_by_role("scrollbar")
        box = bar.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 5, box["y"] + box["height"] / 4)
        wait_until(page, lambda: abs(rows(page)[0] / count - 0.25) < 0.03)
        expect_rows(page, trace)
        listed.focus()
        page.keyboard.press("End")
        expect_at(page, count - 1)
        expect_rows(page, trace)
        assert rows(page)[-1] == count - 1
        page.keyboard.press("ArrowUp")
        expect_at(page, count - 2)
        jump(page, "#0")
        expect_at(page, 0)
        expect_rows(page, trace)
        page.context.close()
    running.end()
