# SPDX-License-Identifier: Apache-2.0
"""The stack, the tree of calls and the steps over them equal those of reven2."""

from __future__ import annotations

import random
import re
from typing import Any

from playwright.sync_api import Page, expect

import reven2

from .conftest import SOON, OpenAxion, panel, runs_of
from .views import expect_at, jump


def frames(page: Page) -> Any:
    return panel(page, "calls").locator(".frame .name")


def names_of(stack: reven2.stack.Stack) -> list[str]:
    """The functions that were entered, which a frame in a PLT's resolver is not in yet."""
    return [name_of(frame) for frame in stack.frames()]


def name_of(frame: reven2.stack.StackFrame) -> str:
    location = None if frame.function is None else frame.function_location()
    return "" if location is None or location.symbol is None else location.symbol.name


def test_the_stack_is_that_of_reven2(open_axion: OpenAxion, opened: reven2.OpenTrace) -> None:
    trace = opened.trace
    page = open_axion()
    deep = runs_of(opened, "sum")[6].id
    picked = random.Random(1).sample(range(trace.transition_count), 12)
    for transition in (deep, *picked):
        stack = trace.context_before(transition).stack
        jump(page, f"#{transition}")
        expect_at(page, transition)
        expect(panel(page, "calls").locator(".frames:not(.stale) .frame")).to_have_count(
            len(list(stack.frames())), timeout=SOON
        )
        expect(frames(page)).to_have_text(
            [re.compile(f"^{re.escape(name)}") for name in names_of(stack)], timeout=SOON
        )


def test_frames_lead_to_where_they_stand(open_axion: OpenAxion, opened: reven2.OpenTrace) -> None:
    deep = runs_of(opened, "sum")[3]
    page = open_axion(f"#/{opened.scenario_name}/transition/{deep.id + 1}")
    expect(frames(page).nth(3)).to_have_text("sum", timeout=SOON)
    stack = list(opened.trace.context_before(deep.id + 1).stack.frames())
    frames(page).nth(1).click()
    creation = stack[0].creation_transition
    assert creation is not None
    expect_at(page, creation.id)
    jump(page, f"#{deep.id + 1}")
    expect_at(page, deep.id + 1)
    page.get_by_role("button", name="Beginning of sum").nth(2).click()
    expect_at(page, stack[2].first_context.transition_after().id)


def test_steps_over_and_out_are_those_of_reven2(
    open_axion: OpenAxion, opened: reven2.OpenTrace
) -> None:
    trace = opened.trace
    entry = runs_of(opened, "add")[2]
    call = entry.step_out(is_forward=False)
    assert call is not None
    page = open_axion(f"#/{opened.scenario_name}/transition/{call.id}")
    expect_at(page, call.id)
    page.keyboard.press("F10")
    over = call.step_over()
    assert over is not None
    expect_at(page, over.id)
    page.keyboard.press("Shift+F10")
    expect_at(page, call.id)
    page.keyboard.press("F11")
    expect_at(page, entry.id)
    page.keyboard.press("F12")
    end = entry.step_out()
    assert end is not None
    expect_at(page, end.id + 1)
    jump(page, f"#{entry.id + 3}")
    expect_at(page, entry.id + 3)
    page.keyboard.press("Shift+F12")
    expect_at(page, call.id)
    page.goto(page.url.partition("#")[0] + f"#/{opened.scenario_name}/0")
    expect_at(page, 0)
    page.keyboard.press("Shift+F12")
    expect(page.get_by_role("status").filter(has_text="does not have the caller")).to_be_visible()
    assert trace.transition_count > 0


def test_the_tree_unfolds(open_axion: OpenAxion, opened: reven2.OpenTrace) -> None:
    main = runs_of(opened, "main")[0]
    page = open_axion(f"#/{opened.scenario_name}/transition/{main.id}", size=(1280, 1200))
    tree = panel(page, "calls")
    tree.get_by_role("button", name="Tree").click()
    current = tree.locator('[aria-current="location"]')
    expect(current).to_contain_text("main", timeout=SOON)
    level = int(current.get_attribute("aria-level") or 0)
    children = tree.locator(f'[aria-level="{level + 1}"] .name')
    (activation,) = opened.trace.calls("^main$")
    expected = [call.symbol.name for call in activation.children() if call.symbol]
    expect(children).to_have_text(expected, timeout=SOON)
    # By keyboard: into the second call of add, and what that called.
    current.focus()
    second = children.locator("xpath=..").filter(has_text="add").nth(1)
    for _ in range(60):
        if second.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(tree.locator(f'[aria-level="{level + 2}"] .name').first).to_be_visible(timeout=SOON)
    page.keyboard.press("Enter")
    expect_at(page, runs_of(opened, "add")[1].id)
