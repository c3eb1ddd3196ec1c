# SPDX-License-Identifier: Apache-2.0
"""Links in a JupyterLab notebook publish what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import reven2
from reven2.session import AddressEvent, Listener, TransitionEvent

OpenNotebook = Callable[..., Page]

PROGRAM = "int main(void) { return 0; }"
CONNECT = 'import reven2\nserver = reven2.RevenServer("localhost", {port})\n'
SOON = 20


@pytest.fixture
def port(record_program: Callable[..., Path], serve_traces: Callable[..., int]) -> int:
    return serve_traces(record_program(PROGRAM))


@pytest.fixture
def server(port: int) -> Iterator[reven2.RevenServer]:
    with reven2.RevenServer("localhost", port) as connected:
        yield connected


def listen_anew(server: reven2.RevenServer, session: str = "default") -> Listener:
    """Listen, without the latest event of another test."""
    listener = server.sessions.listen(session)
    while listener.next_event(0.5) is not None:
        pass
    return listener


def run_cell(page: Page, number: int) -> Any:
    """Run a cell and give it."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(number)
    cell.locator(".jp-InputPrompt").first.click()
    page.locator('[data-command="notebook:run-cell-and-select-next"]').first.click()
    return cell


def test_a_click_publishes_the_transition(
    open_notebook: OpenNotebook, server: reven2.RevenServer
) -> None:
    page = open_notebook(CONNECT.format(port=server.port) + "server.trace.transition(100)")
    link = run_cell(page, 0).locator(".jp-OutputArea-output a")
    expect(link).to_have_text("#100", timeout=SOON * 1000)
    with listen_anew(server) as listener:
        link.click()
        event = listener.next_event(SOON)
        assert isinstance(event, TransitionEvent)
        assert event.transition == server.trace.transition(100)
        assert event.origin.kind == "notebook"
        expect(link.locator("sup")).to_have_text(" ✓")
    link.click()
    expect(link.locator("sup")).to_have_text(" ∅")


def test_a_click_publishes_an_address(
    open_notebook: OpenNotebook, server: reven2.RevenServer
) -> None:
    page = open_notebook(
        CONNECT.format(port=server.port) + "reven2.address.LogicalAddress(0x28, reven2.arch.x64.fs)"
    )
    link = run_cell(page, 0).locator(".jp-OutputArea-output a")
    expect(link).to_have_text("fs:0x28", timeout=SOON * 1000)
    with listen_anew(server) as listener:
        link.click()
        event = listener.next_event(SOON)
        assert isinstance(event, AddressEvent)
        assert event.address == reven2.address.LogicalAddress(0x28, reven2.arch.x64.fs)


def test_a_click_counts_for_the_sessions_tracked_then_even_while_the_kernel_is_busy(
    open_notebook: OpenNotebook, server: reven2.RevenServer
) -> None:
    page = open_notebook(
        CONNECT.format(port=server.port) + "server.trace.transition(7)",
        "server.sessions.tracked = 'later'\nprint('busy', flush=True)\n"
        "import time\ntime.sleep(3600)",
    )
    link = run_cell(page, 0).locator(".jp-OutputArea-output a")
    expect(link).to_have_text("#7", timeout=SOON * 1000)
    busy = run_cell(page, 1)
    expect(busy.locator(".jp-OutputArea-output")).to_have_text("busy\n", timeout=SOON * 1000)
    with listen_anew(server, "later") as later, listen_anew(server) as default:
        link.click()
        event = later.next_event(SOON)
        assert event is not None
        assert str(event) == "#7"
        assert default.next_event(0.2) is None


def test_lists_and_iterators_are_tables_of_links(
    open_notebook: OpenNotebook, server: reven2.RevenServer
) -> None:
    page = open_notebook(
        CONNECT.format(port=server.port) + "server.trace.transitions(10, 200)",
        "[server.trace.transition(3), server.trace.transition(5)]",
        "list(server.trace.transition(0).memory_accesses())",
        "[1, 2]",
    )
    table = run_cell(page, 0).locator(".jp-OutputArea-output")
    expect(table.locator("tr")).to_have_count(50, timeout=SOON * 1000)
    expect(table.locator("tr a").first).to_have_text("#10")
    expect(table).to_contain_text("… and 140 more")
    rows = run_cell(page, 1).locator(".jp-OutputArea-output tr")
    expect(rows).to_have_count(2, timeout=SOON * 1000)
    expect(rows.nth(1)).to_contain_text(str(server.trace.transition(5).instruction).strip())
    expect(run_cell(page, 3).locator(".jp-OutputArea-output")).to_have_text(
        "[1, 2]", timeout=SOON * 1000
    )


def test_without_javascript_the_link_opens_the_page(server: reven2.RevenServer) -> None:
    html = server.trace.transition(12).format_as_html()
    url = f"http://localhost:{server.port}/#/{server.scenario_name}/12"
    assert f'href="{url}"' in html
    assert html.endswith(">#12</a>")
