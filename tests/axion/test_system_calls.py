# SPDX-License-Identifier: Apache-2.0
"""System calls and output as panels: what the kernel did, and what the terminal showed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import reven2
from tests.axion.conftest import SOON, OpenAxion, panel
from tests.server.running import Running

WRITES = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say(int descriptor, const char *text) {
    if (write(descriptor, text, strlen(text)) < 0) _exit(9);
}

int main(int argc, char **argv) {
    say(argc - 1, "first ");
    say(1, "line\nsecond \x1b[31mred\x1b[0m line\n");
    say(2, "an error\n");
    if (open("/nonexistent/file", O_RDONLY) >= 0) return 8;
    int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    say(file, "in the file\n");
    close(file);
    for (int i = 0; i < 300; i++) lseek(0, 0, SEEK_CUR);
    say(1, "last");
    return 0;
}
"""

Writer = tuple[Running, reven2.OpenTrace]


@pytest.fixture(scope="module")
def writer(
    record_program: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Writer]:
    folder = tmp_path_factory.mktemp("writer")
    trace = record_program(WRITES, arguments=[str(folder / "kept.txt")])
    running = Running([trace], folder)
    with reven2.open(trace) as opened:
        yield running, opened
    running.end()


def open_panel(page: Page, title: str) -> None:
    page.locator(".dv-tab").filter(has_text=title).click()


def expect_at(page: Page, transition: int) -> None:
    expect(page.get_by_role("group", name="Position")).to_contain_text(
        f"#{transition:,}", timeout=SOON
    )


def begin(open_axion: OpenAxion, writer: Writer, transition: int, title: str) -> Page:
    running, opened = writer
    page = open_axion(f"#/{opened.scenario_name}/transition/{transition}", running, (1600, 1000))
    open_panel(page, title)
    return page


def transition_of(opened: reven2.OpenTrace, text: str) -> int:
    calls = [call for call in opened.trace.syscalls if text in str(call)]
    return calls[0].transition.id


def test_system_calls_are_listed_around_the_moment(open_axion: OpenAxion, writer: Writer) -> None:
    _, opened = writer
    failed = transition_of(opened, "/nonexistent/file")
    page = begin(open_axion, writer, failed - 3, "System calls")
    calls = panel(page, "syscalls")
    total = sum(1 for _ in opened.trace.syscalls)
    expect(calls).to_contain_text(str(total), timeout=SOON)
    row = calls.get_by_role("option").filter(has_text="/nonexistent/file")
    expect(row).to_be_visible(timeout=SOON)
    expect(row).to_contain_text("-1 ENOENT")
    row.click()
    expect_at(page, failed)
    expect(row).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect_at(page, transition_of(opened, "kept.txt"))


def test_a_filter_leaves_names_groups_failures_and_text(
    open_axion: OpenAxion, writer: Writer
) -> None:
    _, opened = writer
    page = begin(open_axion, writer, 0, "System calls")
    calls = panel(page, "syscalls")
    rows = calls.get_by_role("option")
    words = calls.get_by_role("textbox", name="Filter")
    words.fill("lseek")
    words.press("Enter")
    expect(calls).to_contain_text("300", timeout=SOON)
    for text in rows.all_inner_texts():
        assert "lseek" in text
    words.fill("openat KEPT.txt")
    words.press("Enter")
    expect(rows).to_have_count(1, timeout=SOON)
    expect(rows).to_contain_text("kept.txt")
    words.fill("")
    words.press("Enter")
    calls.get_by_role("button", name="failed").click()
    failed = sum(1 for call in opened.trace.syscalls if call.error)
    expect(calls).to_contain_text(str(failed), timeout=SOON)
    words.fill("no such words")
    words.press("Enter")
    expect(calls).to_contain_text("No system call matches", timeout=SOON)
    calls.get_by_role("button", name="Show all").click()
    expect(rows.first).to_be_visible(timeout=SOON)


def test_output_is_what_had_been_written(open_axion: OpenAxion, writer: Writer) -> None:
    _, opened = writer
    error = transition_of(opened, "an error")
    page = begin(open_axion, writer, error, "Output")
    output = panel(page, "output")
    lines = output.get_by_role("listbox").get_by_role("option")
    # Escapes of the program are shown, never obeyed.
    expect(lines).to_have_text(
        ["first line", r"second \x1b[31mred\x1b[0m line", "an error", "last"], timeout=SOON
    )
    expect(output.locator(".later")).to_have_text(["an error", "last"])
    expect(lines.nth(1)).to_have_attribute("aria-selected", "true")
    output.focus()
    output.get_by_role("listbox").press("ArrowDown")
    expect_at(page, transition_of(opened, '"last"'))
    expect(output.locator(".later")).to_have_text(["last"])


def test_a_word_of_the_output_leads_to_its_write_and_bytes(
    open_axion: OpenAxion, writer: Writer
) -> None:
    _, opened = writer
    error = transition_of(opened, "an error")
    page = begin(open_axion, writer, 0, "Output")
    part = panel(page, "output").get_by_text("an error", exact=True)
    expect(part).to_be_visible(timeout=SOON)
    box = part.bounding_box()
    assert box is not None
    part.click(position={"x": box["width"] - 6, "y": box["height"] / 2})
    expect_at(page, error)
    page.wait_for_url(re.compile(r"address=0x[0-9a-f]+"))
    found = re.search(r"address=(0x[0-9a-f]+)&size=(\d+)", page.url)
    assert found, page.url
    context = opened.trace.transition(error).context_before()
    address = reven2.address.LinearAddress(int(found[1], 16))
    assert context.read(address, int(found[2]), raw=True) == b"error"


def test_other_files_are_chosen_by_name(open_axion: OpenAxion, writer: Writer) -> None:
    page = begin(open_axion, writer, 0, "Output")
    output = panel(page, "output")
    choice = output.get_by_role("combobox")
    expect(choice).to_contain_text("kept.txt", timeout=SOON)
    options = choice.get_by_role("option").all_inner_texts()
    (number,) = [at for at, text in enumerate(options) if "kept.txt" in text]
    choice.select_option(index=number)
    expect(output.locator(".part")).to_have_text(["in the file"], timeout=SOON)
