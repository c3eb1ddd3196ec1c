# SPDX-License-Identifier: Apache-2.0
"""A real `reven serve` process, and what tests talk to it with."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from reven2._client.messages import (
    PROTOCOL_VERSION,
    ClientKind,
    ClientMessage,
    Event,
    Hello,
    Ping,
    Pong,
    Publish,
    Published,
    Seen,
    Selection,
    ServerMessage,
    TransitionSelection,
    Welcome,
)
from reven2._client.run_file import RunFile

REVEN = str(Path(sys.executable).with_name("reven"))
WAIT = 60.0
DECODER: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)

Message = TypeVar("Message")


class Running:
    """A server process. `home`: where its run file and state go."""

    def __init__(self, traces: Sequence[Path], home: Path, *options: str) -> None:
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(home / "run"),
            "XDG_STATE_HOME": str(home / "state"),
        }
        options = options if "--port" in options else ("--port", "0", *options)
        self.process = subprocess.Popen(
            [REVEN, "serve", *map(str, traces), *options],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed = self._read_until_open()
        self.login_url = self.printed[-1].split()[-1]
        self.port = int(self.login_url.partition("/login")[0].rpartition(":")[2])
        self.run_path = home / "run" / "reven" / f"{self.port}.json"
        self.run_file = msgspec.json.decode(self.run_path.read_bytes(), type=RunFile)
        self.token = self.run_file.token

    def _read_until_open(self) -> list[str]:
        assert self.process.stdout is not None
        lines = [""]
        # A byte at a time: what a buffer takes beyond it, `communicate` does not give.
        while byte := os.read(self.process.stdout.fileno(), 1):
            if byte != b"\n":
                lines[-1] += byte.decode("latin-1")
            elif lines[-1].startswith("open"):
                return lines
            else:
                lines.append("")
        raise AssertionError(self.process.communicate(timeout=WAIT)[1])

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it. Returns exit status, and all that it printed besides its first lines."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=WAIT)
        return self.process.returncode, out + err

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208

    @property
    def resident_bytes(self) -> int:
        text = Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # ---------------------------------------------------------------------- HTTP

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body. `body`: bytes as they are, or what becomes JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        sent = {"Authorization": f"Bearer {self.token if token is None else token}"}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return response.status, names, response.read()

    def json(self, method: str, path: str, body: Any = None, **options: str) -> Any:
        """The answer of a request that must succeed."""
        status, _, data = self.request(method, path, body, **options)
        assert status == 200, data
        return json.loads(data)

    def query(self, name: str, scenario: str | None = None, /, **arguments: Any) -> Any:
        scenario = scenario or self.run_file.scenarios[0]
        return self.json("POST", f"/api/v1/scenarios/{scenario}/{name}", arguments)

    def selection(self, transition: int = 0) -> TransitionSelection:
        return TransitionSelection(
            self.query("info")["uuid"], self.run_file.scenarios[0], transition
        )


class Listener:
    """A client of the sessions WebSocket. Answers pings."""

    def __init__(self, socket: ClientConnection, welcome: Welcome) -> None:
        self.socket = socket
        self.welcome = welcome
        self._number = 0

    async def send(self, message: ClientMessage) -> None:
        await self.socket.send(msgspec.json.encode(message).decode())

    async def receive(self) -> ServerMessage:
        while True:
            message = DECODER.decode(await self.socket.recv())
            if not isinstance(message, Ping):
                return message
            await self.send(Pong())

    async def next(self, kind: type[Message]) -> Message:
        """The next message of a kind; what comes before it is left out."""
        async with asyncio.timeout(WAIT):
            while not isinstance(message := await self.receive(), kind):
                pass
        return message

    async def publish(self, selection: Selection, *sessions: str) -> int:
        """Publish; returns how many listened. Events that come meanwhile are left out."""
        self._number += 1
        await self.send(Publish(self._number, list(sessions or ("default",)), selection))
        return (await self.next(Published)).listeners

    async def hears_no_event(self, seconds: float = 0.3) -> bool:
        """Whether no event comes for a while."""
        try:
            async with asyncio.timeout(seconds):
                while not isinstance(await self.receive(), Event):
                    pass
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def listening(
    server: Running,
    *sessions: str,
    name: str = "test",
    kind: ClientKind = "python",
    token: str | None = None,
    key: str = "",
    epoch: str = "",
    seen: Sequence[Seen] = (),
) -> AsyncIterator[Listener]:
    """A client that listens to sessions, welcomed."""
    async with connect(
        f"ws://127.0.0.1:{server.port}/api/v1/sessions/live",
        additional_headers={"Authorization": f"Bearer {token or server.token}"},
        compression=None,
        max_queue=None,
        close_timeout=1,
    ) as socket:
        hello = Hello(PROTOCOL_VERSION, kind, name, list(sessions), key, epoch, list(seen))
        await socket.send(msgspec.json.encode(hello).decode())
        welcome = DECODER.decode(await socket.recv())
        assert isinstance(welcome, Welcome), welcome
        yield Listener(socket, welcome)
