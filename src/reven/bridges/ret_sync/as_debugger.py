# SPDX-License-Identifier: Apache-2.0
"""In the debugger's place: disassemblers go where the session goes."""

from __future__ import annotations

import socket
import threading
from itertools import islice

from reven.bridges.joined import Joined
from reven.bridges.protocol import BridgeError
from reven.bridges.ret_sync.lines import Lines
from reven.bridges.ret_sync.messages import Command, command_of, location, module, notice
from reven.printable import printable
from reven2.errors import RevenError
from reven2.session import AddressEvent, TransitionEvent
from reven2.trace import Context, Transition

__all__ = ["Debugger"]

_DIALECT = "gdb"
_QUIET = 0.2  # seconds


class Debugger:
    """A connection to the disassembler's side.

    Parameters:
        joined: the trace and its session.
        at: (host, port) where the dispatcher, Ghidra or Binary Ninja listens.
    """

    def __init__(self, joined: Joined, at: tuple[str, int]) -> None:
        self._joined, self._at = joined, at
        self._module = ""
        self._breakpoints: set[int] = set()
        self._here: Transition = joined.trace.first_transition
        self._is_over = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Until the disassembler goes away. Raises BridgeError if there is none."""
        host, port = self._at
        try:
            connection = socket.create_connection(self._at, timeout=10)
        except OSError as error:
            raise BridgeError(
                f"No disassembler listens on {host}:{port} ({error.strerror or error}): start "
                "ret-sync's plug-in there first (in IDA Alt-Shift-S), or say where with --connect."
            ) from None
        with connection:
            connection.sendall(notice("new_dbg", msg="dbg connect - reven", dialect=_DIALECT))
            print(f"Joined to the disassembler on {host}:{port}.", flush=True)
            reader = threading.Thread(target=self._read, args=(connection,), daemon=True)
            reader.start()
            try:
                while not self._is_over.is_set():
                    event = self._joined.next_event(_QUIET)
                    if event is not None:
                        self._show(connection, event)
            except OSError:
                pass
            finally:
                self._leave(connection)

    def _leave(self, connection: socket.socket) -> None:
        try:
            connection.sendall(notice("dbg_quit", msg="dbg disconnected"))
        except OSError:
            return

    def _show(self, connection: socket.socket, event: TransitionEvent | AddressEvent) -> None:
        transition = event.transition
        if transition is not None:
            self._here = transition
        if isinstance(event, AddressEvent):
            found = event.address
            address = getattr(found, "offset", None)
            if not isinstance(address, int) or event._address_selection.segment is not None:
                return
            self._send(connection, self._here.context_before(), address)
        else:
            context = self._here.context_before()
            self._send(connection, context, context._pc())

    def _send(self, connection: socket.socket, context: Context, address: int) -> None:
        found = context.ossi.location(address)
        with self._lock:
            if found is None or found.binary is None:
                # What no file holds no database can show.
                return
            path = found.binary.path
            if path != self._module:
                try:
                    named = module(path)
                except ValueError:  # a path that is too long for the plug-ins
                    return
                connection.sendall(named)
                self._module = path
            connection.sendall(location(found.base_address, address))

    # ------------------------------------------------------------------ the way back

    def _read(self, connection: socket.socket) -> None:
        # A socket of its own timeouts: the other thread only sends.
        lines = Lines(connection.dup())
        while (line := lines.next(_QUIET)) is not None:
            command = command_of(line) if line else None
            if command is not None:
                try:
                    self._do(connection, command)
                except RevenError as error:
                    print(printable(str(error)), flush=True)
        self._is_over.set()

    def _do(self, connection: socket.socket, command: Command) -> None:
        """A user of the disassembler pressed a key of its debugger."""
        trace = self._joined.trace
        if command.name == "translate":
            address = self._rebased(command)
            if address is not None:
                self._send(connection, self._here.context_before(), address)
        elif command.name == "break":
            self._breakpoints.add(command.address)
        elif command.name == "step":
            following = self._here.id + 1
            if following < trace.transition_count:
                self._go(connection, trace.transition(following))
        elif command.name == "continue" and self._breakpoints:
            begin = min(self._here.id + 1, trace.transition_count)
            found = [
                hit.transition_after()
                for address in sorted(self._breakpoints)
                for hit in islice(trace.search.pc(address, begin), 1)
            ]
            if found:
                self._go(connection, min(found, key=lambda one: one.id))

    def _go(self, connection: socket.socket, transition: Transition) -> None:
        self._here = transition
        self._joined.show(transition.id)
        context = transition.context_before()
        self._send(connection, context, context._pc())

    def _rebased(self, command: Command) -> int | None:
        """The program's address of what stands at an address of a database of another base."""
        wanted = command.module.lower()
        for one in self._joined.server.ossi.executed_binaries():
            if one.filename.lower() == wanted:
                for load in self._joined.trace._service.binary_ranges(one._data.id):
                    found = self._here.context_before().ossi.location(load.start)
                    if found is not None:
                        return found.base_address + command.address - command.base
        return None
