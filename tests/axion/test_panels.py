# SPDX-License-Identifier: Apache-2.0
"""Panels that exist twice: opened, told apart, held, closed, kept in the layout and in links."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import reven2
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.trace import Trace
from tests.server.running import Running

from .conftest import SOON, OpenAxion, runs_of
from .views import expect_at, jump, keyboard_at, wait_until

FORMER_LAYOUT = Path(__file__).with_name("layout-0.1.json")


def instance(page: Page, name: str) -> Locator:
    """The panel of an id: "memory", or "memory-2"."""
    return page.locator(f'[data-instance="{name}"]')


def titles(page: Page, kind: str) -> list[str]:
    """What the tabs of a kind say."""
    return page.locator(".dv-tab", has_text=re.compile(rf"^{kind}\b")).all_inner_texts()


def use(page: Page, name: str) -> None:
    """Give a panel the keyboard."""
    instance(page, name).locator("[data-keyboard]").first.focus()


def another(page: Page, name: str, made: str) -> None:
    """By keyboard: another of a panel."""
    use(page, name)
    page.keyboard.press("a")
    expect(instance(page, made)).to_be_visible()
    wait_until(page, lambda: keyboard_at(page) == made)


def show(page: Page, name: str, expression: str) -> None:
    field = instance(page, name).get_by_label(re.compile("^Address, as"))
    field.fill(expression)
    field.press("Enter")


def expect_dump(page: Page, name: str, trace: Trace, context: int, address: int) -> None:
    """A hexdump begins with the line of an address, and shows its bytes."""
    start = address - address % 16
    lines = instance(page, name).locator(".hexline")
    expect(lines.first.locator(".where")).to_have_text(f"{start:010x}", timeout=SOON)
    memory = trace.context_before(context).read(LinearAddress(start), 16, raw=True)
    expect(lines.first.locator(".hex")).to_have_text(memory.hex(), timeout=SOON)


def expect_register(page: Page, name: str, register: str, value: int) -> None:
    shown = page.locator(f"#{name}-{register} .value")
    expect(shown).to_have_text(re.compile(rf"^{value:x}\b"), timeout=SOON)


def registers(trace: Trace, context: int) -> tuple[int, int]:
    """rsp and rdi."""
    state = trace.context_before(context)
    return state.read(x64.rsp), state.read(x64.rdi)


@pytest.fixture
def add_runs(opened: reven2.OpenTrace) -> list[int]:
    return [run.id for run in runs_of(opened, "add")]


def test_two_hexdumps(open_axion: OpenAxion, trace: Trace, add_runs: list[int]) -> None:
    at, later = add_runs[0], add_runs[3]
    page = open_axion(f"#/{trace._info.name}/transition/{at}", size=(1600, 1000))
    another(page, "memory", "memory-2")
    assert titles(page, "Memory(?! history)") == ["Memory", "Memory 2"]
    show(page, "memory-2", "rdi")
    expect(page.locator(".dv-tab", has_text="Memory 2 · rdi")).to_be_visible()
    stack, argument = registers(trace, at)
    expect_dump(page, "memory", trace, at, stack)
    expect_dump(page, "memory-2", trace, at, argument)
    # Both are evaluated at each moment.
    jump(page, f"#{later}")
    expect_at(page, later)
    stack, argument = registers(trace, later)
    expect_dump(page, "memory", trace, later, stack)
    expect_dump(page, "memory-2", trace, later, argument)
    # The first goes where something is selected, the second keeps its place.
    use(page, "memory")
    table = trace.context_before(later).read(x64.rip)
    page.locator(f"#cpu-rip [data-address='{table:#x}']").first.click()
    expect_dump(page, "memory", trace, later, table)
    expect_dump(page, "memory-2", trace, later, argument)
    instance(page, "memory-2").get_by_role("button", name="keep").click()
    expect_dump(page, "memory-2", trace, later, table)


def are_among(rows: Locator, expected: set[str]) -> bool:
    shown = rows.evaluate_all("all => all.map(row => row.dataset.transition)")
    return len(shown) > 0 and set(shown) <= expected


def test_two_histories(open_axion: OpenAxion, trace: Trace, add_runs: list[int]) -> None:
    at = add_runs[0]
    stack, argument = registers(trace, at)
    page = open_axion(
        f"#/{trace._info.name}/transition/{at}?address={stack:#x}&size=8", size=(1600, 1000)
    )
    another(page, "history", "history-2")
    expect(page.locator(".dv-tab", has_text=f"Memory history 2 · {stack:#x}+8")).to_be_visible()
    jump(page, f"{argument:#x}")
    use(page, "history-2")
    instance(page, "history-2").get_by_role("button", name="writes").click()
    for name, address, size, kept in (
        ("history", argument, 1, None),
        ("history-2", stack, 8, reven2.memhist.MemoryAccessOperation.Write),
    ):
        expected = {
            str(access.transition.id)
            for access in trace.memory_accesses(LinearAddress(address), size, operation=kept)
        }
        rows = instance(page, name).locator(".access")
        expect(rows.first).to_be_visible(timeout=SOON)
        wait_until(page, partial(are_among, rows, expected))
        bar = instance(page, name).locator(".bar > .mono").first
        expect(bar).to_have_text(f"{address:x} +{size}")


def test_a_panel_is_held_at_a_moment(
    open_axion: OpenAxion, trace: Trace, add_runs: list[int]
) -> None:
    at, later = add_runs[0], add_runs[3]
    page = open_axion(f"#/{trace._info.name}/transition/{at}", size=(1600, 1000))
    use(page, "cpu")
    page.keyboard.press("h")
    expect(page.locator(".dv-tab", has_text=f"CPU · at #{at:,}")).to_be_visible()
    hold = page.get_by_role("button", name="Hold CPU at this moment")
    expect(hold).to_have_attribute("aria-pressed", "true")
    # Another one follows: two moments side by side.
    another(page, "cpu", "cpu-2")
    use(page, "memory")
    page.keyboard.press("h")
    jump(page, f"#{later}")
    expect_at(page, later)
    then, now = registers(trace, at), registers(trace, later)
    expect_register(page, "cpu", "rsp", then[0])
    expect_register(page, "cpu-2", "rsp", now[0])
    expect_dump(page, "memory", trace, at, then[0])
    # A step of a register's changes begins where the panel looks.
    page.locator("#cpu-rdi .name").click()
    page.locator("#cpu-rdi").get_by_role("button", name="Next change of rdi").click()
    change = trace.context_before(at).find_register_change(x64.rdi)
    assert change is not None
    expect_at(page, change.transition_before().id)
    use(page, "cpu")
    page.keyboard.press("h")
    expect(page.locator(".dv-tab", has_text="CPU · at")).to_have_count(0)


def opened_panels(page: Page) -> dict[str, dict[str, Any]]:
    """The panels that are open, with their titles and what a hexdump's field says."""
    return {
        str(panel.get_attribute("data-instance")): {
            "title": panel.get_attribute("aria-label"),
            "fields": panel.locator("input").evaluate_all("all => all.map(one => one.value)"),
            "pressed": panel.locator("[aria-pressed=true]").all_inner_texts(),
        }
        for panel in page.locator("[data-instance]").all()
        if panel.is_visible()
    }


