# SPDX-License-Identifier: Apache-2.0
"""Every query and every view with absurd arguments: an answer or an error of its own, soon, and
a server of the same size."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import typing
from typing import Any, get_type_hints

import msgspec
import pytest

from reven.server.queries import QUERIES
from reven.server.rights import QUERY, VIEW
from reven.server.views import VIEWS
from reven2._service.taint import TaintQuery

from .running import Running

SECONDS = 60.0
ALLOWED = {200, 400, 404, 409, 422, 429}
GROWTH = 500 << 20
DEEP = 20_000

NUMBERS = [0, 1, 2**53, 2**63, 2**64, 10**30, -1]
TEXTS = [
    "",
    "(" * DEEP,
    "[rsp" * DEEP,
    "*" * DEEP + "rsp",
    "1" * DEEP,
    "main+" * DEEP + "1",
    "(a+)+$" * 50,
    "\0",
    "\U0001f4a5" * 1000,
    "../../../etc/passwd",
    "/dev/zero",
    "/proc/self/mem",
]
TAINTS = [
    {"seeds": [[0, True, 0, 2**63]], "tag_count": 1},
    {"seeds": [[2**31, False, 2**40, 2**40]], "tag_count": 2**31},
    {"seeds": [[0, True, 0, 1]] * DEEP, "tag_count": 64},
]


def absurd(kind: Any) -> list[Any]:
    """Values of a type that nobody means."""
    if kind is TaintQuery:
        rest = {"first": 0, "last": 5, "forward": True, "key": "absurd"}
        return [{**taint, **rest} for taint in TAINTS]
    if kind is bool:
        return [True, False]
    if kind is int:
        return NUMBERS
    if kind is str:
        return TEXTS
    if kind is bytes:
        return ["", "A" * 100_000, "no base64"]
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return [parts[0], "nothing of the kind"]
    if origin is tuple:
        ends = [absurd(part) for part in parts]
        return [[one[at % len(one)] for one in ends] for at in range(5)]
    if origin in (list, typing.get_origin(typing.Sequence[int])):
        (part,) = parts
        return [[], absurd(part)[1:2] * 20, [absurd(part)[-1]]]
    if kind is type(None) or not parts:
        return [None]
    return [None, *(value for part in parts if part is not type(None) for value in absurd(part))]


def cases(arguments: type[msgspec.Struct], chosen: random.Random) -> list[dict[str, Any]]:
    """Each argument with each of its absurd values, the others with some."""
    hints = get_type_hints(arguments)
    values = {name: absurd(kind) for name, kind in hints.items()}
    return [
        {other: chosen.choice(some[:2]) for other, some in values.items()} | {name: value}
        for name in hints
        for value in values[name]
    ]


@pytest.mark.parametrize("kind", ["queries", "views"])
def test_absurd_arguments(serve: Any, kind: str) -> None:
    server: Running = serve()
    scenario = server.run_file.scenarios[0]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    headers = {
        "Authorization": f"Bearer {server.run_file.editor_token}",
        "Content-Type": "application/json",
    }
    before = server.resident_bytes
    chosen = random.Random(1)
    wrong = []
    with contextlib.closing(connection):
        for one in (QUERIES if kind == "queries" else VIEWS).values():
            path = (QUERY if kind == "queries" else VIEW).format(scenario=scenario) + one.name
            for case in cases(one.arguments, chosen):
                connection.request("POST", path, json.dumps(case), headers)
                response = connection.getresponse()
                said = json.loads(response.read())
                if response.status not in ALLOWED or (
                    response.status != 200 and not (said["error"] and said["message"])
                ):
                    wrong.append((one.name, str(case)[:200], response.status))
    assert not wrong
    assert server.resident_bytes - before < GROWTH
    assert server.end() == (0, "")


@pytest.mark.parametrize("opening", ["[", '{"selection":', '{"sessions":['])
def test_depth_everywhere(server: Running, opening: str) -> None:
    body = (opening * DEEP).encode()
    scenario = server.run_file.scenarios[0]
    paths = ["/api/v1/sessions/publish", "/api/v1/links", "/api/v1/links/publish", "/api/v1/login"]
    paths += ["/login", QUERY.format(scenario=scenario) + "registers"]
    for path in paths:
        status, _, answer = server.request("POST", path, body, Content_Type="application/json")
        assert (status, json.loads(answer)["error"]) == (400, "InvalidArgumentError"), path
