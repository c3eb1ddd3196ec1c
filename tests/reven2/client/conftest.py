# SPDX-License-Identifier: Apache-2.0
"""A server of two tiny traces, clients of it, and connections that can be cut."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import reven2
from reven2.session import Listener

FLAGS = ("-static", "-nostartfiles", "-Wl,--entry=main", "-O1")
COUNTING = """
int cells[64];
__attribute__((noinline)) int count(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) { cells[i % 64] = i; sum += cells[i * 7 % 64]; }
    return sum;
}
int main(void) {
    int result = count(1000);
    __asm__ volatile("syscall" :: "a"(60), "D"(result & 1));
    return result;
}
"""
OTHER = COUNTING.replace("1000", "10")

Connect = Callable[..., reven2.RevenServer]


@pytest.fixture(scope="session")
def trace_path(record_program: Callable[..., Path]) -> Path:
    return record_program(COUNTING, *FLAGS)


@pytest.fixture(scope="session")
def other_path(record_program: Callable[..., Path]) -> Path:
    return record_program(OTHER, *FLAGS)


@pytest.fixture(scope="session")
def port(serve_traces: Callable[..., int], trace_path: Path, other_path: Path) -> int:
    return serve_traces(trace_path, other_path)


@pytest.fixture
def connect(port: int, trace_path: Path) -> Iterator[Connect]:
    """`connect(port=…, scenario=…, …) -> RevenServer`, closed when the test ends."""
    connected: list[reven2.RevenServer] = []

    def connect_(
        port: int = port, scenario: str | None = trace_path.stem, **options: object
    ) -> reven2.RevenServer:
        connected.append(reven2.RevenServer("localhost", port, scenario, **options))  # type: ignore[arg-type]
        return connected[-1]

    yield connect_
    for server in connected:
        server.close()


@pytest.fixture
def server(connect: Connect) -> reven2.RevenServer:
    return connect()


@pytest.fixture
def session(request: pytest.FixtureRequest) -> str:
    """A name of a session that no other test uses."""
    return str(request.node.name)[:64].replace("/", "-")


class Served:
    """A server process of its own, which can be killed and started again on its port."""

    def __init__(self, *traces: Path) -> None:
        self._traces = traces
        self.port = 0
        self.start()

    def start(self) -> None:
        reven = str(Path(sys.executable).with_name("reven"))
        command = [reven, "serve", "--port", str(self.port), *map(str, self._traces)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("at "):
                self.port = int(line.rpartition(":")[2])
            if line.startswith("open "):
                break

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def served(serve_traces: object, trace_path: Path) -> Iterator[Served]:
    running = Served(trace_path)
    yield running
    running.kill()


class Relay:
    """Passes TCP on to a server, until it cuts every connection."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections. Whoever serves one notices, and closes it."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closed:
            with contextlib.suppress(OSError):
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as target:
            with self._lock:
                self._open |= {client, target}
            back = threading.Thread(target=_pass_on, args=(target, client), daemon=True)
            back.start()
            _pass_on(client, target)
            back.join()
            with self._lock:
                self._open -= {client, target}


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(port: int) -> Iterator[Relay]:
    made = Relay(port)
    yield made
    made.close()


def taken(listener: Listener, count: int) -> list[str]:
    """The next events, as text; fewer if one does not come."""
    events: list[str] = []
    while len(events) < count and (event := listener.next_event(20)) is not None:
        events.append(str(event))
    return events
