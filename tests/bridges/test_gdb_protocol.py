# SPDX-License-Identifier: Apache-2.0
"""What no well-behaved debugger shows: damage, other protocols, and every stop against a search
through the whole trace."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reven.bridges.gdb.agent import CannotEvaluate, evaluate
from reven.bridges.gdb.packets import NotThisProtocol, Packets, Signal, escaped, framed, unescaped
from reven.bridges.gdb.stub import Stub
from reven.bridges.joined import Joined
from reven.bridges.machine import Machine, Watchpoint

from .programs import SMALL, SMALL_FLAGS


@pytest.fixture(scope="module")
def joined(record_program: Any) -> Iterator[Joined]:
    with Joined(str(record_program(SMALL, *SMALL_FLAGS)), "default", "test") as opened:
        yield opened


@pytest.fixture(scope="module")
def places(joined: Joined) -> dict[str, Any]:
    """By brute force: the pc before each transition of `main` and below, and its accesses."""
    trace = joined.trace
    begin = next(iter(trace.search.symbol("main"))).transition_after().id
    end = trace.transition_count
    transitions = list(trace.transitions(begin, end))
    accesses = [
        (access.transition.id, access.virtual_address.offset, access.size, access.operation.value)
        for access in trace.memory_accesses(from_transition=begin, to_transition=end)
    ]
    signals = {one.id for one in transitions if "SIGUSR2" in str(one)}
    cells = trace.resolve("cells").address
    assert cells is not None
    return {
        "begin": begin,
        "pcs": {one.id: one.pc for one in transitions if one.instruction is not None},
        "accesses": accesses,
        "signals": signals,
        "cells": cells.offset,
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_nearest_stop_is_found(joined: Joined, places: dict[str, Any], data: Any) -> None:
    machine = Machine(joined.server)
    begin, last = places["begin"], joined.trace.transition_count
    here = data.draw(st.integers(begin, last), "here")
    addresses = data.draw(
        st.lists(st.sampled_from(sorted(set(places["pcs"].values()))), max_size=3), "breakpoints"
    )
    kind: Literal["write", "read", "access"] = data.draw(
        st.sampled_from(["write", "read", "access"]), "kind"
    )
    watched = data.draw(st.none() | st.tuples(st.integers(0, 31), st.integers(1, 8)), "watched")
    is_forward = data.draw(st.booleans(), "forward")
    machine.go(here)
    machine.breakpoints = {address: [] for address in addresses}
    stops = {number: "breakpoint" for number, pc in places["pcs"].items() if pc in addresses}
    stops |= dict.fromkeys(places["signals"], "signal")
    if watched is not None:
        low, size = places["cells"] + watched[0], watched[1]
        machine.watchpoints = [Watchpoint(kind, low, size)]
        for number, address, length, operation in places["accesses"]:
            if kind in ("access", operation) and address < low + size and low < address + length:
                stops[number + is_forward] = kind
    stop = machine.resume(is_forward)
    # Where a signal is to come, running forward says so first.
    ahead = [at for at in stops if at > here or (at == here and at in places["signals"])]
    behind = [at for at in stops if at < here]
    if is_forward:
        expected = min(ahead, default=last)
        assert (stop.context, stop.reason) == (expected, stops.get(expected, "end"))
    elif behind:
        assert (stop.context, stop.reason) == (max(behind), stops[max(behind)])
    else:
        assert stop.context < begin


def test_changes_are_those_of_memory(joined: Joined, places: dict[str, Any]) -> None:
    machine = Machine(joined.server, places["begin"])
    machine.passed_signals = frozenset({12})
    machine.watchpoints = [Watchpoint("write", places["cells"], 32, changes=True)]
    forward = []
    while (stop := machine.resume(True)).reason == "write":
        before = machine.service.read_memory(stop.context - 1, places["cells"], 32)
        assert before != machine.read_memory(places["cells"], 32)
        forward.append(stop.context)
    assert len(forward) > 10
    assert stop.reason == "end"
    backward = []
    while (stop := machine.resume(False)).reason == "write" and stop.context >= places["begin"]:
        backward.append(stop.context + 1)
    assert backward == forward[::-1]


def test_steps_are_there_and_back(joined: Joined, places: dict[str, Any]) -> None:
    machine = Machine(joined.server, places["begin"])
    machine.passed_signals = frozenset({12})
    for number in range(places["begin"], joined.trace.transition_count):
        assert machine.context == number
        machine.step(1, True)
    assert machine.step(1, True).reason == "end"
    for number in range(joined.trace.transition_count - 1, places["begin"], -1):
        machine.step(1, False)
        assert machine.context == number
    machine.go(0)
    assert machine.step(1, False).reason == "begin"


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=40)))
def test_packets_come_through_in_any_pieces(datas: list[bytes]) -> None:
    stream = b"".join(b"+" + framed(escaped(data)) for data in datas) + b"\x03-"
    for size in (1, 3, len(stream)):
        packets = Packets()
        seen = [
            item
            for at in range(0, len(stream), size)
            for item in packets.feed(stream[at : at + size])
        ]
        assert [unescaped(item) for item in seen if isinstance(item, bytes)] == datas
        assert seen[-2:] == [Signal.INTERRUPT, Signal.AGAIN]


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_packets_or_refused(data: bytes) -> None:
    packets = Packets()
    try:
        for item in packets.feed(data):
            assert isinstance(item, bytes | Signal)
    except NotThisProtocol:
        pass


PACKETS = (
    *("?", "g", "p0", "m0,4", "x0,4", "Hg1", "T1", "Z0,0,1", "Z2,10,4", "z0,0,1", "c", "s", "bs"),
    *("bc", "D", "qSupported:a+;b+", "qXfer:features:read:target.xml:0,ff", "qRcmd,68656c70"),
    *("qXfer:memory-map:read::0,ff", "qXfer:libraries-svr4:read::0,ff", "vCont;s:1;c", "vCont?"),
    *("vCont;r10,20:1", "vFile:open:2f,0,0", "vFile:pread:3,10,0", "qMemoryRegionInfo:0", "X0,1:a"),
    *("QPassSignals:e;1c", "Z0,0,1;X3,220127", "qfThreadInfo", "vFile:fstat:5", "QNonStop:1"),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_packet_does_harm(joined: Joined, places: dict[str, Any], data: Any) -> None:
    stub = Stub(Machine(joined.server, places["begin"]), joined, publishes=False)
    for _ in range(3):
        packet = bytearray(data.draw(st.sampled_from(PACKETS)).encode())
        for _ in range(data.draw(st.integers(0, 4))):
            at = data.draw(st.integers(0, len(packet)))
            packet[at : at + data.draw(st.integers(0, 2))] = data.draw(
                st.sampled_from([b"", b"f" * 20, b"-", b",", b":", b"\xff", b"0", b";", b"\x00"])
            )
        answer = stub.answer(bytes(packet))
        assert answer is None or len(answer) < 0x10000


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"$" + b"a" * 100_000, b"\x00" * 10, b"#00"]
)
def test_who_does_not_speak_it_is_left(sent: bytes, start_bridge: Any, joined: Joined) -> None:
    address = start_bridge("gdb", joined.trace._info.path)
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as stranger:
        stranger.sendall(sent)
        assert stranger.recv(100) in (b"", b"-")
    with socket.create_connection((host, int(port)), timeout=60) as debugger:
        debugger.sendall(b"$qSupported#37")
        assert debugger.recv(4096).startswith(b"+$PacketSize=")
        debugger.sendall(b"$?#00")
        assert debugger.recv(100) == b"-"


EXPRESSIONS: Any = st.deferred(
    lambda: (
        st.integers(0, (1 << 64) - 1)
        | st.tuples(st.sampled_from("+-*&|^<=!~"), EXPRESSIONS, EXPRESSIONS)
    )
)
_OPERATIONS = {"+": 2, "-": 3, "*": 4, "&": 0x0F, "|": 0x10, "^": 0x11, "<": 0x15, "=": 0x13}


def compiled(tree: Any) -> bytes:
    if isinstance(tree, int):
        return b"\x25" + tree.to_bytes(8, "big")
    operation, left, right = tree
    if operation in "!~":
        return compiled(left) + (b"\x0e" if operation == "!" else b"\x12")
    return compiled(left) + compiled(right) + bytes([_OPERATIONS[operation]])


def computed(tree: Any) -> int:
    if isinstance(tree, int):
        return tree
    operation, left, right = tree[0], computed(tree[1]), computed(tree[2])
    value = {
        "+": left + right, "-": left - right, "*": left * right, "&": left & right,
        "|": left | right, "^": left ^ right, "<": int(left < right), "=": int(left == right),
        "!": int(not left), "~": ~left,
    }[operation]  # fmt: skip
    return value % (1 << 64)


@given(EXPRESSIONS)
def test_conditions_are_computed(tree: Any) -> None:
    code = compiled(tree) + b"\x27"
    assert evaluate(code, lambda number: 0, lambda address, size: 0) == computed(tree)


@given(st.binary(max_size=64))
def test_any_bytecode_ends(code: bytes) -> None:
    try:
        value = evaluate(code, lambda number: number, lambda address, size: address)
    except CannotEvaluate:
        return
    assert 0 <= value < 1 << 64


def test_a_bridge_listens_only_here(reven_bridge: Any, joined: Joined) -> None:
    done = reven_bridge("gdb", joined.trace._info.path, "--listen", "0.0.0.0:0")
    assert done.returncode == 2
    assert "only listens on this machine" in done.stderr
    done = reven_bridge("nothing", joined.trace._info.path)
    assert "There is no bridge 'nothing'; there is" in done.stderr