def arranged(open_axion: OpenAxion, trace: Trace, at: int) -> Page:
    """Axion with panels that differ from how they begin."""
    page = open_axion(f"#/{trace._info.name}/transition/{at}", size=(1600, 1000))
    another(page, "memory", "memory-2")
    show(page, "memory-2", "[rbp-8] + 0x10~&=,%")
    show(page, "memory-2", "rdi+0x10")
    another(page, "cpu", "cpu-2")
    page.keyboard.press("h")
    instance(page, "calls").get_by_role("button", name="Tree").click()
    jump(page, f"#{at + 40}")
    expect_at(page, at + 40)
    wait_until(page, lambda: "cpu-2~at~" in page.url and "memory-2~" in page.url)
    wait_until(page, lambda: "shown~tree" in page.url)
    return page


def test_a_link_opens_the_same_panels(
    open_axion: OpenAxion, trace: Trace, add_runs: list[int], expected_errors: Any
) -> None:
    expected_errors.words.append("400")
    at = add_runs[2]
    page = arranged(open_axion, trace, at)
    colleague = open_axion(page.url.partition("/#")[2].join(["#", ""]), size=(1600, 1000))
    expect_at(colleague, at + 40)
    expect(instance(colleague, "memory-2")).to_be_visible()
    wait_until(colleague, lambda: opened_panels(colleague) == opened_panels(page))
    assert colleague.url.partition("#")[2] == page.url.partition("#")[2]
    _, argument = registers(trace, at + 40)
    expect_dump(colleague, "memory-2", trace, at + 40, argument + 0x10)
    expect_register(colleague, "cpu-2", "rsp", registers(trace, at)[0])


