# SPDX-License-Identifier: Apache-2.0
"""Queries over HTTP: the same answers, in few requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reven2
from reven2._client.remote import _RemoteService
from reven2._service import KIND_INSTRUCTION

Connect = Callable[..., reven2.RevenServer]

SAME_SERVER = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20
)


@pytest.fixture
def local(trace_path: Path) -> Iterator[reven2.OpenTrace]:
    with reven2.open(trace_path) as opened:
        yield opened


@pytest.fixture
def requests(server: reven2.RevenServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that `server` asks for, as it does."""
    asked: list[str] = []
    request = server._connection.request

    def counted(method: str, path: str, body: bytes | None, media_type: str) -> bytes:
        asked.append(path.rpartition("/")[2])
        return request(method, path, body, media_type)

    monkeypatch.setattr(server._connection, "request", counted)
    return asked


@given(numbers=st.lists(st.integers(0, 7000), min_size=1, max_size=60), step=st.integers(-3, 3))
@SAME_SERVER
def test_registers_are_those_of_the_trace(
    server: reven2.RevenServer, local: reven2.OpenTrace, numbers: list[int], step: int
) -> None:
    count = server.trace.transition_count
    pages = server.trace._registers
    pages.clear()
    for start in numbers:
        for number in range(start, start + 40 * step, step or 1):
            context = max(0, min(number, count))
            assert pages.at(context, count) == local.trace._service.registers([context])


def test_a_loop_does_not_cost_a_request_each(
    server: reven2.RevenServer, local: reven2.OpenTrace, requests: list[str]
) -> None:
    texts = [str(transition) for transition in server.trace.transitions()]
    assert texts == [str(transition) for transition in local.trace.transitions()]
    assert len(requests) < 20
    requests.clear()
    rax = reven2.arch.x64.rax
    for number in range(2000):
        assert server.trace.context_before(number).read(rax) == local.trace.context_before(
            number
        ).read(rax)
    assert len(requests) < 12


def test_a_loop_that_ends_early_gets_what_it_asked_for(server: reven2.RevenServer) -> None:
    numbers = [transition.id for transition in server.trace.transitions(3, 2500)]
    assert numbers == list(range(3, 2500))


def test_the_same_question_is_asked_once(server: reven2.RevenServer, requests: list[str]) -> None:
    context = server.trace.context_before(700)
    rsp = reven2.arch.x64.rsp
    for _ in range(3):
        context.read(context.read(rsp), 8)
        list(server.trace.memory_accesses(context.read(rsp), 8))
        context.ossi.location()
    assert sorted(requests) == sorted(set(requests))


@pytest.mark.parametrize("forward", [True, False])
@given(part=st.integers(1, 9000), limit=st.integers(1, 300))
@SAME_SERVER
def test_a_search_in_parts_finds_the_same(
    server: reven2.RevenServer, local: reven2.OpenTrace, forward: bool, part: int, limit: int
) -> None:
    service = server.trace._service
    assert isinstance(service, _RemoteService)
    page = service.transitions(0, 200)
    assert page.kind[100] == KIND_INSTRUCTION
    pc = server.trace.transition(100).pc
    count = server.trace.transition_count
    for trace in (server.trace, local.trace):
        assert trace.transition(100).pc == pc

    def all_pages(source: reven2.OpenTrace) -> list[int]:
        found: list[int] = []
        low, high = 0, count
        while low < high:
            answer = source.trace._service.find_pcs(
                [(pc, pc + 1)], low, high, forward=forward, limit=limit
            )
            found += reven2._service.column(answer.transition, "Q")
            if answer.next is None:
                break
            low, high = (answer.next, high) if forward else (low, answer.next)
        return found

    service._answers.clear()
    service._search_size = part
    assert all_pages(server) == all_pages(local)


def test_progress_is_shown_on_a_terminal_only(
    server: reven2.RevenServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reven2._client.remote, "_PROGRESS_AFTER", 0.0)
    monkeypatch.setattr(reven2._client.remote, "_SEARCH_SECONDS", (-1.0, 1e9))
    service = server.trace._service
    assert isinstance(service, _RemoteService)
    service._search_size = 500
    assert list(server.trace.search.pc(1)) == []
    assert capsys.readouterr().err == ""
    service._answers.clear()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(server.trace.search.pc(1)) == []
    assert server.trace.first_context.find_memory_change(1, 1) is None
    shown = capsys.readouterr().err
    assert "searching … 0 s" in shown
    assert shown.endswith("\r\x1b[K")
