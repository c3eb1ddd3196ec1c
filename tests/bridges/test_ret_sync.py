# SPDX-License-Identifier: Apache-2.0
"""Both roles of ret-sync, each against a peer that speaks as ret-sync's own do."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reven2
from reven.bridges.ret_sync.messages import command_of, location, message_of, module

from .compatibility import Claims
from .conftest import REVEN
from .programs import DEBUGGED, DEBUGGED_FLAGS
from .ret_sync_peer import Database

IDA_BASE = 0x400000
WAIT = 60


@pytest.fixture(scope="module")
def served(record_program: Any, serve_traces: Any) -> tuple[Path, int]:
    trace = record_program(DEBUGGED, *DEBUGGED_FLAGS)
    return trace, serve_traces(trace)


def rva_of(trace: Path, name: str) -> int:
    with reven2.open(trace) as server:
        return next(server.ossi.symbols(f"^{name}$", "/program$")).rva


def test_a_disassembler_follows_and_leads(served: tuple[Path, int], claims: Claims) -> None:
    trace, port = served
    rva = rva_of(trace, "add")
    with (
        Database("PROGRAM", IDA_BASE) as database,
        reven2.RevenServer("localhost", port) as analyst,
        subprocess.Popen(
            [REVEN, "bridge", "ret-sync", f"localhost:{port}", "--session", "ida",
             "--connect", str(database.port)],
            stdout=subprocess.PIPE,
            text=True,
        ) as bridge,
    ):  # fmt: skip
        try:
            assert bridge.stdout is not None
            assert bridge.stdout.readline().startswith("Joined")
            assert database.messages.get(timeout=WAIT)["type"] == "new_dbg"
            listener = analyst.sessions.listen("ida")
            analyst.sessions.tracked = "ida"
            entries = list(analyst.trace.search.symbol("add"))
            analyst.sessions.publish_transition(entries[2].transition_after())
            assert database.cursors.get(timeout=WAIT) == IDA_BASE + rva
            # A library is another file: this database stays where it is.
            analyst.sessions.publish_transition(analyst.trace.first_transition)
            analyst.sessions.publish_transition(entries[0].transition_after())
            assert database.cursors.get(timeout=WAIT) == IDA_BASE + rva
            database.press("si\n")
            assert database.cursors.get(timeout=WAIT) == IDA_BASE + rva + 1
            event = listener.next_event(WAIT)
            assert str(event) == f"#{entries[0].transition_after().id + 1}"
            database.press(
                f"b * {hex(entries[0].transition_after().pc)}"
            )  # no newline: Binary Ninja
            database.press("\ncontinue\n")
            assert database.cursors.get(timeout=WAIT) == IDA_BASE + rva
            assert str(listener.next_event(WAIT)) == f"#{entries[1].transition_after().id}"
            database.press("!shutdown now\npython print(1)\n")
            database.press(f"translate {hex(IDA_BASE)} {hex(IDA_BASE + rva + 4)} program\n")
            assert database.cursors.get(timeout=WAIT) == IDA_BASE + rva + 4
            listener.close()
        finally:
            bridge.terminate()
    claims.works("ret-sync", "IDA, Ghidra, Binary Ninja (a peer of the protocol)", "2026-01",
                 "follow a session, rebased; step, continue, breakpoints from there")  # fmt: skip
    claims.lacks("ret-sync", "IDA, Ghidra, Binary Ninja (a peer of the protocol)", "2026-01",
                 "a click in the disassembler: the plug-ins do not send it")  # fmt: skip


def test_a_live_debugger_leads(served: tuple[Path, int], start_bridge: Any, claims: Claims) -> None:
    trace, port = served
    rva, base = rva_of(trace, "sum_of"), 0x555555554000
    address = start_bridge("ret-sync", f"localhost:{port}", "--session", "live")
    host, _, number = address.rpartition(":")
    with reven2.RevenServer("localhost", port) as analyst:
        listener = analyst.sessions.listen("live")
        with socket.create_connection((host, int(number))) as debugger:
            debugger.sendall(
                b'[notice]{"type":"new_dbg","msg":"dbg connect - 1","dialect":"gdb"}\n'
            )
            debugger.sendall(b"garbage\n[sync]{not json\n[sync] []\n")
            debugger.sendall(b'[sync]{"type":"loc","base":true,"offset":"x"}\n')
            debugger.sendall(module("/elsewhere/Program") + location(base, base + rva))
            entry = next(iter(analyst.trace.search.symbol("sum_of"))).transition_after()
            assert str(listener.next_event(WAIT)) == f"#{entry.id}"
            debugger.sendall(b'[sync]{"type":"cursor"}\n[sync] {"type":"rrln","sym":"main"}\n')
            with debugger.makefile("r") as replies:
                assert int(replies.readline(), 16) == entry.pc
                assert re.fullmatch(r"0x[0-9a-f]+\n", replies.readline())
    claims.works("ret-sync", "gdb, LLDB, WinDbg, x64dbg (a peer of the protocol)", "2026-01",
                 "lead a session from a live process")  # fmt: skip


@given(st.text())
def test_only_known_commands_are_commands(text: str) -> None:
    command = command_of(text)
    assert command is None or re.match(r"[a-z!]", text.strip())
    message = message_of(text)
    assert message is None or text.startswith("[")


@pytest.mark.parametrize(
    "line", ["shell id", "b *0x10; shell id", "python 1", "b main", "si 5\nq", "translate a b c"]
)
def test_others_are_not(line: str) -> None:
    assert command_of(line) is None
