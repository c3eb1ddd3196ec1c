# SPDX-License-Identifier: Apache-2.0
"""The first screen, findings, and where a value comes from: of a program that uses a record
after its end, and crashes by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import reven2
from reven2.preview.bugs import BugKind, find
from reven2.preview.taint import origin_tree
from tests.axion.conftest import SOON, OpenAxion, panel, runs_of
from tests.server.running import Running

DANGLING = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shape { long (*area)(long); long side; };

__attribute__((noinline)) long square(long side) { return side * side; }

__attribute__((noinline)) struct shape *make(long side) {
    struct shape *made = malloc(sizeof *made);
    made->area = square;
    made->side = side;
    return made;
}

__attribute__((noinline)) long measure(struct shape *one) { return one->area(one->side); }

__attribute__((noinline)) void drop(struct shape *one) { free(one); }

int main(void) {
    struct shape *kept[2] = {make(7), make(8)};
    printf("%ld\n", measure(kept[0]));
    fflush(stdout);
    drop(kept[0]);
    char *note = malloc(sizeof *kept[0]);
    memcpy(note, "\x11\x22\x33\x44\x55\x66\x77\x08note", 13);
    return (int)measure(kept[0]);
}
"""


@pytest.fixture(scope="module")
def dangling(
    record_program: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, reven2.OpenTrace]]:
    trace = record_program(DANGLING)
    running = Running([trace], tmp_path_factory.mktemp("story"))
    with reven2.open(trace) as opened:
        yield running, opened
    running.end()


def position(page: Page) -> int:
    text = page.get_by_role("group", name="Position").locator("b").inner_text()
    return int(text.removeprefix("#").replace(",", ""))


def test_the_first_screen_says_what_happened_and_stands_where_it_did(
    open_axion: OpenAxion, dangling: tuple[Running, reven2.OpenTrace]
) -> None:
    running, opened = dangling
    page = open_axion("", running)
    start = panel(page, "start")
    end = opened.trace.end
    assert end is not None
    expect(start).to_contain_text(str(end), timeout=SOON)
    expect(start).to_contain_text(re.compile(r"measure, program\.c:\d+"))
    why = opened.trace.explain()
    assert why.first_wrong is not None
    first = why.first_wrong.transition
    assert first is not None
    expect(start).to_contain_text(why.kind, timeout=SOON)
    # Nobody has gone elsewhere, so the page stands where it first went wrong.
    expect(page.get_by_role("group", name="Position")).to_contain_text(f"#{first.id:,}")
    expect(panel(page, "calls").get_by_role("listitem").first).to_contain_text("measure")
    (bug,) = list(find(opened.trace, BugKind.UseAfterFree))[:1]
    finding = start.get_by_role("listitem").filter(has_text="use-after-free").first
    expect(finding).to_be_visible(timeout=SOON)
    finding.get_by_role("button").click()
    expect(page.get_by_role("group", name="Position")).to_contain_text(f"#{bug.transition.id:,}")


def test_where_the_person_goes_first_is_not_overruled(
    open_axion: OpenAxion, dangling: tuple[Running, reven2.OpenTrace]
) -> None:
    running, opened = dangling
    page = open_axion(f"#/{opened.scenario_name}/transition/5", running)
    expect(panel(page, "trace")).to_be_visible()
    assert position(page) == 5


def test_a_program_that_ended_well_begins_in_main(
    open_axion: OpenAxion, opened: reven2.OpenTrace
) -> None:
    page = open_axion("")
    expect(panel(page, "start")).to_contain_text("It ended well", timeout=SOON)
    expect(page.get_by_role("group", name="Position")).to_contain_text(
        f"#{runs_of(opened, 'main')[0].id:,}"
    )


def test_o_tells_where_the_selection_comes_from(
    open_axion: OpenAxion, dangling: tuple[Running, reven2.OpenTrace]
) -> None:
    running, opened = dangling
    moment = runs_of(opened, "measure")[1].context_before()
    told = [path.hops[step] for _, path, step in origin_tree(moment, "rdi").story()]
    steps = [hop.transition for hop in told]
    link = f"#/{opened.scenario_name}/transition/{moment._id}?register=rdi"
    page = open_axion(link, running)
    page.keyboard.press("o")
    story = panel(page, "origin")
    rows = story.get_by_role("listitem")
    expect(story).to_contain_text(f"{len(steps)} steps", timeout=SOON)
    for number in range(3):
        step = steps[number]
        assert step is not None
        expect(rows.nth(number)).to_contain_text(f"#{step.id:,}")
    assert steps[1] is not None
    rows.nth(1).get_by_role("button").first.click()
    expect(page.get_by_role("group", name="Position")).to_contain_text(f"#{steps[1].id:,}")
    # What the story is of stays, and comes back with a link.
    expect(story).to_contain_text(f"{len(steps)} steps")
    page.wait_for_url(re.compile("panels=.*origin"))
    again = open_axion("#" + page.url.partition("#")[2], running)
    again.locator(".dv-tab").filter(has_text="Where from").click()
    expect(panel(again, "origin")).to_contain_text(f"{len(steps)} steps", timeout=SOON)


def test_with_nothing_selected_o_says_what_to_do(open_axion: OpenAxion) -> None:
    page = open_axion()
    page.keyboard.press("o")
    expect(page.get_by_role("status")).to_contain_text("Select a register")


def test_findings_lead_to_their_moments(
    open_axion: OpenAxion, dangling: tuple[Running, reven2.OpenTrace]
) -> None:
    running, opened = dangling
    page = open_axion(f"#/{opened.scenario_name}/transition/0", running)
    page.keyboard.press("Control+K")
    page.keyboard.type("Show Findings")
    page.keyboard.press("Enter")
    row = panel(page, "findings").get_by_role("listitem").first
    expect(row).to_contain_text("use-after-free", timeout=SOON)
    (bug,) = list(find(opened.trace, BugKind.UseAfterFree))[:1]
    assert bug.allocation is not None
    assert bug.allocation.freed is not None
    row.get_by_role("button", name=re.compile("^freed by")).click()
    expect(page.get_by_role("group", name="Position")).to_contain_text(
        f"#{bug.allocation.freed.transition.id:,}"
    )
    row.get_by_role("button").first.click()
    expect(panel(page, "memory").locator(".hex .byte.chosen")).to_have_count(bug.size)
