# SPDX-License-Identifier: Apache-2.0
"""Long queries on a real server: listed, cancelled, and in nobody's way."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import reven2
from reven2.errors import QueryCancelledError

from .running import REVEN, WAIT, Running

LONG = """
static unsigned long cells[4096];
int main(void) {
    unsigned long sum = 1;
    for (unsigned long i = 0; i < 2500000; i++) {
        sum = sum * 6364136223846793005u + i;
        cells[sum % 4096] += sum;
    }
    return sum & 1;
}
"""
ASKED = 30


@pytest.fixture(scope="module")
def long_server(
    record_program: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Of a trace that takes about a second to look through."""
    trace = record_program(LONG, "-static", "-nostartfiles", "-Wl,--entry=main", "-O1")
    running = Running([trace], tmp_path_factory.mktemp("long"))
    yield running
    status, printed = running.end()
    assert (status, printed) == (0, "")


class Asking:
    """A client that asks for what is nowhere in the trace, and does not wait for the answer."""

    def __init__(self, server: Running, name: str, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
        count = server.query("transition_count")
        body = {"value": "3q2+79/K/g4=", "start": 0, "stop": count, "size": 8, "limit": 10}
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Reven-Client": name,
        }
        path = f"/api/v1/scenarios/{server.run_file.scenarios[0]}/find_value"
        self._connection.request("POST", path, json.dumps(body), headers)

    def answer(self) -> tuple[int, Any]:
        with contextlib.closing(self._connection):
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())

    def go(self) -> None:
        self._connection.close()


