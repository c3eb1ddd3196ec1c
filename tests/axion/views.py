# SPDX-License-Identifier: Apache-2.0
"""What tests do with Axion's own panels."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

SOON = 60_000


def row(page: Page, transition: int) -> Locator:
    """The row of a transition in the trace panel."""
    return page.locator(f'[data-panel="trace"] [data-transition="{transition}"]')


def expect_at(page: Page, transition: int) -> None:
    """The focus is on a transition, and the trace shows it."""
    expect(row(page, transition)).to_have_attribute("aria-selected", "true", timeout=SOON)
    expect(page.get_by_label("Position", exact=True)).to_contain_text(
        f"#{transition:,}", timeout=SOON
    )


def jump(page: Page, text: str) -> None:
    """Type into the toolbar's jump field."""
    field = page.get_by_label(re.compile("^Jump to a transition"))
    field.fill(text)
    field.press("Enter")


def register_row(page: Page, name: str) -> Locator:
    """The row of a register in the CPU panel."""
    return page.locator(f"#cpu-{name}")


def shown_bytes(page: Page) -> list[str]:
    """Two characters for each byte of the hexdump."""
    return page.locator('[data-panel="memory"] .hex .byte').all_inner_texts()


def first_address(page: Page) -> int:
    """Address of the hexdump's first byte."""
    return int(page.locator('[data-panel="memory"] .hexline .where').first.inner_text(), 16)


def wait_until(page: Page, met: Callable[[], bool]) -> None:
    """Look again with each frame. Axion's policy forbids eval, which Playwright's own waiting for
    a function needs."""
    deadline = time.monotonic() + SOON / 1000
    while not met():
        assert time.monotonic() < deadline, "what the test waits for has not come"
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => done(0)))")


def keyboard_at(page: Page) -> str:
    """The panel that has the keyboard: "memory", or "memory-2"; "" if none has."""
    return str(
        page.evaluate("document.activeElement.closest('[data-instance]')?.dataset.instance ?? ''")
    )
