# SPDX-License-Identifier: Apache-2.0
"""`reven serve` and `reven stop` as a person meets them."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from reven.server.errors import (
    CannotListen,
    PortInUse,
    RemoteNotAllowed,
    UnusableCertificate,
    UnusableHub,
)
from reven.server.serving import Options, Server
from reven2.errors import InvalidArgumentError, TraceError

from .running import REVEN, WAIT, Running


def reven(server: Running, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REVEN, *words],
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )


def test_it_says_what_it_serves_and_where(serve: Any, trace: Path) -> None:
    server: Running = serve()
    name = trace.name.removesuffix(".reven")
    serving, at, address = server.printed
    assert serving.split()[1] == f"{name},"
    assert at.split()[1] == f"http://localhost:{server.port}"
    assert address.split()[1].startswith(f"http://localhost:{server.port}/login?code=")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_it_cleanly(serve: Any, number: int) -> None:
    server: Running = serve()
    assert server.end(number) == (0, "")
    assert not server.run_path.exists()


def test_stop_ends_it(serve: Any) -> None:
    server: Running = serve()
    done = reven(server, "stop", "--port", str(server.port))
    assert done.returncode == 0, done.stderr
    assert f"http://localhost:{server.port}" in done.stdout
    assert server.process.wait(WAIT) == 0
    done = reven(server, "stop", "--port", str(server.port))
    assert done.returncode == 2
    assert f"no server of yours runs on port {server.port}" in done.stderr


def test_stop_after_kill_9_touches_no_other_process(serve: Any) -> None:
    server: Running = serve()
    server.end(signal.SIGKILL)
    file = server.run_path.read_text().replace(
        f'"pid":{server.process.pid}', f'"pid":{os.getpid()}'
    )
    server.run_path.write_text(file)
    assert reven(server, "stop", "--port", str(server.port)).returncode == 2
    assert not server.run_path.exists()


def test_a_second_server_on_the_port_names_the_first(serve: Any, trace: Path) -> None:
    server: Running = serve()
    done = reven(server, "serve", str(trace), "--port", str(server.port))
    assert done.returncode == 2
    assert f"process {server.process.pid}" in done.stderr
    assert f"reven stop --port {server.port}" in done.stderr
    assert server.run_file.scenarios[0] in done.stderr
    assert server.json("GET", "/api/v1/server")


def test_another_program_on_the_port(trace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match="another program"):
            Server([trace], Options(port=port))


def test_ipv6_and_names(serve: Any) -> None:
    server: Running = serve("--host", "localhost")
    assert server.json("GET", "/api/v1/server")
    if socket.has_ipv6:
        server = serve("--host", "::1")
        assert f"http://[::1]:{server.port}" in server.printed[1]
        with socket.create_connection(("::1", server.port), WAIT) as one:
            one.sendall(b"GET /api/v1/server HTTP/1.0\r\nHost: [::1]\r\n\r\n")
            assert b"401" in one.recv(1000)


def test_open_shows_the_browser_no_code_on_its_command_line(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" >"{seen}.new"\nmv "{seen}.new" "{seen}"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    server: Running = serve("--open")
    deadline = time.monotonic() + WAIT
    while not seen.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    page = Path(seen.read_text().strip().removeprefix("file://"))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    path = page.read_text().partition(str(server.port))[2].partition('"')[0]
    assert path.startswith("/login?code=")
    code = {"code": path.partition("=")[2]}
    assert server.request("POST", "/login", code, Authorization="")[0] == 200
    server.end()
    assert not page.exists()


def test_others_may_only_reach_it_when_asked_for(trace: Path, serve: Any) -> None:
    with pytest.raises(RemoteNotAllowed, match="--allow-remote"):
        Server([trace], Options(host="0.0.0.0", port=0))
    server: Running = serve("--host", "0.0.0.0", "--allow-remote", "--allow-host", "trace.example")
    assert server.request("GET", "/api/v1/server", Host="trace.example")[0] == 200
    assert server.request("GET", "/api/v1/server", Host="192.0.2.7:1")[0] == 200
    assert server.request("GET", "/api/v1/server", Host="attacker.example")[0] == 421
    assert "TLS" in server.end()[1]


def test_tls(serve: Any, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )  # fmt: skip
    server: Running = serve("--certificate", str(certificate), "--key", str(key))
    assert server.run_file.url == f"https://localhost:{server.port}"
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        socket.create_connection(("127.0.0.1", server.port), WAIT) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        head = f"GET /api/v1/server HTTP/1.0\r\nHost: localhost:{server.port}\r\n"
        head += f"Origin: https://localhost:{server.port}\r\n"
        secure.sendall(f"{head}Authorization: Bearer {server.token}\r\n\r\n".encode())
        assert b"200" in secure.recv(1000)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (Options(host="no such host", port=0), CannotListen),
        (Options(host="192.0.2.1", port=0, allow_remote=True), CannotListen),
        (Options(port=0, certificate=Path("/dev/null")), UnusableCertificate),
        (
            Options(port=0, certificate=Path("/dev/null"), key=Path("/dev/null")),
            UnusableCertificate,
        ),
        (Options(port=0, hub="nonsense"), UnusableHub),
    ],
)
def test_what_cannot_be_served_with(trace: Path, options: Options, error: type[Exception]) -> None:
    with pytest.raises(error):
        Server([trace], options)


def test_what_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(TraceError):
        Server([tmp_path], Options(port=0))


@pytest.mark.parametrize("name", ["", "a/b", "a\nb"])
def test_names_that_no_address_can_hold(trace: Path, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="no name of a scenario"):
        Server([trace], Options(port=0, name=name))


def test_clients_must_be_able_to_find_it(serve: Any) -> None:
    server: Running = serve()
    environment = {**server.environment, "XDG_RUNTIME_DIR": "/proc"}
    done = subprocess.run(
        [REVEN, "serve", server.query("info")["path"], "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.returncode == 2
    assert "XDG_RUNTIME_DIR" in done.stderr


def test_one_name_for_two_traces(serve: Any, trace: Path) -> None:
    server: Running = serve()
    done = reven(server, "serve", str(trace), str(trace), "--name", "x", "--port", "0")
    assert done.returncode == 2
    assert "--name" in done.stderr


def test_sharing_explains_itself(serve: Any) -> None:
    server: Running = serve("--share")
    assert server.request("GET", "/api/v1/server", Host="192.0.2.7:1")[0] == 200
    assert server.request("GET", "/api/v1/server", Host="192.0.2.7:1", token="")[0] == 401
    code = server.login_url.partition("code=")[2]
    said = server.end()[1]
    assert f"every machine that can reach port {server.port}" in said
    (link,) = (line.split()[-1] for line in said.splitlines() if line.startswith("viewer"))
    assert link.startswith(f"http://{socket.gethostname()}:{server.port}/login?code=")
    assert code not in link
    for words in ("nothing without a link", "changes nothing", "reven link", "source files", "TLS"):
        assert words in said
