# SPDX-License-Identifier: Apache-2.0
"""Who gets in, and what they may do there."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import stat
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven.server.access import Access, Hosts, Right, same_origin
from reven2._client.messages import Event, Problem, Publish

from .running import WAIT, Running, listening

TOKENS = ("none", "bad", "read-only", "good")
HOSTS = ("local", "foreign", "IPv6")
ORIGINS = ("none", "same", "foreign")
REQUESTS = ("GET", "POST", "WebSocket")
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def expected(token: str, host: str, origin: str, request: str) -> int:
    if host == "foreign":
        return 421
    if origin == "foreign":
        return 403
    if token in ("none", "bad"):
        return 401
    if request == "POST" and token == "read-only":
        return 403
    return 101 if request == "WebSocket" else 200


@pytest.mark.parametrize(("token", "host", "origin"), [*product(TOKENS, HOSTS, ORIGINS)])
def test_matrix(server: Running, token: str, host: str, origin: str) -> None:
    authority = {"local": "localhost", "foreign": "attacker.example", "IPv6": "[::1]"}[host]
    authority += f":{server.port}"
    headers = {"Host": authority}
    if origin != "none":
        page = authority if origin == "same" else "attacker.example"
        headers["Origin"] = f"http://{page}"
    if token != "none":
        secret = {
            "bad": "x" * 43,
            "read-only": server.run_file.read_only_token,
            "good": server.token,
        }[token]
        headers["Authorization"] = f"Bearer {secret}"
    for request in REQUESTS:
        assert status(server, request, headers) == expected(token, host, origin, request), request


def status(server: Running, request: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    try:
        if request == "GET":
            connection.request("GET", "/api/v1/sessions", headers=headers)
        elif request == "POST":
            body = {"selection": json_selection(server)}
            headers = {**headers, "Content-Type": "application/json"}
            connection.request("POST", "/api/v1/sessions/publish", json.dumps(body), headers)
        else:
            connection.request("GET", "/api/v1/sessions/live", headers={**headers, **UPGRADE})
        return connection.getresponse().status
    finally:
        connection.close()


def json_selection(server: Running) -> dict[str, Any]:
    selection = server.selection()
    return {
        "type": "transition",
        "trace": selection.trace,
        "scenario": selection.scenario,
        "transition": 0,
    }


def test_read_only_clients_follow_but_do_not_publish(server: Running) -> None:
    token = server.run_file.read_only_token

    async def check() -> None:
        async with (
            listening(server, "followed", token=token) as follower,
            listening(server) as publisher,
        ):
            assert not follower.welcome.may_publish
            await publisher.publish(server.selection(), "followed")
            assert (await follower.next(Event)).sequence == 1
            await follower.send(Publish(1, ["followed"], server.selection()))
            assert "read-only" in (await follower.next(Problem)).message

    asyncio.run(check())
    assert server.request("POST", "/api/v1/login", token=token)[0] == 403
    assert server.request("POST", "/api/v1/links", {"tracked": []}, token=token)[0] == 403


def test_the_run_file_is_its_users_own(server: Running) -> None:
    assert stat.S_IMODE(server.run_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.run_path.parent.stat().st_mode) == 0o700
    assert server.run_file.pid == server.process.pid


def test_the_tokens_are_in_no_output_and_no_command_line(serve: Any) -> None:
    server = serve()
    server.json("GET", "/api/v1/server")
    server.request("GET", "/api/v1/server", token="wrong")
    printed = "\n".join(server.printed)
    command_line = Path(f"/proc/{server.process.pid}/cmdline").read_text()
    environment = Path(f"/proc/{server.process.pid}/environ").read_text()
    printed += server.end()[1]
    for secret in (server.token, server.run_file.read_only_token):
        assert secret not in printed + command_line + environment


def test_a_browser_logs_in_once_with_the_printed_address(serve: Any) -> None:
    server = serve()
    path = "/login" + server.login_url.partition("/login")[2]
    none = {"Authorization": ""}
    status, headers, _ = server.request("GET", path, **none)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert server.token not in cookie
    logged_in = {**none, "Cookie": cookie.partition(";")[0]}
    status, headers, told = server.request("GET", "/api/v1/server", **logged_in)
    assert status == 200
    assert json.loads(told)["scenarios"] == server.run_file.scenarios
    assert server.request("GET", path, **none)[0] == 401
    assert server.request("GET", "/api/v1/server", **none)[0] == 401
    # Another page of this machine has the same cookie: ports do not tell cookies apart.
    assert (
        server.request("POST", "/api/v1/login", Origin="http://localhost:1", **logged_in)[0] == 403
    )
    image = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}
    assert server.request("GET", "/api/v1/server", **logged_in, **image)[0] == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.request("GET", "/", **logged_in, **link)[0] == 200


def test_a_client_gets_further_logins(server: Running) -> None:
    path = server.json("POST", "/api/v1/login")["path"]
    assert server.request("GET", path, Authorization="")[0] == 303


class TestLinks:
    """The keys of notebook links."""

    def test_publish_from_any_page_but_nothing_else(self, server: Running) -> None:
        key = server.json("POST", "/api/v1/links", {"tracked": ["default"]})["key"]
        page = {"Authorization": "", "Origin": "http://notebook.example"}
        body = {"key": key, "selection": json_selection(server)}
        status, headers, answer = server.request("POST", "/api/v1/links/publish", body, **page)
        assert (status, json.loads(answer)) == (200, {"listeners": 0})
        assert headers["access-control-allow-origin"] == "*"
        assert server.request("OPTIONS", "/api/v1/links/publish", **page)[0] == 204
        stolen = {**page, "Authorization": f"Bearer {key}"}
        for path in ("/api/v1/server", "/api/v1/sessions"):
            assert server.request("GET", path, **stolen)[0] == 403
            assert server.request("GET", path, Authorization=f"Bearer {key}")[0] == 401

    def test_publish_to_what_is_tracked_at_that_moment(self, server: Running) -> None:
        async def check() -> None:
            async with listening(server, "one") as one, listening(server, "two") as two:
                key = server.json("POST", "/api/v1/links", {"tracked": ["one"]})["key"]
                assert server.json("PUT", f"/api/v1/links/{key}", {"tracked": ["two"]}) == {}
                click = {"key": key, "selection": json_selection(server)}
                answer = await asyncio.to_thread(
                    server.json, "POST", "/api/v1/links/publish", click, Authorization=""
                )
                assert answer == {"listeners": 1}
                while (message := json.loads(await two.socket.recv()))["type"] != "event":
                    pass
                assert message["origin"]["kind"] == "notebook"
                assert await one.hears_no_event()

        asyncio.run(check())

    def test_an_unknown_key_is_refused(self, server: Running) -> None:
        body = {"key": "x", "selection": json_selection(server)}
        assert server.request("POST", "/api/v1/links/publish", body)[0] == 403
        assert server.request("PUT", "/api/v1/links/x", {"tracked": []})[0] == 403


class TestLimits:
    """No request is large, deep or slow enough to hurt."""

    def test_body(self, server: Running) -> None:
        path = f"/api/v1/scenarios/{server.run_file.scenarios[0]}/info"
        assert server.request("POST", path, b" " * (5 << 20), Content_Type="text/plain")[0] == 413

    def test_body_without_a_length(self, server: Running) -> None:
        head = (
            "POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {server.token}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port), WAIT) as one:
            one.sendall(head.encode())
            chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            with pytest.raises(OSError):  # noqa: PT011, PT012
                for _ in range(1000):
                    one.sendall(chunk)
                raise AssertionError("65 MB were taken")

    def test_head(self, server: Running) -> None:
        with socket.create_connection(("127.0.0.1", server.port), WAIT) as one:
            one.sendall(b"GET / HTTP/1.1\r\n")
            with pytest.raises(OSError):  # noqa: PT011, PT012
                for _ in range(10_000):
                    one.sendall(b"X-Header: " + b"x" * 1000 + b"\r\n")
                raise AssertionError("10 MB were taken")

    @pytest.mark.parametrize("unit", [b"[", b'{"selection":'])
    def test_depth(self, server: Running, unit: bytes) -> None:
        body = unit * 10_000
        status, _, answer = server.request(
            "POST", "/api/v1/sessions/publish", body, Content_Type="application/json"
        )
        assert (status, json.loads(answer)["error"]) == (400, "InvalidArgumentError")

    def test_requests_that_never_end_are_cut(self, serve: Any) -> None:
        server = serve()
        slow = [socket.create_connection(("127.0.0.1", server.port), WAIT) for _ in range(50)]
        for one in slow:
            one.sendall(b"GET / HTTP/1.1\r\nHost: localho")
        assert server.json("GET", "/api/v1/server")
        for one in slow:
            assert one.recv(1) == b""
            one.close()


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/etc/passwd", "/static/../login/.."])
def test_no_path_leads_out(server: Running, path: str) -> None:
    assert server.request("GET", path)[0] == 404


def test_secrets_are_found_whatever_is_sent() -> None:
    access = Access(cookie="reven_1")
    assert access.right(f"Bearer {access.token}", "") is Right.CONTROL
    assert access.right(f"bearer  {access.token} ", "") is Right.CONTROL
    assert access.right(f"Bearer {access.read_only_token}", "") is Right.LOOK


@given(st.text(), st.text())
def test_whatever_else_is_sent_gives_no_right(authorization: str, cookies: str) -> None:
    access = Access(cookie="reven_1")
    access.log_in(access.make_code())
    assert access.right(authorization, cookies) is Right.NOTHING
    assert access.right(f"Bearer {authorization}", f"reven_1={cookies}") is Right.NOTHING
    assert access.log_in(authorization) is None


@pytest.mark.parametrize(
    ("host", "local", "remote"),
    [
        ("localhost", True, True),
        ("localhost:1", True, True),
        ("LOCALHOST.", True, True),
        ("127.0.0.1:13370", True, True),
        ("[::1]:13370", True, True),
        ("[::1]", True, True),
        ("trace.example", True, True),
        ("192.0.2.1:13370", False, True),
        ("[2001:db8::1]:80", False, True),
        ("localhost.attacker.example", False, False),
        ("attacker.example", False, False),
        ("user@localhost", False, False),
        ("localhost/x", False, False),
        ("localhost, attacker.example", False, False),
        ("localhost:x", False, False),
        ("[::1", False, False),
        ("", False, False),
    ],
)
def test_hosts(host: str, local: bool, remote: bool) -> None:
    assert Hosts(["trace.example"]).allows(host) is local
    assert Hosts(["trace.example"], remote=True).allows(host) is remote


@given(st.text())
def test_any_host_is_judged(host: str) -> None:
    assert Hosts().allows(host) in (True, False)
    assert same_origin(host, "http", "localhost:1") in (True, False)


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        ("http://localhost:1", True),
        ("https://localhost:1", False),
        ("http://localhost:2", False),
        ("http://localhost", False),
        ("http://localhost:1/", False),
        ("null", False),
        ("", False),
    ],
)
def test_origins(origin: str, same: bool) -> None:
    assert same_origin(origin, "http", "localhost:1") is same


def test_default_ports_may_be_left_out() -> None:
    assert same_origin("https://localhost", "https", "localhost:443")
    assert same_origin("http://localhost:80", "http", "localhost")