def test_a_link_opened_later_leaves_other_panels_alone(
    open_axion: OpenAxion, trace: Trace, add_runs: list[int]
) -> None:
    page = open_axion(f"#/{trace._info.name}/transition/{add_runs[0]}", size=(1600, 1000))
    another(page, "history", "history-2")
    another(page, "memory", "memory-2")
    show(page, "memory-2", "rsi")
    link = f"#/{trace._info.name}/transition/{add_runs[1]}?panels=memory,memory-2~expression~rdi"
    page.goto(page.url.partition("#")[0] + link)
    expect_at(page, add_runs[1])
    expect(page.locator(".dv-tab", has_text="Memory 2 · rdi")).to_be_visible()
    expect(instance(page, "history-2")).to_be_visible()
    # Back goes to where one was, and moves no panel.
    page.go_back()
    expect_at(page, add_runs[0])
    expect(page.locator(".dv-tab", has_text="Memory 2 · rdi")).to_be_visible()
    wait_until(page, lambda: "memory-2~expression~rdi" in page.url)


def test_panels_are_as_they_were_after_a_reload(
    open_axion: OpenAxion, trace: Trace, add_runs: list[int], expected_errors: Any
) -> None:
    expected_errors.words.append("400")
    page = arranged(open_axion, trace, add_runs[2])
    before, url = opened_panels(page), page.url
    page.reload()
    expect(instance(page, "memory-2")).to_be_visible(timeout=SOON)
    wait_until(page, lambda: opened_panels(page) == before)
    assert page.url == url
    # A window of one's own, at a place that says nothing of panels: they stay, too.
    page.goto(f"{page.url.partition('#')[0]}#/{trace._info.name}/transition/5")
    expect_at(page, 5)
    expect(page.locator(".dv-tab", has_text="Memory 2 · rdi+0x10")).to_be_visible()


def test_a_panel_is_closed_by_keyboard_and_its_number_is_free_again(open_axion: OpenAxion) -> None:
    page = open_axion(size=(1600, 1000))
    another(page, "memory", "memory-2")
    another(page, "memory", "memory-3")
    use(page, "memory-2")
    page.keyboard.press("X")
    expect(instance(page, "memory-2")).to_have_count(0)
    wait_until(page, lambda: keyboard_at(page) != "")
    another(page, "memory-3", "memory-2")
    assert sorted(titles(page, "Memory(?! history)")) == ["Memory", "Memory 2", "Memory 3"]
    # What is said to a kind is meant for the one that was used last.
    page.keyboard.press("Control+K")
    page.keyboard.type("show memory")
    page.keyboard.press("Enter")
    wait_until(page, lambda: keyboard_at(page) == "memory-2")
    wait_until(page, lambda: "memory-3" in page.url)


def test_the_buttons_beside_the_tabs(open_axion: OpenAxion) -> None:
    page = open_axion(size=(1600, 1000))
    page.get_by_role("button", name="Open another Source").click()
    expect(instance(page, "source-2")).to_be_visible()
    assert titles(page, "Source") == ["Source", "Source 2"]
    page.get_by_role("button", name="Hold Source at this moment").first.click()
    expect(page.locator(".dv-tab", has_text=re.compile("^Source · at #0"))).to_be_visible()


def test_what_makes_no_sense_twice_says_so(open_axion: OpenAxion) -> None:
    page = open_axion(size=(1600, 1000))
    use(page, "timeline")
    page.keyboard.press("a")
    said = page.get_by_role("status")
    expect(said.filter(has_text="One Timeline is all there is")).to_be_visible()
    page.keyboard.press("h")
    expect(said.filter(has_text="no moment to be held at")).to_be_visible()
    use(page, "memory")
    another(page, "memory", "memory-2")
    for number in range(3, 10):
        another(page, f"memory-{number - 1}", f"memory-{number}")
    page.keyboard.press("a")
    expect(said.filter(has_text="enough panels of Memory")).to_be_visible()


