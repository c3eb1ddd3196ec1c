# SPDX-License-Identifier: Apache-2.0
"""Who comes to a bridge may be no tool at all, or one that lies."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven.bridges import listening
from reven.bridges.dap.conditions import condition_of
from reven.bridges.dap.session import EditorSession
from reven.bridges.dap.wire import Wire
from reven.bridges.gdb.monitor import Monitor
from reven.bridges.joined import Joined
from reven.bridges.machine import Machine
from reven.bridges.mcp.tools import Tools
from reven.bridges.mcp.traces import Traces
from reven.bridges.ret_sync.as_disassembler import Disassembler
from reven.record import record
from reven2.errors import InvalidArgumentError, RevenError

from .programs import DEBUGGED, DEBUGGED_FLAGS

ODD: list[Any] = [
    None, True, -1, 1 << 64, 1 << 200, float("inf"), float("nan"), "", "x", "(" * 5000,
    "\x1b[2J", [], {}, [{}], [1], [[]], {"path": 3},
]  # fmt: skip
FIELDS = (
    *("source", "line", "threadId", "frameId", "variablesReference", "expression", "name"),
    *("memoryReference", "offset", "count", "instructionCount", "instructionOffset", "bytes"),
    *("breakpoints", "dataId", "targetId", "where", "what", "steps", "startFrame", "levels"),
)


@pytest.fixture(scope="module")
def trace(record_program: Any) -> Path:
    path: Path = record_program(DEBUGGED, *DEBUGGED_FLAGS)
    return path


def test_who_says_nothing_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "FIRST_WORD_SECONDS", 0.05)
    with listening.listening(("127.0.0.1", 0)) as (door, address):
        at = ("127.0.0.1", int(address.rpartition(":")[2]))
        with socket.create_connection(at) as silent, socket.create_connection(at) as tool:
            tool.sendall(b"+")
            coming = listening.accepted(door)
            connection = next(coming)
            assert connection.recv(1) == b"+"
            assert connection.getpeername() == tool.getsockname()
            assert silent.recv(1) == b""


def led_to(trace: Path, port: int, sent: bytes) -> int:
    """Where the session is after somebody sent that to a bridge for debuggers' plug-ins."""
    with Joined(f"localhost:{port}", "default", "ret-sync") as joined:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            bridge = Disassembler(joined, ours)
            theirs.sendall(sent)
            theirs.shutdown(socket.SHUT_WR)
            bridge.run()
            return bridge._here


def test_a_page_in_a_browser_leads_no_session(trace: Path, serve_traces: Any) -> None:
    with reven2.open(trace) as server:
        rva = next(server.ossi.symbols("^add$", "/program$")).rva
    lines = (
        b'[notice]{"type":"module","path":"/program"}\n'
        b'[sync]{"type":"loc","base":0,"offset":%d}\n[notice]{"type":"dbg_quit"}\n' % rva
    )
    port = serve_traces(trace)
    assert led_to(trace, port, lines) > 0
    head = b"POST / HTTP/1.1\r\nHost: localhost:9100\r\nContent-Length: %d\r\n\r\n" % len(lines)
    assert led_to(trace, port, head + lines) == 0


def answers(session: EditorSession, sent: io.BytesIO, message: dict[str, Any]) -> dict[str, Any]:
    """The response to a request; what runs in the background has ended."""
    sent.seek(0)
    sent.truncate()
    session._answer(message)
    if session._runner is not None:
        session._runner.join()
    texts = [part.partition(b"\r\n\r\n")[2] for part in sent.getvalue().split(b"Content-Length: ")]
    found = [json.loads(text) for text in texts if text]
    (response,) = (one for one in found if one["type"] == "response")
    return dict(response)


def test_an_editor_that_lies_is_told_so(trace: Path) -> None:
    sent = io.BytesIO()
    session = EditorSession(Wire(io.BytesIO(), sent), str(trace), "default", "first", False)
    names = sorted(one.removeprefix("do_") for one in dir(EditorSession) if one.startswith("do_"))
    requests = [one for one in names if one not in ("launch", "attach")]
    for name in requests:
        if name not in ("initialize", "disconnect", "terminate", "pause"):
            answer = answers(session, sent, {"command": name, "arguments": {}})
            assert not answer["success"]
            assert "launch first" in answer["message"]
    assert answers(session, sent, {"command": "launch"})["success"]
    refused = 0
    for name in requests:
        for odd in ODD:
            arguments = dict.fromkeys(FIELDS, odd)
            for wrong in (arguments, odd):
                answer = answers(session, sent, {"command": name, "arguments": wrong})
                refused += not answer["success"]
    assert refused > 100
    assert answers(session, sent, {"command": "threads"})["success"]
    assert session._joined is not None
    session._joined.close()


def test_a_condition_is_short(trace: Path) -> None:
    with reven2.open(trace) as server, pytest.raises(InvalidArgumentError, match="1000"):
        condition_of(Machine(server), "a" + " " * 100_000 + "b")


def test_consoles_of_editors_and_debuggers_are_told_nothing_to_obey(
    compile_program: Any, tmp_path: Path
) -> None:
    plain = compile_program(DEBUGGED, *DEBUGGED_FLAGS)
    program, made = tmp_path / "program", tmp_path / "a.reven"
    shutil.copy(plain, program)
    subprocess.run(["objcopy", "--redefine-sym", "add=a\x1b[2J", program], check=True)
    record([str(program)], made)
    with Joined(str(made), "default", "gdb") as joined:
        (symbol,) = joined.server.ossi.symbols("^a.\\[2J$")
        entry = next(iter(joined.trace.search.symbol(symbol))).transition_after()
        said = Monitor(Machine(joined.server, entry.id), joined).run("where")
    assert "\\x1b[2J" in said
    assert "\x1b" not in said
    written = io.BytesIO()
    Wire(io.BytesIO(), written).event(
        "output", output="a\x1b[2J\n", source={"path": "/a\x1b", "name": "\u202e"}
    )
    body = json.loads(written.getvalue().partition(b"\r\n\r\n")[2])["body"]
    assert body == {"output": "a\\x1b[2J\n", "source": {"path": "/a\x1b", "name": "\\u202e"}}


@pytest.mark.parametrize("text", ["(" * 5000, "\udcff", "a" * 5000, "\x1b[2J", "9" * 500])
def test_an_assistant_may_ask_anything(text: str, trace: Path) -> None:
    tools = Tools(Traces([str(trace)], "default", may_open=False))
    for ask in (
        lambda: tools.calls(text), lambda: tools.strings(text), lambda: tools.origin(text),
        lambda: tools.state(text), lambda: tools.strings("", cursor=text),
        lambda: tools.strings("", cursor="9" * 30), lambda: tools.source(text),
    ):  # fmt: skip
        try:
            said = ask()
        except RevenError as error:
            said = str(error)
        assert all(one.isprintable() or one == "\n" for one in said)
