# SPDX-License-Identifier: Apache-2.0
"""An editor over a recorded program: the client that VS Code's adapters are tested with."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reven2

from .compatibility import Claims
from .conftest import REVEN
from .programs import DEBUGGED, DEBUGGED_FLAGS

FOLDER = Path(__file__).parent / "dap"
Ask = Callable[..., list[Any]]
THREAD = {"threadId": 1}


@pytest.fixture(scope="module")
def trace(record_program: Any) -> Path:
    path: Path = record_program(DEBUGGED, *DEBUGGED_FLAGS)
    return path


@pytest.fixture(scope="module")
def source(trace: Path) -> str:
    with reven2.open(trace) as server:
        return next(
            one.path for one in server.trace._service.source_files() if one.binary == "program"
            or one.path.endswith("program.c")
        )  # fmt: skip


@pytest.fixture
def ask(start_bridge: Any, trace: Path) -> Ask:
    """`ask(*requests) -> answers`, after the trace is launched; a request is its name, or that and
    its arguments."""
    address = start_bridge("dap")

    def run(*requests: Any, launch: dict[str, Any] | None = None) -> list[Any]:
        first = [
            ("initialize", {"adapterID": "reven"}),
            ("launch", launch or {"trace": str(trace)}),
        ]
        named = [one if isinstance(one, tuple) else (one, {}) for one in requests]
        given: dict[str, Any] = {
            "port": int(address.rpartition(":")[2]),
            "requests": [*first, *named],
        }
        done = subprocess.run(
            ["node", "client.cjs", json.dumps(given)],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(given["requests"]), done.stderr
        return answers[2:]

    return run


def line_of(text: str) -> int:
    return DEBUGGED.split(text)[0].count("\n") + 1


def test_breakpoints_steps_and_back(ask: Ask, source: str, claims: Claims) -> None:
    line = line_of("int sum = a + b")
    stack = ("stackTrace", {**THREAD, "levels": 3})
    said = ask(
        ("setBreakpoints", {"source": {"path": source},
                            "breakpoints": [{"line": line, "condition": "a == 4"}, {"line": 1}]}),
        "configurationDone",
        ("continue", THREAD), stack,
        ("stepOut", THREAD), stack,
        ("next", THREAD), stack,
        ("setBreakpoints", {"source": {"path": source}, "breakpoints": []}),
        ("stepBack", THREAD), stack,
        ("stepBack", {**THREAD, "granularity": "instruction"}), stack,
        ("setFunctionBreakpoints", {"breakpoints": [{"name": "sum_of"}, {"name": "nothing_such"}]}),
        ("reverseContinue", THREAD), stack,
        ("stepIn", THREAD), ("setFunctionBreakpoints", {"breakpoints": []}),
        ("reven/reverseStepOut", THREAD), stack,
        ("reverseContinue", THREAD),
    )  # fmt: skip
    assert [one["verified"] for one in said[0]["breakpoints"]] == [True, False]
    assert said[2]["stopped"]["reason"] == "breakpoint"
    assert said[2]["stopped"]["hitBreakpointIds"] == [said[0]["breakpoints"][0]["id"]]

    def top(answer: Any) -> tuple[str, int]:
        return answer["stackFrames"][0]["name"], answer["stackFrames"][0]["line"]

    assert [one["name"] for one in said[3]["stackFrames"]] == ["add", "sum_of", "main"]
    assert top(said[3]) == ("add", line)
    assert top(said[5]) == ("sum_of", line_of("sum = add("))
    assert top(said[7]) == ("sum_of", line_of("total = sum;"))
    assert top(said[10]) == ("sum_of", line_of("sum = add("))
    assert [one["verified"] for one in said[13]["breakpoints"]] == [True, False]
    assert top(said[15]) == ("sum_of", line_of("int sum_of(int"))
    assert top(said[19]) == ("main", line_of("int sum = sum_of(8)"))
    assert said[20]["stopped"]["description"].endswith("the beginning of the recording")
    works = ["breakpoints with conditions", "step back, reverse continue, step out backward"]
    for what in works:
        claims.works("DAP", "VS Code's @vscode/debugadapter-testsupport", "1.68.0", what)


def test_values_and_memory(ask: Ask, source: str, claims: Claims) -> None:
    said = ask(
        ("setFunctionBreakpoints", {"breakpoints": [{"name": "add", "condition": "edi == 4"}]}),
        "configurationDone",
        ("continue", THREAD),
        ("next", THREAD), ("next", THREAD),
        ("stackTrace", THREAD),                                                           # 5
        ("scopes", {"frameId": "$7.stackFrames.0.id"}),
        ("variables", {"variablesReference": "$8.scopes.0.variablesReference"}),
        ("variables", {"variablesReference": "$8.scopes.2.variablesReference"}),
        ("evaluate", {"expression": "sum", "frameId": "$7.stackFrames.0.id"}),
        ("evaluate", {"expression": "$rdi"}), ("evaluate", {"expression": "values"}),     # 10
        ("dataBreakpointInfo", {"name": "total"}),
        ("setDataBreakpoints", {"breakpoints": [{"dataId": "$14.dataId", "accessType": "write"}]}),
        ("setFunctionBreakpoints", {"breakpoints": []}),
        ("continue", THREAD), ("reverseContinue", THREAD), ("reverseContinue", THREAD),   # 15
        ("evaluate", {"expression": "total"}),
        ("readMemory", {"memoryReference": "$13.memoryReference", "count": 32}),
        ("disassemble", {"memoryReference": "$7.stackFrames.0.instructionPointerReference",
                         "instructionOffset": -3, "instructionCount": 6}),
        ("gotoTargets", {"source": {"path": source}, "line": line_of("puts(text)")}),     # 21
        ("goto", {**THREAD, "targetId": "$23.targets.0.id"}),
        ("reven/origin", {"what": "rax"}),
        ("evaluate", {"expression": "no such thing"}),
        ("variables", {"variablesReference": 9999}),
        ("setDataBreakpoints", {"breakpoints": []}),
        ("reven/goto", {"where": "first"}), ("continue", THREAD), "exceptionInfo",
        "threads", "nonsense", ("readMemory", {"memoryReference": "0", "count": 16}),
    )  # fmt: skip
    names = {one["name"]: one["value"] for one in said[7]["variables"]}
    assert (names["a"], names["b"], names["sum"]) == ("4", "4", "8")
    registers = {one["name"]: one["value"] for one in said[8]["variables"]}
    assert registers["rdi"] == said[10]["result"] == "0x4"
    assert said[9]["result"] == "8"
    assert said[12]["accessTypes"] == ["write", "read", "readWrite"]
    assert [said[at]["stopped"]["reason"] for at in (15, 16, 17)] == ["data breakpoint"] * 3
    assert said[18]["result"] == "3"
    data = base64.b64decode(said[19]["data"])
    assert data == b"".join(n.to_bytes(4, "little") for n in (3, 1, 4, 1, 5, 9, 2, 6))
    rows = said[20]["instructions"]
    assert len(rows) == 6
    assert rows[3]["address"] == said[5]["stackFrames"][0]["instructionPointerReference"]
    assert all(one["instruction"] != "??" for one in rows)
    assert said[22]["stopped"]["text"] == f"#{said[21]['targets'][0]['id']}"
    assert said[23]["hops"][0]["transition"] is not None
    assert "error" in said[24]
    assert "another moment" in said[25]["error"]
    assert said[28]["stopped"]["reason"] == "exception"
    assert said[29]["exceptionId"] == "SIGUSR1"
    assert said[30]["threads"] == [{"id": 1, "name": "thread 1"}]
    assert "no request 'nonsense'" in said[31]["error"]
    assert said[32]["unreadableBytes"] == 16
    for what in ("variables, registers, memory, disassembly", "data breakpoints on address ranges",
                 "goto targets, exception info, origins"):  # fmt: skip
        claims.works("DAP", "VS Code's @vscode/debugadapter-testsupport", "1.68.0", what)


def test_within_a_session(trace: Path, serve_traces: Any, ask: Ask, claims: Claims) -> None:
    port = serve_traces(trace)
    with reven2.RevenServer("localhost", port) as analyst:
        listener = analyst.sessions.listen("editors")
        said = ask(
            ("setFunctionBreakpoints", {"breakpoints": [{"name": "add"}]}),
            "configurationDone",
            ("continue", THREAD),
            launch={"trace": f"localhost:{port}", "session": "editors", "publish": True},
        )
        seen = [listener.next_event(60) for _ in range(2)]
        assert str(seen[-1]) == said[2]["stopped"]["text"]
    client = "VS Code's @vscode/debugadapter-testsupport"
    claims.works("DAP", client, "1.68.0", "leads a session")


@given(st.binary(max_size=100) | st.just(b"Content-Length: 99999999999\r\n\r\n"))
def test_any_bytes_are_messages_or_refused(data: bytes) -> None:
    import io

    from reven.bridges.dap.wire import NotThisProtocol, Wire

    wire = Wire(io.BytesIO(data), io.BytesIO())
    try:
        while wire.read() is not None:
            pass
    except NotThisProtocol:
        pass


def test_over_standard_input_and_output(trace: Path, claims: Claims) -> None:
    def message(number: int, command: str, **arguments: Any) -> bytes:
        body = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(body).encode()
        return b"Content-Length: %d\r\n\r\n%b" % (len(data), data)

    sent = message(1, "initialize") + message(2, "threads") + message(3, "launch", trace=str(trace))
    done = subprocess.run(
        [REVEN, "bridge", "dap"],
        input=sent + message(4, "threads") + message(5, "disconnect"),
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert b"supportsStepBack" in done.stdout
    assert b"launch first" in done.stdout
    assert b"thread 1" in done.stdout
    claims.works("DAP", "any, on standard input and output", "1.71", "the same")


def test_strangers_are_left(start_bridge: Any) -> None:
    host, _, port = start_bridge("dap").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert stranger.recv(100) == b""