def test_two_searches(open_axion: OpenAxion, opened: reven2.OpenTrace) -> None:
    add, total = runs_of(opened, "add"), runs_of(opened, "sum")
    page = open_axion(f"#/{opened.scenario_name}/transition/{add[0].id}", size=(1600, 1000))
    page.keyboard.press("/")
    wait_until(page, lambda: keyboard_at(page) == "search")
    page.keyboard.type("^add$")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Open another Search").click()
    expect(instance(page, "search-2")).to_be_visible()
    second = instance(page, "search-2").get_by_label("Search", exact=True)
    second.fill("^sum$")
    second.press("Enter")
    for name, runs in (("search", add), ("search-2", total)):
        ids = instance(page, name).locator(".hit .id")
        expect(ids.first).to_have_text(str(runs[0].id), timeout=SOON)
    expect(page.locator(".dv-tab", has_text="Search 2 · ^sum$")).to_be_visible()

    def is_marked(number: int) -> bool:
        marks = page.locator(f'[data-transition="{number}"]').get_by_title("Found by the search")
        return marks.count() > 0

    # The marks of both; those of one go with it. Zoomed in, they are exact.
    page.locator("canvas").focus()
    for _ in range(9):
        page.keyboard.press("+")
    wait_until(page, lambda: is_marked(add[0].id))
    jump(page, f"#{total[0].id}")
    expect_at(page, total[0].id)
    wait_until(page, lambda: is_marked(total[0].id))
    # Where letters are typed, by name.
    use(page, "search-2")
    page.keyboard.press("Control+K")
    page.keyboard.type("close this panel")
    page.keyboard.press("Enter")
    expect(instance(page, "search-2")).to_have_count(0)
    wait_until(page, lambda: not is_marked(total[0].id))


def test_the_layout_of_version_0_1_is_kept(open_axion: OpenAxion) -> None:
    page = open_axion(size=(1600, 1000))
    page.evaluate(
        "text => { addEventListener('pagehide', () => { localStorage.clear();"
        " sessionStorage.clear(); localStorage.setItem('axion.layout.1', text) }) }",
        FORMER_LAYOUT.read_text(),
    )
    page.reload()
    expect(instance(page, "trace").get_by_role("option").first).to_be_visible(timeout=SOON)
    stored = json.loads(FORMER_LAYOUT.read_text())
    tabs = page.locator(".dv-tab").all_inner_texts()
    # What was not there yet stands behind what was.
    new = {"Start", "Where from", "Findings", "System calls", "Output"}
    added = [tab for tab in tabs if tab.strip() in new]
    assert len(tabs) == len(stored["layout"]["panels"]) + len(added)
    # Search stood before the trace, and the bookmarks were closed.
    assert tabs.index("Search") + 1 == tabs.index("Trace")
    assert "Bookmarks" not in tabs
    another(page, "memory", "memory-2")


@pytest.mark.parametrize(
    "panels",
    [
        "memory-2~expression~%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "memory~offset~NaN,cpu~at~99999999999999,history~bytes~0x10+0,source~file~/etc/passwd",
        "nothing,timeline-2,memory-99,__proto__~a~b,memory-0,~,,memory~~",
        ",".join(f"memory-{number}" for number in range(1000)) + "%",
    ],
)
def test_any_link_is_harmless(
    open_axion: OpenAxion, trace: Trace, panels: str, expected_errors: Any
) -> None:
    expected_errors.words += ["400", "422"]
    page = open_axion(f"#/{trace._info.name}/transition/9?panels={panels}", size=(1600, 1000))
    expect_at(page, 9)
    assert page.locator("[data-instance]").count() <= 12 + 9
    assert page.locator("img").count() == 0
    page.keyboard.press("F11")
    expect_at(page, 10)


def test_another_trace_is_no_place_for_the_addresses_of_this_one(
    open_axion: OpenAxion, demo: Path, record_program: Callable[..., Path], tmp_path: Path
) -> None:
    other = record_program("int main(void) { return 0; }")
    running = Running([demo, other], tmp_path)
    here, there = running.run_file.scenarios
    page = open_axion(f"#/{here}/transition/4000", running, size=(1600, 1000))
    another(page, "memory", "memory-2")
    show(page, "memory-2", "0x1234")
    use(page, "cpu")
    page.keyboard.press("h")
    instance(page, "calls").get_by_role("button", name="Tree").click()
    page.get_by_label("Scenario").select_option(there)
    expect(instance(page, "start")).to_contain_text("It ended well", timeout=SOON)
    # The second is still there, and follows; how the calls are shown is the same.
    assert titles(page, "Memory(?! history)") == ["Memory", "Memory 2"]
    expect(page.locator(".dv-tab", has_text="CPU · at")).to_have_count(0)
    tree = instance(page, "calls").get_by_role("button", name="Tree")
    expect(tree).to_have_attribute("aria-pressed", "true")
    page.context.close()
    running.end()
