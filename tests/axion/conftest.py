# SPDX-License-Identifier: Apache-2.0
"""Axion as its users have it: a real server, a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import reven2
from tests.server.running import Running

CHROMIUM = "/usr/bin/chromium"
BEGINNING = "beginning"
"""As a place to open: the first transition of the first scenario."""
SOON = 60_000
"""Milliseconds that a busy machine may take to show something."""

DEMO = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct node { int value; char name[12]; struct node *next; };
struct node *list;
long total;
double mean;

__attribute__((noinline)) int parse(const char *text) {
    int value = 0;
    while (*text) value = value * 10 + (*text++ - '0');
    return value;
}

__attribute__((noinline)) void add(const char *text) {
    struct node *node = malloc(sizeof *node);
    node->value = parse(text);
    strcpy(node->name, "node-");
    strcat(node->name, text);
    node->next = list;
    list = node;
}

__attribute__((noinline)) long sum(const struct node *node) {
    return node ? node->value + sum(node->next) : 0;
}

int main(void) {
    char text[8];
    for (int i = 1; i <= 12; i++) {
        snprintf(text, sizeof text, "%d", i * 7);
        add(text);
    }
    total = sum(list);
    mean = total / 12.0;
    printf("%ld %f\n", total, mean);
    return 0;
}
"""

OpenAxion = Callable[..., Page]


@pytest.fixture(scope="session")
def demo(record_program: Callable[..., Path]) -> Path:
    """The trace of a program with functions, a list on the heap, strings and floats."""
    return record_program(DEMO)


@pytest.fixture(scope="module")
def server(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of the demo's trace, for the tests of a module."""
    running = Running([demo], tmp_path_factory.mktemp("axion"))
    yield running
    running.end()


@pytest.fixture(scope="module")
def opened(demo: Path) -> Iterator[reven2.OpenTrace]:
    """The same trace by reven2: what the views must agree with."""
    with reven2.open(demo) as server:
        yield server


@pytest.fixture
def trace(opened: reven2.OpenTrace) -> reven2.trace.Trace:
    return opened.trace


@pytest.fixture
def first_run_of(opened: reven2.OpenTrace) -> Callable[[str], reven2.trace.Transition]:
    """`first_run_of(name)`: the first transition in a function of the program."""
    return lambda name: runs_of(opened, name)[0]


def runs_of(opened: reven2.OpenTrace, name: str) -> list[reven2.trace.Transition]:
    """The first transitions of all calls of a function of the program."""
    (symbol,) = opened.ossi.symbols(f"^{name}$", binary_hint="program")
    return [context.transition_after() for context in opened.trace.search.symbol(symbol)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # No longer than these tests: while Playwright runs, asyncio.run() is refused.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Expected:
    """Words of console errors that a test brings about itself."""

    def __init__(self) -> None:
        self.words: list[str] = []


@pytest.fixture
def expected_errors() -> Expected:
    return Expected()


@pytest.fixture
def open_axion(browser: Browser, server: Running, expected_errors: Expected) -> Iterator[OpenAxion]:
    """`open_axion(hash=BEGINNING, server=server, size=(1280, 720), logged_in=True) -> Page`: Axion
    in a window of its own, at the first transition of the first scenario unless it is said
    otherwise, which must not have complained when the test ends."""
    pages: list[Page] = []
    complaints: list[str] = []

    def complain(text: str) -> None:
        if not any(word in text for word in expected_errors.words):
            complaints.append(text)

    def open_(
        place: str = BEGINNING,
        server: Running = server,
        size: tuple[int, int] = (1280, 720),
        *,
        logged_in: bool = True,
    ) -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        context.set_default_timeout(SOON)
        url = f"http://localhost:{server.port}"
        if logged_in:
            kept = json.dumps(server.token)
            context.add_init_script(f"localStorage['reven.secret'] ??= {kept}")
            if place == BEGINNING:
                place = f"#/{server.run_file.scenarios[0]}/transition/0"
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("console", lambda said: complain(said.text) if said.type == "error" else None)
        page.goto(f"{url}/{'' if place == BEGINNING else place}")
        if logged_in and "/transition/" in place:
            expect(panel(page, "trace").get_by_role("option").first).to_be_visible(timeout=SOON)
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert complaints == []


def panel(page: Page, name: str) -> Any:
    """The panel of an id."""
    return page.locator(f'[data-panel="{name}"]')
