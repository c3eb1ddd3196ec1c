# SPDX-License-Identifier: Apache-2.0
"""What is selected can be copied, in the forms in which it is pasted elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

import reven2
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.trace import Trace, Transition
from tests.axion.conftest import SOON, OpenAxion, panel


@pytest.fixture
def page(open_axion: OpenAxion, trace: Trace, first_run_of: Callable[[str], Transition]) -> Page:
    page = open_axion(f"#/{trace._info.name}/transition/{first_run_of('parse').id}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def clipboard(page: Page) -> str:
    expect(page.get_by_role("status")).to_contain_text("Copied", timeout=SOON)
    return str(page.evaluate("navigator.clipboard.readText()"))


def choose(page: Page, name: str) -> None:
    page.get_by_role("dialog").get_by_role("option", name=re.compile(name)).click()


def test_a_register_is_copied_as_number_and_as_python(
    page: Page, opened: reven2.OpenTrace, first_run_of: Callable[[str], Transition]
) -> None:
    context = first_run_of("parse").context_before()
    row = panel(page, "cpu").locator('.row[data-register="rdi"]')
    row.click(button="right")
    choose(page, "^Copy Decimal")
    assert clipboard(page) == str(context.read(x64.rdi))
    row.click(button="right")
    choose(page, r"^Copy Python trace\.transition\(\d+\)\.context_before\(\)\.read")
    page.wait_for_function("navigator.clipboard.readText().then(t => t.includes('x64.rdi'))")
    python = str(page.evaluate("navigator.clipboard.readText()"))
    assert eval(python, {"trace": opened.trace, "reven2": reven2}) == context.read(x64.rdi)


def test_bytes_are_copied_by_ctrl_c(page: Page, first_run_of: Callable[[str], Transition]) -> None:
    context = first_run_of("parse").context_before()
    address = context.read(x64.rdi)
    place = page.url.partition("?")[0]
    page.goto(f"{place}?address={address:#x}&size=4")
    expect(panel(page, "memory").locator(".hex .byte.chosen")).to_have_count(4, timeout=SOON)
    panel(page, "memory").locator(".hex .byte.chosen").first.focus()
    page.keyboard.press("Control+C")
    data = context.read(LinearAddress(address), 4, raw=True)
    assert bytes.fromhex(clipboard(page)) == data


def test_a_row_of_the_trace_leads_its_menu_there(page: Page) -> None:
    row = panel(page, "trace").get_by_role("option").nth(3)
    number = str(row.get_attribute("data-transition"))
    row.locator(".id").click(button="right")
    choose(page, "^Copy Command: show")
    assert clipboard(page).endswith(f"--at {number}")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_menu_is_had_by_keys_and_left_by_escape(page: Page) -> None:
    panel(page, "cpu").locator('.row[data-register="rdi"]').click()
    page.keyboard.press("c")
    menu = page.get_by_role("dialog", name="What to do with the selection")
    expect(menu).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(menu.locator('[aria-selected="true"]')).to_contain_text("Copy")
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    page.keyboard.press("c")
    menu.get_by_role("option", name=re.compile("Where does the selection come from")).click()
    expect(panel(page, "origin").get_by_role("listitem").first).to_be_visible(timeout=SOON)
