# SPDX-License-Identifier: Apache-2.0
"""Connecting to a server: which trace, which errors."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import reven2
from reven2._client.run_file import read_run_file
from reven2.errors import ClosedError, InvalidArgumentError, ServerError
from reven2.preview.project_manager import ProjectManager

Connect = Callable[..., reven2.RevenServer]


def test_a_server_is_what_its_name_says(server: reven2.RevenServer, port: int) -> None:
    assert repr(server) == f"Reven server (localhost:{port}) [connected]"
    assert (server.host, server.port) == ("localhost", port)
    assert server
    server.close()
    assert repr(server) == f"Reven server (localhost:{port}) [closed]"


def test_after_closing_nothing_works(server: reven2.RevenServer) -> None:
    with server:
        pass
    with pytest.raises(ClosedError, match="open it again"):
        str(server.trace.transition(5))
    with pytest.raises(ClosedError):
        server.sessions.publish_transition(server.trace.transition(5))
    with pytest.raises(ClosedError):
        server.sessions.listen()


def test_one_of_several_scenarios_must_be_chosen(
    connect: Connect, trace_path: Path, other_path: Path
) -> None:
    for path in (trace_path, other_path):
        assert connect(scenario=path.stem).scenario_name == path.stem
    with pytest.raises(RuntimeError, match=rf"several scenarios.*'{trace_path.stem}'"):
        connect(scenario=None)
    with pytest.raises(RuntimeError, match="no scenario 'nothing'"):
        connect(scenario="nothing")


def test_two_scenarios_can_be_compared(
    connect: Connect, trace_path: Path, other_path: Path
) -> None:
    one, other = connect(scenario=trace_path.stem), connect(scenario=other_path.stem)
    assert one.trace != other.trace
    assert one.trace == connect().trace
    assert one.trace.transition_count > other.trace.transition_count


def test_the_project_manager_connects_by_name(port: int, trace_path: Path) -> None:
    manager = ProjectManager(f"http://localhost:{port}")
    assert trace_path.stem in manager.scenarios()
    with manager.connect(trace_path.stem) as server:
        assert server.scenario_name == trace_path.stem
    with pytest.raises(ClosedError):
        server.trace.transition(0).pc  # noqa: B018
    with manager.get_server_by(name=trace_path.stem) as server:
        assert server.trace.transition_count > 0
    with pytest.raises(InvalidArgumentError):
        ProjectManager("localhost:13370")


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(RuntimeError, match=rf"Nothing listens on 127\.0\.0\.1:{port}: start"):
        reven2.RevenServer("127.0.0.1", port)


def test_no_such_host() -> None:
    with pytest.raises(ServerError, match=r"name\.invalid:13370 cannot be reached"):
        reven2.RevenServer("name.invalid")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "as no REVEN server"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "as no REVEN server"),
        (b"HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n", "HTTP status 404"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "cannot be reached"),
    ],
)
def test_something_else_listens(answer: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def serve() -> None:
            # A request that failed is made once more.
            for _ in range(2):
                try:
                    client, _ = other.accept()
                except OSError:
                    return
                with client:
                    client.recv(1 << 16)
                    client.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(ServerError, match=reason):
            reven2.RevenServer("127.0.0.1", other.getsockname()[1])
        other.shutdown(socket.SHUT_RDWR)


def test_a_wrong_token_is_refused(connect: Connect) -> None:
    for token in ("", "wrong"):
        with pytest.raises(ServerError, match="wants its token"):
            connect(token=token)


def test_a_viewer_may_look_and_follow_but_not_publish(
    server: reven2.RevenServer, connect: Connect, port: int, session: str
) -> None:
    file = read_run_file(port)
    assert file is not None
    reader = connect(token=file.read_only_token)
    assert str(reader.trace.transition(3)) == str(server.trace.transition(3))
    with pytest.raises(ServerError, match=f"no session '{session}', and a viewer makes none"):
        reader.sessions.listen(session)
    server.sessions.tracked = reader.sessions.tracked = session
    with reader.sessions.listen(session) as listener:
        assert server.sessions.publish_transition(server.trace.transition(3))
        assert str(listener.next_event(20)) == "#3"
    with pytest.raises(ServerError, match="This takes editors, and you are a viewer"):
        reader.sessions.publish_transition(reader.trace.transition(3))
    assert reader.trace.transition(3).format_as_html().count("onclick") == 0


def test_tls(
    trace_path: Path, tmp_path: Path, serve_traces: Callable[..., int], connect: Connect
) -> None:
    certificate, key = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    port = serve_traces(trace_path, options=("--certificate", certificate, "--key", key))
    server = connect(port, ssl=ssl.create_default_context(cafile=certificate))
    other = connect(port, ssl=ssl.create_default_context(cafile=certificate))
    with server.sessions.listen() as listener:
        assert other.sessions.publish_transition(other.trace.transition(3))
        assert str(listener.next_event(20)) == "#3"
    assert f'href="https://localhost:{port}/#/' in server.trace.transition(3).format_as_html()
    with pytest.raises(ServerError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(port, ssl=True)
    with pytest.raises(ServerError, match="cannot be reached"):
        connect(port)


def test_the_token_is_in_no_log(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        server = connect()
        with server.sessions.listen():
            server.sessions.publish_transition(server.trace.transition(3))
            text = repr(server.sessions) + server.trace.transition(3).format_as_html()
    token = server._connection.token
    assert len(token) > 20
    assert token not in caplog.text + text


def test_a_run_file_that_others_may_read_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    file = tmp_path / "reven" / "1.json"
    file.parent.mkdir()
    file.write_text('{"url": "http://localhost:1", "pid": 1, "token": "t"}')
    file.chmod(0o600)
    found = read_run_file(1)
    assert found is not None
    assert found.token == "t"
    file.chmod(0o644)
    assert read_run_file(1) is None
    assert read_run_file(2) is None
