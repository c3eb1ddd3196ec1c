# SPDX-License-Identifier: Apache-2.0
"""From a publish to the last of many listeners, beside Redis pub/sub and a bare round trip.

All listeners are sockets of this process, watched with epoll and not decoded, so that
what is measured is the server. They are the same code for the server and for Redis.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import percentile
from benchmarks.table import Table, duration, verdict
from reven2._client.messages import PROTOCOL_VERSION

PUBLISHES = 300
WARM_UP = 20
PAUSE = 0.002  # seconds between publishes: people do not publish back to back
WAIT = 20.0
KEEP_ALIVE_SECONDS = 5.0
BUDGET_SECONDS = 5e-3
BUDGET_LISTENERS = 100

_ECHO = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    one, _ = server.accept()
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := one.recv(4096):
        one.sendall(data)
"""

Publish = Callable[[int], bytes]


def sessions_table(trace: Path, note: Callable[[str], None], listeners: Sequence[int]) -> Table:
    """Measure and tabulate. `trace`: any, for the server to serve; `listeners`: how many, one
    measurement each.

    Raises RuntimeError if redis-server is missing, or a listener hears nothing.
    """
    table = Table(
        "From a publish to the last listener",
        ("listeners", "what", "p50", "p95", "p99", "budget"),
        notes=[
            f"{PUBLISHES} publishes each, {PAUSE * 1e3:g} ms apart, over loopback; the listeners "
            "are sockets of one process. The round trip is of an echo in another process.",
        ],
    )
    note("round trips")
    table.rows.append(("", "bare round trip", *_cells(_round_trips()), ""))
    for number in listeners:
        note(f"sessions: {number} listeners")
        with _server(trace) as (connect, publish):
            found = _last_arrivals(connect, publish, number, _frame({"type": "pong"}))
        budget = ""
        if number == BUDGET_LISTENERS:
            budget = verdict(percentile(found, 99) * 1e3, BUDGET_SECONDS * 1e3, " ms")
        table.rows.append((str(number), "REVEN session", *_cells(found), budget))
        with _redis() as (connect, publish):
            found = _last_arrivals(connect, publish, number, b"")
        table.rows.append((str(number), "Redis pub/sub", *_cells(found), ""))
    return table


def _cells(seconds: Sequence[float]) -> tuple[str, str, str]:
    return (
        duration(percentile(seconds, 50)),
        duration(percentile(seconds, 95)),
        duration(percentile(seconds, 99)),
    )


def _round_trips() -> list[float]:
    echo = subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, text=True)
    with echo:
        assert echo.stdout is not None
        port = int(echo.stdout.readline())
        found = []
        with _connected(port) as one:
            for _ in range(PUBLISHES):
                start = time.perf_counter()
                one.sendall(b"x" * 300)
                received = 0
                while received < 300:
                    received += len(one.recv(4096))
                found.append(time.perf_counter() - start)
                time.sleep(PAUSE)
    return found


def _last_arrivals(
    connect: Callable[[bool], socket.socket], publish: Publish, number: int, keep_alive: bytes
) -> list[float]:
    """Seconds from each publish until every listener has it.

    Parameters:
        connect: gives a connection that listens, or one that publishes (False).
        publish: bytes that publish; every listener then gets some that hold `mark(n)`.
        keep_alive: what every connection must send now and then, if anything.
    """
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(connect(True)) for _ in range(number)]
        publisher = stack.enter_context(connect(False))
        poll = stack.enter_context(contextlib.closing(select.epoll()))
        sockets = {one.fileno(): one for one in [*listeners, publisher]}
        for descriptor in sockets:
            poll.register(descriptor, select.EPOLLIN)
        time.sleep(1.0)  # what is said of those that came last
        found = []
        kept = time.perf_counter()
        for n in range(WARM_UP + PUBLISHES):
            waiting = dict.fromkeys((one.fileno() for one in listeners), b"")
            wanted = mark(n)
            start = time.perf_counter()
            publisher.sendall(publish(n))
            while waiting:
                ready = poll.poll(WAIT)
                if not ready:
                    raise RuntimeError(f"{len(waiting)} of {number} listeners heard nothing.")
                for descriptor, _ in ready:
                    data = sockets[descriptor].recv(1 << 16)
                    if not data:
                        raise RuntimeError("A connection was closed.")
                    if descriptor in waiting:
                        waiting[descriptor] += data
                        if wanted in waiting[descriptor]:
                            del waiting[descriptor]
            found.append(time.perf_counter() - start)
            if keep_alive and start - kept > KEEP_ALIVE_SECONDS:
                kept = start
                for one in sockets.values():
                    one.sendall(keep_alive)
            time.sleep(PAUSE)
    return found[WARM_UP:]


