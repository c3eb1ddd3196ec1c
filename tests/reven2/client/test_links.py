# SPDX-License-Identifier: Apache-2.0
"""Links lead to the server of the trace that they are about, whoever else is connected."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.address import LinearAddress, _AbstractAddress
from reven2.types import U64, Pointer

from .conftest import Served

Connect = Callable[..., reven2.RevenServer]


@pytest.fixture
def two(
    serve_traces: object, trace_path: Path, other_path: Path, connect: Connect
) -> Iterator[tuple[reven2.RevenServer, reven2.RevenServer]]:
    """Two servers, of a trace each."""
    running = Served(trace_path), Served(other_path)
    yield (
        connect(running[0].port, scenario=trace_path.stem),
        connect(running[1].port, scenario=other_path.stem),
    )
    for one in running:
        one.kill()


def addresses(server: reven2.RevenServer) -> Iterator[_AbstractAddress]:
    """What a trace gives that is an address, from everywhere."""
    trace = server.trace
    access = next(trace.memory_accesses())
    yield access.virtual_address
    yield access.physical_address
    yield access.virtual_address + 8
    yield 8 + access.virtual_address - 4
    context = trace.context_before(5)
    yield context.read(reven2.arch.x64.rsp, Pointer(U64))
    yield context.read(reven2.arch.x64.rsp, Pointer(U64)).address
    mapped, _ = next(iter(context.physical_memory_regions()))
    yield mapped
    translated = LinearAddress(mapped.offset).translate(context)
    assert translated is not None
    yield translated
    yield copy.deepcopy(access.virtual_address)


def test_each_link_is_of_the_server_of_its_trace(
    two: tuple[reven2.RevenServer, reven2.RevenServer],
) -> None:
    for server in (*two, *reversed(two)):
        page = f"http://localhost:{server.port}/"
        shown: list[Any] = [*addresses(server), server.trace.transition(3)]
        for one in shown:
            html = one.format_as_html()
            assert f'href="{page}#/{server.scenario_name}/' in html, one
            assert f'data-publish="{page}api/v1/links/publish"' in html, one
        access = next(server.trace.memory_accesses())
        assert access.format_as_html().count(page) == 4


def test_of_an_address_that_somebody_wrote_nothing_tells_the_server(
    two: tuple[reven2.RevenServer, reven2.RevenServer],
) -> None:
    one, other = two
    written = LinearAddress(0x1000)
    taken = pickle.loads(pickle.dumps(next(one.trace.memory_accesses()).virtual_address))
    assert written.format_as_html() == "lin:0x1000"
    assert taken.format_as_html() == str(taken)
    other.close()
    assert f"http://localhost:{one.port}/" in written.format_as_html()
    assert f"http://localhost:{one.port}/" in (taken + 1).format_as_html()
    one.close()
    assert written.format_as_html() == "lin:0x1000"


def test_an_open_trace_has_no_links(server: reven2.RevenServer, other_path: Path) -> None:
    with reven2.open(other_path) as opened:
        address = next(opened.trace.memory_accesses()).virtual_address
        assert address.format_as_html() == str(address)
