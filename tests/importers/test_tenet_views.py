# SPDX-License-Identifier: Apache-2.0
"""What a server, Axion's views and expressions say of an imported trace."""

from __future__ import annotations

from typing import Any

import pytest

from reven.expressions import evaluate
from reven.server.views import VIEWS
from reven.service.local import LocalService
from reven2.errors import RegisterReadError, TraceError
from tests.importers.tenet_texts import FULL, import_text

TEXT = f"{FULL},rip=0x1000\nrax=0x5000,rip=0x1003\nrbx=0x7,rip=0x1005,mr=0x5000:0700000000000000\n"


@pytest.fixture
def service(tmp_path):
    opened = LocalService(import_text(TEXT, tmp_path))
    yield opened
    opened.close()


def show(service: LocalService, name: str, **arguments: Any) -> Any:
    view = VIEWS[name]
    return view.show(service, view.arguments(**arguments))


def test_the_views_of_axion_show_what_there_is(service):
    trace = show(service, "trace", first=0, count=10)
    assert [row.pc for row in trace.rows] == ["0x1000", "0x1003"]
    assert "(unknown)" in str(trace)
    registers = show(service, "registers", transition=1)
    assert [one.name for one in registers.general][:3] == ["rax", "rbx", "rcx"]
    assert (registers.flags, registers.vectors, registers.others) == ([], [], [])
    history = show(service, "history", address="0x5000", size=8, start=0, forward=True, limit=10)
    assert [(row.transition, row.is_write, row.value) for row in history.rows] == [
        (1, False, "0x7")
    ]
    memory = show(service, "memory", context=2, transition=1, expression="rax", offset=0, size=16)
    assert memory.bytes == "07" + "00" * 7 + "??" * 8


def test_expressions_know_only_the_registers_that_there_are(service):
    assert evaluate(service, 1, "rax+8") == 0x5008
    with pytest.raises(RegisterReadError, match="does not hold it"):
        evaluate(service, 1, "fs:0x28")


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda service: service.frames(1), "calls cannot be found"),
        (lambda service: service.step(0, forward=True, over=True), "calls cannot be found"),
        (lambda service: service.allocations(first=0, limit=1), "allocations cannot be found"),
        (lambda service: service.origin(1, False, 0, 8, limit=1), "cannot be told"),
    ],
)
def test_what_follows_instructions_is_refused(service, ask, why):
    with pytest.raises(TraceError, match=why):
        ask(service)


def test_indexing_ahead_of_questions_leaves_calls_out(service):
    service.build_calls(None)
    assert service.transition_count() == 2
