# SPDX-License-Identifier: Apache-2.0
"""In the disassembler's place: the session goes where a live debugger stops."""

from __future__ import annotations

import socket
from pathlib import PurePath

from reven.bridges.joined import Joined
from reven.bridges.ret_sync.lines import Lines
from reven.bridges.ret_sync.messages import Message, message_of
from reven.printable import printable
from reven2.errors import RevenError
from reven2.ossi.ossi import Binary
from reven2.trace import Transition

__all__ = ["Disassembler"]

_QUIET = 0.5  # seconds


class Disassembler:
    """One debugger's connection."""

    def __init__(self, joined: Joined, connection: socket.socket) -> None:
        self._joined, self._connection = joined, connection
        self._lines = Lines(connection)
        self._binary: Binary | None = None
        self._here = 0

    def run(self) -> None:
        """Until the debugger quits."""
        is_first = True
        while (line := self._lines.next(_QUIET)) is not None:
            message = message_of(line) if line else None
            if message is None:
                # A page in a browser of this machine can send any lines, but behind HTTP's.
                if line and is_first:
                    print("Something came that is no plug-in of ret-sync.", flush=True)
                    return
                continue
            is_first = False
            if message.type == "dbg_quit":
                return
            try:
                self._take(message)
            except (RevenError, OSError) as error:
                print(printable(str(error)), flush=True)

    def _take(self, message: Message) -> None:
        if message.tag == "notice":
            if message.type == "new_dbg":
                dialect = printable(message.text("dialect")[:20])
                print(f"A debugger joined ({dialect}).", flush=True)
            elif message.type == "module":
                self._binary = self._named(message.text("path"))
            return
        if message.type == "loc":
            base, address = message.number("base"), message.number("offset")
            if base is not None and address is not None and base <= address:
                self._show(address - base)
        elif message.type == "rrln":
            self._reply(self._address_of(message.text("sym")))
        elif message.type == "cursor":
            self._reply(self._joined.trace.context_before(self._here)._pc())

    def _named(self, path: str) -> Binary | None:
        # As all plug-ins compare: by the file's name alone. Windows' names come too.
        name = PurePath(path.replace("\\", "/")).name.lower()
        named = [
            one for one in self._joined.server.ossi.executed_binaries()
            if one.filename.lower() == name
        ]  # fmt: skip
        return named[0] if len(named) == 1 else None

    def _show(self, rva: int) -> None:
        """Go to the next time that the instruction there runs, or else the last."""
        if self._binary is None:
            return
        found = self._next_run(self._binary, rva)
        if found is not None:
            self._here = found.id
            self._joined.show(found.id)

    def _next_run(self, binary: Binary, rva: int) -> Transition | None:
        trace = self._joined.trace
        for loaded in trace._service.symbol_entries(binary._data.id, rva):
            for hits in (
                trace.search.pc(loaded.start, min(self._here + 1, trace.transition_count)),
                trace.search.pc(loaded.start, is_forward=False),
            ):
                for hit in hits:
                    return hit.transition_after()
        return None

    def _address_of(self, symbol: str) -> int | None:
        try:
            found = self._joined.trace.resolve(f"'{symbol[:200]}'", self._here)
        except RevenError:
            return None
        return None if found.address is None else found.address.offset

    def _reply(self, address: int | None) -> None:
        text = "-1" if address is None else hex(address)
        self._connection.sendall(f"{text}\n".encode())
