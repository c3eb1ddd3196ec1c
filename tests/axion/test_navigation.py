# SPDX-License-Identifier: Apache-2.0
"""Moving about: keys, jumps, links, back and forward; with nothing but the keyboard."""

from __future__ import annotations

import re
from functools import partial

from playwright.sync_api import Page, expect

from reven2 import OpenTrace
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.arch.register import Register
from reven2.trace import Trace
from tests.server.running import Running

from .conftest import SOON, OpenAxion, panel, runs_of
from .views import expect_at, jump, keyboard_at, register_row, row, wait_until


def test_a_link_opens_exactly_there(open_axion: OpenAxion, opened: OpenTrace, trace: Trace) -> None:
    number = runs_of(opened, "sum")[0].id
    stack = trace.transition(number).context_after().read(x64.rsp)
    place = f"#/{trace._info.name}/transition/{number}?address={stack:#x}&size=8&side=after"
    page = open_axion(place)
    expect_at(page, number)
    expect(page.get_by_role("radio", name="after")).to_have_attribute("aria-checked", "true")
    expect(panel(page, "memory").locator(".hex .byte.chosen")).to_have_count(8)
    assert page.url.endswith(place)


def test_links_of_notebooks_open(open_axion: OpenAxion, trace: Trace) -> None:
    page = open_axion(f"#/{trace._info.name}/1234")
    expect_at(page, 1234)
    page.goto(page.url.partition("#")[0] + f"#/{trace._info.name}/address/fs:0x28")
    base = trace.transition(1234).context_before().read(Register.from_name("fs_base"))
    expect(panel(page, "memory").locator(".hex .byte.chosen")).to_have_count(1, timeout=SOON)
    page.wait_for_url(re.compile(f"transition/1234.address={base + 0x28:#x}"))


