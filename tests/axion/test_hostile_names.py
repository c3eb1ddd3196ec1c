# SPDX-License-Identifier: Apache-2.0
"""What a program, a trace and other people name is shown, and never becomes part of the page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Request, expect

import reven2
from reven.record import record
from tests.axion.conftest import SOON, OpenAxion, panel
from tests.server.running import Running

IMAGE = "<img src=stolen onerror=document.title='taken'>"
SCRIPT = "<script>document.title='taken'</script>"

PROGRAM = rf"""
#include <stdio.h>
int main(int argc, char **argv) {{
    puts("{IMAGE}");
    puts("{SCRIPT}");
    fflush(stdout);
    FILE *file = fopen(argv[1], "r");
    return file ? 1 : 3;
}}
"""


@pytest.fixture
def running(compile_program: Callable[..., Path], tmp_path: Path) -> Iterator[Running]:
    program = tmp_path / IMAGE
    shutil.copy(compile_program(PROGRAM, "-g"), program)
    trace = tmp_path / "names.reven"
    record([str(program), SCRIPT.replace("/", "|") + IMAGE], trace)
    with reven2.open(trace) as server:
        server.bookmarks.add(server.trace.transition(7), IMAGE)
    running = Running([trace], tmp_path)
    yield running
    running.end()


def test_names_and_texts_are_never_markup(running: Running, open_axion: OpenAxion) -> None:
    page = open_axion("", running, (1600, 1000))
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    expect(panel(page, "start")).to_contain_text("3", timeout=SOON)
    for title, name, text in (
        ("Bookmarks", "bookmarks", IMAGE),
        ("Output", "output", IMAGE),
        ("System calls", "syscalls", "write"),
        ("Source", "source", "program.c"),
        ("Findings", "findings", "finding"),
        ("Trace", "trace", "main"),
    ):
        page.locator(".dv-tab").filter(has_text=title).first.click()
        expect(panel(page, name)).to_contain_text(text, timeout=SOON)
    assert "taken" not in page.title()
    assert page.locator("img").count() == 0
    assert not [url for url in asked if "stolen" in url]


@pytest.mark.parametrize("markup", [IMAGE, SCRIPT])
def test_pages_of_notebooks_neither(
    markup: str, compile_program: Callable[..., Path], tmp_path: Path
) -> None:
    trace = tmp_path / "names.reven"
    record([str(compile_program(PROGRAM, "-g")), markup], trace)
    with reven2.open(trace) as server:
        server.bookmarks.add(server.trace.transition(7), markup)
        things: list[object] = [
            *(server.trace, server.trace.syscalls, server.trace.explain(), server.ossi),
            *(server.bookmarks, *server.bookmarks.all(), *server.trace.syscalls.files),
            *(call for call in server.trace.syscalls if markup[:4] in str(call)),
        ]
        shown = [html() for one in things if (html := getattr(one, "_repr_html_", None))]
    assert shown
    assert not [html for html in shown if markup[:4] in html]