def mark(n: int) -> bytes:
    """What the n-th message is known by: the number of its transition."""
    return b'"transition":%d}' % n


@contextlib.contextmanager
def _server(trace: Path) -> Iterator[tuple[Callable[[bool], socket.socket], Publish]]:
    with tempfile.TemporaryDirectory(prefix="reven-serve-") as home:
        environment = {**os.environ, "XDG_RUNTIME_DIR": home, "XDG_STATE_HOME": home}
        serving = subprocess.Popen(
            [Path(sys.executable).with_name("reven"), "serve", trace, "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert serving.stdout is not None
        try:
            for line in serving.stdout:
                if line.startswith("open"):
                    break
            (file,) = Path(home, "reven").glob("[0-9]*.json")
            run = json.loads(file.read_text())
            scenario = run["scenarios"][0]
            port = int(file.stem)
            uuid = _uuid(port, run["token"], scenario)

            def connect(listen: bool) -> socket.socket:
                return _sessions_socket(port, run["token"], listen=listen)

            def publish(n: int) -> bytes:
                # Of the fields of a selection the transition comes last.
                moment = {"type": "transition", "trace": uuid, "scenario": scenario}
                selection = {**moment, "transition": n}
                message = {"number": n, "sessions": ["default"], "selection": selection}
                return _frame({"type": "publish", **message})

            yield connect, publish
        finally:
            serving.terminate()
            serving.wait(WAIT)
            serving.stdout.close()


def _uuid(port: int, token: str, scenario: str) -> str:
    with _connected(port) as one:
        one.sendall(
            f"POST /api/v1/scenarios/{scenario}/info HTTP/1.0\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}".encode()
        )
        answer = b"".join(iter(lambda: one.recv(4096), b""))
    uuid: str = json.loads(answer.partition(b"\r\n\r\n")[2])["uuid"]
    return uuid


def _sessions_socket(port: int, token: str, *, listen: bool) -> socket.socket:
    one = _connected(port)
    one.sendall(
        f"GET /api/v1/sessions/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"
        "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    _receive_until(one, b"\r\n\r\n")
    sessions = ["default"] if listen else []
    one.sendall(
        _frame(
            {
                "type": "hello",
                "version": PROTOCOL_VERSION,
                "kind": "cli",
                "name": "",
                "listen": sessions,
            }
        )
    )
    _receive_until(one, b'"type":"sessions"')
    return one


def _frame(message: dict[str, Any]) -> bytes:
    """A client's WebSocket frame. Its mask is zero, which leaves the text as it is."""
    text = json.dumps(message).encode()
    size = len(text)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text


@contextlib.contextmanager
def _redis() -> Iterator[tuple[Callable[[bool], socket.socket], Publish]]:
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server is missing: apt-get install redis-server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="reven-redis-") as home:
        running = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            cwd=home,
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + WAIT
            while True:
                try:
                    _connected(port).close()
                    break
                except ConnectionRefusedError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)

            def connect(listen: bool) -> socket.socket:
                one = _connected(port)
                if listen:
                    one.sendall(_command(b"SUBSCRIBE", b"s"))
                    _receive_until(one, b":1\r\n")
                return one

            # As long as an event of ours.
            padding = b"x" * 280

            def publish(n: int) -> bytes:
                return _command(b"PUBLISH", b"s", padding + mark(n))

            yield connect, publish
        finally:
            running.terminate()
            running.wait(WAIT)


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def _connected(port: int) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), WAIT)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


def _receive_until(one: socket.socket, wanted: bytes) -> None:
    received = b""
    while wanted not in received:
        data = one.recv(1 << 16)
        if not data:
            raise RuntimeError(f"A connection was closed: {received!r}")
        received += data
