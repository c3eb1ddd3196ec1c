# SPDX-License-Identifier: Apache-2.0
"""The disassembler's side of ret-sync as its dispatcher and IDA's plug-in behave: lines, one active
database chosen by the file's name, `loc` rebased to it, and dropped while none is active.

ret-sync is in no package registry; this follows its protocol, with its traps: what it is sent is
read with every backslash doubled, messages of more than a kilobyte are cut, and a location
without a module before it is not followed."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import PurePath
from queue import Queue
from types import TracebackType
from typing import Any, Self


class Database:
    """A disassembler with one file open, at a base of its own."""

    def __init__(self, name: str, base: int) -> None:
        self.name, self.base = name, base
        self.cursors: Queue[int] = Queue()
        self.messages: Queue[dict[str, Any]] = Queue()
        self._is_active = False
        self._client: Queue[socket.socket] = Queue()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def press(self, command: str) -> None:
        """Send a debugger's command, as a key in the disassembler does."""
        client = self._client.get(timeout=60)
        self._client.put(client)
        client.sendall(command.encode())

    def _serve(self) -> None:
        client, _ = self._door.accept()
        self._client.put(client)
        with client, client.makefile("rb") as lines:
            for line in lines:
                assert len(line) < 1024
                tag, _, body = line.decode().replace("\\", "\\\\").partition("]")
                assert tag in ("[notice", "[sync")
                self._take(json.loads(body))

    def _take(self, message: dict[str, Any]) -> None:
        self.messages.put(message)
        if message["type"] == "module":
            name = PurePath(message["path"]).name
            self._is_active = name.lower() == self.name.lower()
        elif message["type"] == "loc" and self._is_active:
            assert message["base"] <= message["offset"]
            self.cursors.put(message["offset"] - message["base"] + self.base)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._door.close()