def test_jump_to_number_share_symbol_and_address(
    open_axion: OpenAxion, opened: OpenTrace, trace: Trace
) -> None:
    page = open_axion()
    expect_at(page, 0)
    jump(page, "#4,242")
    expect_at(page, 4242)
    jump(page, "50%")
    expect_at(page, trace.transition_count // 2)
    jump(page, "#0")
    expect_at(page, 0)
    jump(page, "parse")
    first = runs_of(opened, "parse")[0]
    expect_at(page, first.id)
    jump(page, "#0")
    expect_at(page, 0)
    jump(page, f"{first.context_before().read(x64.rip):#x}")
    expect_at(page, first.id)


def test_a_jump_to_nowhere_says_so(open_axion: OpenAxion, expected_errors) -> None:
    expected_errors.words += ["400", "422"]
    page = open_axion()
    jump(page, "nowhere_at_all")
    expect(page.get_by_role("status").first).to_contain_text("no register or symbol")
    jump(page, "#999,999,999")
    expect(page.get_by_role("status").first).to_contain_text("There is no transition #999,999,999")


def test_back_and_forward(open_axion: OpenAxion, trace: Trace) -> None:
    page = open_axion(f"#/{trace._info.name}/transition/100")
    jump(page, "#200")
    expect_at(page, 200)
    jump(page, "#300")
    expect_at(page, 300)
    page.keyboard.press("Alt+ArrowLeft")
    expect_at(page, 200)
    page.go_back()
    expect_at(page, 100)
    page.go_forward()
    expect_at(page, 200)


def test_a_run_of_quick_steps_is_one_entry_of_the_history(
    open_axion: OpenAxion, trace: Trace
) -> None:
    page = open_axion(f"#/{trace._info.name}/transition/100")
    jump(page, "#200")
    expect_at(page, 200)
    # From within the page: however busy the machine is, they are quick.
    page.evaluate(
        "() => { for (let times = 0; times < 10; times += 1)"
        " document.body.dispatchEvent(new KeyboardEvent('keydown', "
        "{ key: 'F11', bubbles: true })); }"
    )
    expect_at(page, 210)
    page.wait_for_url(re.compile("transition/210"))
    page.go_back()
    expect_at(page, 200)


def test_next_and_previous_run_and_change(
    open_axion: OpenAxion, opened: OpenTrace, trace: Trace
) -> None:
    runs = [transition.id for transition in runs_of(opened, "parse")]
    page = open_axion(f"#/{trace._info.name}/transition/{runs[0]}")
    page.keyboard.press("j")
    expect_at(page, runs[1])
    page.keyboard.press("k")
    expect_at(page, runs[0])
    register_row(page, "rbx").locator(".name").click()
    page.keyboard.press("J")
    changed = trace.transition(runs[0] + 1).context_before().find_register_change(x64.rbx)
    assert changed is not None
    expect_at(page, changed.transition_before().id)


def test_the_keyboard_alone_finds_who_wrote_a_value(open_axion: OpenAxion, trace: Trace) -> None:
    page = open_axion()
    expect_at(page, 0)
    # To the end; look at a variable; go back to who wrote it; look at what it was.
    page.keyboard.press("g")
    page.keyboard.type("100%")
    page.keyboard.press("Enter")
    expect_at(page, trace.transition_count - 1)
    page.keyboard.press("Control+K")
    page.keyboard.type("total")
    expect(page.get_by_role("option", name=re.compile("^total"))).to_be_visible(timeout=SOON)
    page.keyboard.press("Enter")
    expect(panel(page, "memory").locator(".hex .byte.chosen")).to_have_count(1, timeout=SOON)
    page.keyboard.press("W")
    address = int(re.findall("address=(0x[0-9a-f]+)", page.url)[0], 16)
    writes = [
        access.transition.id
        for access in trace.memory_accesses(LinearAddress(address), 1)
        if access.operation.name == "Write"
    ]
    expect_at(page, writes[-1])
    expect(row(page, writes[-1]).locator(".values .written")).to_contain_text("222")
    page.keyboard.press("s")
    expect(page.get_by_role("radio", name="after")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Shortcuts")).to_be_hidden()


def test_scrolling_shows_every_row(open_axion: OpenAxion, trace: Trace) -> None:
    page = open_axion(f"#/{trace._info.name}/transition/1000")
    trace_list = panel(page, "trace").get_by_role("listbox")
    trace_list.hover()
    for _ in range(20):
        page.mouse.wheel(0, 400)
    shown = panel(page, "trace").locator(".transition .id")
    wait_until(page, lambda: int(shown.first.inner_text()) > 1100)
    ids = [int(text) for text in shown.all_inner_texts()]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    expect(panel(page, "trace").locator(".waiting")).to_have_count(0, timeout=SOON)
    bar = panel(page, "trace").get_by_role("scrollbar").bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + 5, bar["y"] + bar["height"] - 10)
    expect(row(page, trace.transition_count - 1)).to_be_visible()


def test_the_layout_and_the_theme_are_kept(open_axion: OpenAxion) -> None:
    page = open_axion()
    page.keyboard.press("Control+K")
    page.keyboard.type("dark or light")
    page.keyboard.press("Enter")
    chosen = page.locator("html").get_attribute("data-theme")
    panel(page, "history").locator("..")
    page.locator(".dv-tab", has_text="Memory history").hover()
    page.locator(".dv-tab", has_text="Memory history").locator(".dv-default-tab-action").click()
    expect(panel(page, "history")).to_have_count(0)
    page.reload()
    expect(panel(page, "trace").get_by_role("option").first).to_be_visible(timeout=SOON)
    expect(panel(page, "history")).to_have_count(0)
    assert page.locator("html").get_attribute("data-theme") == chosen


def test_two_scenarios(open_axion: OpenAxion, server: Running) -> None:
    page = open_axion()
    options = page.get_by_label("Scenario").locator("option").all_inner_texts()
    assert options == server.run_file.scenarios


def is_elsewhere(page: Page, panel: str) -> bool:
    return keyboard_at(page) != panel


def test_f6_goes_through_the_panels(open_axion: OpenAxion) -> None:
    page = open_axion(size=(1600, 1000))
    seen = []
    for _ in range(20):
        before = keyboard_at(page)
        page.keyboard.press("F6")
        wait_until(page, partial(is_elsewhere, page, before))
        seen.append(keyboard_at(page))
    assert {"trace", "cpu", "memory", "history"} <= set(seen)
    cycle = seen[: seen.index(seen[0], 1)]
    assert seen[len(cycle) : 2 * len(cycle)] == cycle