def listed(server: Running, name: str, token: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.json(
        "GET", "/api/v1/queries", token=token, Reven_Client=name
    )
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_they_are_listed_and_cancelled_by_who_asked(long_server: Running) -> None:
    server, viewer = long_server, long_server.run_file.read_only_token
    asked = [Asking(server, "one", viewer) for _ in range(ASKED)]
    asked.append(Asking(server, "two", viewer))
    until(lambda: bool(listed(server, "two", viewer)))
    mine = listed(server, "one", viewer)
    assert mine
    assert {(one["what"], one["own"]) for one in mine} == {("find_value", True)}
    (other,) = listed(server, "two", viewer)
    assert other["id"] not in {one["id"] for one in mine}
    path = "/api/v1/queries/{}/cancel"
    status = server.request("POST", path.format(other["id"]), token=viewer, Reven_Client="one")[0]
    assert status == 404, "that of another is not to be seen, and not to be cancelled"
    every = listed(server, "me", server.token)
    assert len(every) >= len(mine), "an owner sees all"
    assert not any(one["own"] for one in every)
    assert server.json("POST", path.format(other["id"]), Reven_Client="me") == {}
    while mine := listed(server, "one", viewer):
        for one in mine:
            # It may just have ended.
            server.request("POST", path.format(one["id"]), token=viewer, Reven_Client="one")
    answers = [one.answer() for one in asked]
    assert {status for status, _ in answers} <= {200, 499}
    cancelled = [said for status, said in answers if status == 499]
    assert len(cancelled) > ASKED // 2
    assert {said["error"] for said in cancelled} == {"QueryCancelledError"}


def test_views_and_registers_do_not_wait_for_them(long_server: Running) -> None:
    server = long_server
    viewer = server.run_file.read_only_token
    asked = [Asking(server, f"client {n}", server.token) for n in range(ASKED)]
    # The same client's, too.
    asked += [Asking(server, "me", viewer) for _ in range(5)]
    until(lambda: len(listed(server, "x", server.token)) > ASKED // 2)
    views = f"/api/v1/scenarios/{server.run_file.scenarios[0]}/views"
    bodies = {
        "registers": {"transition": 1000},
        "backtrace": {"context": 1000},
        "trace": {"first": 1000, "count": 40},
        "memory": {"context": 5, "transition": 5, "expression": "rsp", "offset": 0, "size": 64},
        "variables": {"context": 1000},
    }
    for name, body in bodies.items():
        options = {"token": viewer, "Reven_Client": "me"}
        assert server.request("POST", f"{views}/{name}", body, **options)[0] == 200, name
    assert len(listed(server, "x", server.token)) > 3, "long before the scans are done"
    for one in asked:
        one.go()
    until(lambda: not listed(server, "x", server.token))


def test_who_asks_too_much_waits_himself(long_server: Running) -> None:
    server = long_server
    greedy = [Asking(server, "greedy", server.token) for _ in range(100)]
    until(lambda: len(listed(server, "greedy", server.token)) > 20)
    refused = greedy[-1].answer()
    assert refused[0] == 429
    assert "of yours wait already" in refused[1]["message"]
    # Another's does not stand behind them.
    other = Asking(server, "other", server.token)
    assert other.answer()[0] == 200
    assert len(listed(server, "greedy", server.token)) > 10
    for one in greedy:
        one.go()
    until(lambda: not listed(server, "x", server.token))


def test_from_python_and_from_the_command_line(
    long_server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = long_server
    monkeypatch.setenv("XDG_RUNTIME_DIR", server.environment["XDG_RUNTIME_DIR"])
    raised: list[BaseException] = []
    with reven2.RevenServer("localhost", server.port) as client:
        assert client.queries == []

        def search() -> None:
            try:
                while True:
                    client.trace._service.find_value(
                        b"\xde\xad\xbe\xef\xca\xfe\xf0\x0d",
                        0,
                        client.trace.transition_count,
                        size=8,
                        limit=10 + len(raised),
                    )
                    client.trace._service._answers.clear()  # type: ignore[attr-defined]
            except QueryCancelledError as error:
                raised.append(error)

        def told() -> list[str]:
            line = [REVEN, "queries", "--port", str(server.port)]
            return subprocess.run(
                line, env=server.environment, capture_output=True, text=True, check=True
            ).stdout.splitlines()

        assert told() == ["no long queries"]
        for how in ("python", "command"):
            thread = threading.Thread(target=search)
            thread.start()
            before = len(raised)
            while len(raised) == before:
                if how == "python":
                    for one in client.queries:
                        assert one.is_own
                        assert "find_value" in repr(one)
                        with contextlib.suppress(reven2.errors.ServerError):
                            one.cancel()  # unless it has just ended
                else:
                    subprocess.run(
                        [REVEN, "queries", "--cancel", "all", "--port", str(server.port)],
                        env=server.environment,
                        capture_output=True,
                        check=False,
                    )
            thread.join(WAIT)
    assert len(raised) == 2
    unknown = subprocess.run(
        [REVEN, "queries", "--cancel", "x", "--port", str(server.port)],
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert unknown.returncode
    assert "no long query has the id" in unknown.stderr


def test_a_taint_is_one(long_server: Running) -> None:
    server = long_server
    count = server.query("transition_count")
    taint = {
        "seeds": [[0, True, 0x400000, 1 << 20]],
        "tag_count": 1,
        "first": 0,
        "last": count - 1,
        "forward": True,
        "key": "mine",
    }
    asked = {"query": taint}
    path = f"/api/v1/scenarios/{server.run_file.scenarios[0]}/taint_status"
    viewer = {"token": server.run_file.read_only_token, "Reven_Client": "tainter"}
    too_much = {"query": {**taint, "seeds": [[0, True, 0, 1 << 40]]}}
    assert server.request("POST", path, too_much, **viewer)[0] == 400
    status = server.json("POST", path, asked, **viewer)
    while not status["finished"] and not status["cancelled"]:
        for one in listed(server, "tainter", viewer["token"]):
            assert one["what"] == "taint"
            server.request("POST", f"/api/v1/queries/{one['id']}/cancel", **viewer)
        status = server.json("POST", path, asked, **viewer)
    assert status["error"] == ""
    assert msgspec.json.encode(status)
    until(lambda: not listed(server, "x", server.token))


@pytest.mark.parametrize("role", ["viewer", "editor", "owner"])
def test_a_link_for_a_role(long_server: Running, role: str) -> None:
    server = long_server
    line = [REVEN, "link", "--role", role, "--lifetime", "8h", "--port", str(server.port), "--json"]
    told = subprocess.run(line, env=server.environment, capture_output=True, check=True).stdout
    link = json.loads(told)
    assert (link["role"], link["seconds"]) == (role, 8 * 3600)
    code = link["address"].partition("code=")[2]
    status, _, given = server.request("POST", "/login", {"code": code}, token="")
    assert (status, json.loads(given)["role"]) == (200, role)


def test_a_link_of_no_server_or_for_no_time(long_server: Running) -> None:
    for options, said in (
        (("--port", "1"), "no server of yours runs on port 1"),
        (("--lifetime", "soon", "--port", str(long_server.port)), "is no length of time"),
    ):
        ended = subprocess.run(
            [REVEN, "link", *options],
            env=long_server.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode
        assert said in ended.stderr
