# SPDX-License-Identifier: Apache-2.0
"""`reven bridge gdb`: gdb, LLDB and whoever speaks gdb's remote protocol, over a trace."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from dataclasses import dataclass
from importlib import resources

from reven.bridges.gdb.packets import NotThisProtocol, Packets, Signal, framed
from reven.bridges.gdb.stub import Stub
from reven.bridges.joined import Joined
from reven.bridges.listening import accepted, listening
from reven.bridges.machine import Machine
from reven.bridges.protocol import BridgeError, BridgeOptions, ToolBridge

__all__ = ["BRIDGE", "serve_one"]

_PORT = 13371
_SETTLED = 0.2  # seconds without a packet


class GdbBridge:
    """Waits for debuggers, one after the other."""

    title = "gdb's remote protocol"

    def run(self, options: BridgeOptions) -> None:
        if options.trace is None:
            raise BridgeError("Say which trace: reven bridge gdb TRACE, or HOST:PORT/TRACE.")
        with (
            Joined(options.trace, options.session, "gdb") as joined,
            listening(options.listen or ("127.0.0.1", _PORT)) as (door, address),
        ):
            trace = joined.trace
            place = trace.resolve(options.at).transition
            begin = trace.transition_count if place is None else place.id
            commands = resources.files(__name__) / "commands.gdb"
            print(f"Listening for gdb on {address}. In gdb: target remote {address}", flush=True)
            print(f"commands for gdb's own use: source {commands}", flush=True)
            for connection in accepted(door):
                serve_one(connection, Stub(Machine(joined.server, begin), joined, options.publish))


BRIDGE: ToolBridge = GdbBridge()


@dataclass
class _Incoming:
    """What the reading thread has seen: Ctrl-C comes while a packet is being answered."""

    packets: queue.Queue[bytes | Signal | None]
    interrupted: threading.Event


def serve_one(connection: socket.socket, stub: Stub) -> None:
    """Answer a debugger until it detaches or goes away."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    incoming = _Incoming(queue.Queue(64), threading.Event())
    stub.let_interrupt(incoming.interrupted.is_set)
    parser = Packets()
    reader = threading.Thread(target=_read, args=(connection, parser, incoming), daemon=True)
    reader.start()
    last = b""
    with contextlib.suppress(OSError):
        while not stub.is_over and (item := _next(incoming.packets, stub)) is not None:
            if item is Signal.AGAIN:
                connection.sendall(last)
            elif item is Signal.DAMAGED:
                connection.sendall(b"-")
            elif isinstance(item, bytes):
                acknowledgement = b"+" if stub.acknowledges else b""
                answer = stub.answer(item)
                parser.checks = stub.acknowledges
                if answer is not None:
                    last = framed(answer)
                    connection.sendall(acknowledgement + last)
                # One that came when nothing ran has nothing to stop.
                incoming.interrupted.clear()
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    # The reader may wait for room.
    while reader.is_alive():
        with contextlib.suppress(queue.Empty):
            incoming.packets.get(timeout=0.05)


def _next(packets: queue.Queue[bytes | Signal | None], stub: Stub) -> bytes | Signal | None:
    try:
        return packets.get(timeout=_SETTLED)
    except queue.Empty:
        # gdb stops many times on the way to where its user wants to be.
        stub.settled()
        return packets.get()


def _read(connection: socket.socket, parser: Packets, incoming: _Incoming) -> None:
    with contextlib.suppress(OSError, NotThisProtocol):
        while data := connection.recv(1 << 16):
            for item in parser.feed(data):
                if item is Signal.INTERRUPT:
                    incoming.interrupted.set()
                else:
                    incoming.packets.put(item)
    # Nobody waits for an answer any more.
    incoming.interrupted.set()
    incoming.packets.put(None)
