# SPDX-License-Identifier: Apache-2.0
"""Who gets in, and what they may do there."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import stat
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from reven.server import endpoints as endpoints_module
from reven.server.access import Access, Hosts, same_origin
from reven.server.guard import BEARER
from reven.server.rights import API, MESSAGES, QUERY, REQUESTS, ROLES, VIEW, Role, needed
from reven2._client.messages import (
    ClientMessage,
    Done,
    Event,
    Hello,
    Listen,
    Pong,
    Problem,
    Publish,
    Unlisten,
    WatchPresence,
    Where,
)

from .running import WAIT, Running, listening

SHOWN = ("nothing", "a wrong token", "viewer", "editor", "owner")
HOSTS = ("local", "foreign", "IPv6")
ORIGINS = ("none", "same", "foreign")
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
REFUSED = (401, 403, 421)
ANY_ORIGIN = f"POST {API}/links/publish"


def role_of(shown: str) -> Role:
    return ROLES.get(shown, Role.NOBODY)


def secret_of(server: Running, shown: str) -> str:
    file = server.run_file
    tokens = {"viewer": file.read_only_token, "editor": file.editor_token, "owner": file.token}
    return tokens.get(shown, "" if shown == "nothing" else "x" * 43)


def expected(shown: str, host: str, origin: str, request: str) -> int | None:
    """The status that refuses, None where the request goes through."""
    if host == "foreign":
        return 421
    if origin == "foreign" and request != ANY_ORIGIN:
        return 403
    if role_of(shown) >= REQUESTS[request]:
        return None
    return 401 if role_of(shown) is Role.NOBODY else 403


@pytest.mark.parametrize(("shown", "host", "origin"), [*product(SHOWN, HOSTS, ORIGINS)])
def test_matrix(server: Running, shown: str, host: str, origin: str) -> None:
    """Every request of the table, with whatever is shown, from everywhere."""
    authority = {"local": "localhost", "foreign": "attacker.example", "IPv6": "[::1]"}[host]
    authority += f":{server.port}"
    headers = {"Host": authority}
    if origin != "none":
        page = authority if origin == "same" else "attacker.example"
        headers["Origin"] = f"http://{page}"
    if shown != "nothing":
        headers["Authorization"] = f"Bearer {secret_of(server, shown)}"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    wrong = {}
    for request in REQUESTS:
        got = status(connection, request, headers, server.run_file.scenarios[0])
        wanted = expected(shown, host, origin, request)
        # A login with nothing in it is refused for what it lacks; so is an unknown link key.
        lacks = {"POST /login": 401, ANY_ORIGIN: 403}.get(request)
        if got != wanted if wanted else got in REFUSED and got != lacks:
            wrong[request] = got, wanted
    connection.close()
    assert not wrong


def status(
    connection: http.client.HTTPConnection, request: str, headers: dict[str, str], scenario: str
) -> int:
    """Of a request that changes nothing: what is let through lacks what it needs."""
    method, _, path = request.partition(" ")
    names = {"scenario": scenario, "session": "default", "name": "x", "id": "x", "key": "x"}
    is_live = path.endswith("/sessions/live")
    body = None if method == "GET" else NOTHING.get(request, b"[]")
    sent = headers | (UPGRADE if is_live else {"Content-Type": "application/json"})
    connection.request(method, path.format(**names), body, sent)
    response = connection.getresponse()
    if is_live:
        # What follows is no HTTP any more.
        connection.close()
    else:
        response.read()
    return response.status


NOTHING = {
    "POST /login": b'{"token": ""}',
    ANY_ORIGIN: b'{"key": "x", "selection": {"type": "transition", "trace": "", "scenario": "", '
    b'"transition": 0}}',
}


@pytest.mark.parametrize("shown", ["viewer", "editor", "owner"])
def test_messages_of_the_socket(serve: Any, shown: str) -> None:
    server: Running = serve()
    role = role_of(shown)
    sent: dict[type, ClientMessage] = {
        Listen: Listen("default", 1),
        Unlisten: Unlisten("default", 2),
        Publish: Publish(3, ["default"], server.selection()),
        Where: Where(server.selection(), 4),
        WatchPresence: WatchPresence("default", 5),
        Pong: Pong(),
    }
    assert {*sent, Hello} == {*MESSAGES}, "each message of the table is tried"

    async def check() -> None:
        async with listening(server, token=secret_of(server, shown)) as me:
            for kind, message in sent.items():
                await me.send(message)
                # What comes before its answer is of the message.
                await me.send(Listen("default", 99))
                problems = []
                while not isinstance(answer := await me.receive(), Done) or answer.number != 99:
                    problems += [answer] if isinstance(answer, Problem) else []
                assert bool(problems) == (role < MESSAGES[kind]), kind

    asyncio.run(check())


def test_what_is_not_declared_is_not_served() -> None:
    with pytest.raises(TypeError, match=r"GET /api/v1/new is served, but reven\.server\.rights"):
        needed("GET", "/api/v1/new")
    served = {f"{one.method} {one.path}" for one, _ in endpoints_module._TABLE}
    others = {"GET /", "GET /assets/{name}", "GET /login", "POST /login"}
    others |= {f"GET {API}/openapi.json", f"GET {API}/sessions/live"}
    assert served | others == set(REQUESTS), "what is declared is served"
    assert not served & others


def test_the_documentation_says_what_the_table_says() -> None:
    text = Path("docs/reference/server.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (\w+) \|", text, re.M))
    kinds = (f"POST {QUERY}", f"POST {VIEW}")
    single = {
        request: role.name.lower()
        for request, role in REQUESTS.items()
        if not request.startswith(kinds)
    }
    assert rows == single
    said = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.M))
    assert said == {kind.__name__: role.name.lower() for kind, role in MESSAGES.items()}


class TestViewers:
    """A viewer changes nothing that others see, and nothing that stays."""

    def test_make_no_sessions(self, server: Running) -> None:
        viewer = server.run_file.read_only_token

        async def check() -> None:
            async with listening(server, token=viewer) as me:
                for message in (Listen("of-viewers", 1), WatchPresence("of-viewers", 2)):
                    await me.send(message)
                    said = await me.next(Problem)
                    assert (said.number, "makes none" in said.message) == (message.number, True)
            async with listening(server, "of-viewers", "default", token=viewer) as me:
                assert "makes none" in (await me.next(Problem)).message
                present = server.json("GET", "/api/v1/sessions/default/presence")
                assert me.welcome.client in [one["client"] for one in present]

        asyncio.run(check())
        names = [state["name"] for state in server.json("GET", "/api/v1/sessions")]
        assert "of-viewers" not in names

    def test_push_out_no_logins(self, server: Running) -> None:
        code = server.json("POST", "/api/v1/login", {"role": "owner"})["path"].partition("=")[2]
        secret = log_in(server, code=code)[1]["secret"]
        for _ in range(300):
            assert log_in(server, token=server.run_file.read_only_token)[0] == 200
        assert server.request("GET", "/api/v1/server", token=secret)[0] == 200

    def test_are_counted(self) -> None:
        access = Access()
        viewer = access.tokens[Role.VIEWER]
        one, other = access.who(viewer, "one"), access.who(viewer, "other")
        assert one.client != other.client
        assert one.share == other.share, "another name gives no second share"
        owner = access.tokens[Role.OWNER]
        assert access.who(owner, "one").share != access.who(owner, "other").share


def log_in(server: Running, former: str = "", **sent: str) -> tuple[int, Any]:
    status, _, answer = server.request("POST", "/login", sent, token=former)
    return status, json.loads(answer)


def json_selection(server: Running) -> dict[str, Any]:
    selection = server.selection()
    return {
        "type": "transition",
        "trace": selection.trace,
        "scenario": selection.scenario,
        "transition": 0,
    }


def test_viewers_follow_but_do_not_publish(server: Running) -> None:
    token = server.run_file.read_only_token

    async def check() -> None:
        async with (
            listening(server, "followed") as publisher,
            listening(server, "followed", token=token) as follower,
        ):
            assert not follower.welcome.may_publish
            await publisher.publish(server.selection(), "followed")
            assert (await follower.next(Event)).sequence == 1
            await follower.send(Publish(1, ["followed"], server.selection()))
            assert "This takes editors" in (await follower.next(Problem)).message

    asyncio.run(check())


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
    file = server.run_file
    for secret in (file.token, file.editor_token, file.read_only_token):
        assert secret not in printed + command_line + environment


class TestLogins:
    """Links that let browsers in."""

    def test_the_printed_one_makes_an_owner(self, serve: Any) -> None:
        server: Running = serve()
        code = server.login_url.partition("code=")[2]
        status, headers, page = server.request("GET", f"/login?code={code}", Authorization="")
        assert status == 200
        assert "set-cookie" not in headers
        assert code.encode() not in page
        status, given = log_in(server, code=code)
        assert (status, given["role"]) == (200, "owner")
        assert given["secret"] not in (*server.printed, server.token)
        assert server.json("GET", "/api/v1/server", token=given["secret"])["role"] == "owner"
        # The same browser may use it again, another may not.
        assert log_in(server, given["secret"], code=code) == (200, given)
        assert log_in(server, code=code)[0] == 401
        assert log_in(server, server.token, code=code)[0] == 401

    def test_with_a_role(self, server: Running) -> None:
        for role in ROLES:
            path = server.json("POST", "/api/v1/login", {"role": role, "seconds": 60})["path"]
            given = log_in(server, code=path.partition("=")[2])[1]
            assert given["role"] == role
            assert server.json("GET", "/api/v1/server", token=given["secret"])["role"] == role

    def test_for_a_time(self) -> None:
        now = 100.0
        access = Access(clock=lambda: now)
        used, unused = (access.make_code(Role.EDITOR, 60.0) for _ in range(2))
        secret = access.log_in(used)
        assert secret is not None
        assert access.who(secret).role is Role.EDITOR
        now = 159.0
        assert access.who(secret).role is Role.EDITOR
        now = 160.0
        assert access.who(secret).role is Role.NOBODY
        assert access.log_in(unused) is None
        assert access.log_in(used, secret) is None

    def test_with_a_token_it_stays_that_token(self, server: Running) -> None:
        token = server.run_file.editor_token
        assert log_in(server, token=token) == (200, {"secret": token, "role": "editor"})
        assert log_in(server, token="wrong")[0] == 401
        assert log_in(server)[0] == 401

    def test_are_no_cookies(self, server: Running) -> None:
        # A browser would send them to every port of this host.
        code = server.json("POST", "/api/v1/login", {})["path"].partition("=")[2]
        secret = log_in(server, code=code)[1]["secret"]
        cookies = {"Authorization": "", "Cookie": f"reven_{server.port}={secret}; secret={secret}"}
        assert server.request("GET", "/api/v1/server", **cookies)[0] == 401
        for path in ("/", "/login", "/api/v1/server"):
            assert "set-cookie" not in server.request("GET", path)[1]

    def test_a_page_shows_its_secret_as_a_subprotocol(self, server: Running) -> None:
        async def check() -> None:
            async with connect(
                f"ws://127.0.0.1:{server.port}/api/v1/sessions/live",
                subprotocols=[Subprotocol("reven.sessions"), Subprotocol(BEARER + server.token)],
            ) as socket:
                assert socket.subprotocol == "reven.sessions"
            with pytest.raises(InvalidStatus):
                async with connect(
                    f"ws://127.0.0.1:{server.port}/api/v1/sessions/live",
                    subprotocols=[Subprotocol("reven.sessions"), Subprotocol(BEARER + "wrong")],
                ):
                    pass

        asyncio.run(check())


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


@given(st.text(), st.text())
def test_whatever_else_is_shown_gives_no_right(secret: str, client: str) -> None:
    access = Access()
    access.log_in(access.make_code())
    assert access.who(secret, client).role is Role.NOBODY
    assert access.log_in(secret, client) is None
    for role, token in access.tokens.items():
        assert access.who(token, client).role is role


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
