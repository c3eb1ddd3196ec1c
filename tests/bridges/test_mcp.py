# SPDX-License-Identifier: Apache-2.0
"""Questions with known answers, answered over the official client with the tools alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
from collections.abc import Awaitable, Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import urllib3
from mcp import Client, StdioServerParameters

import reven2
from reven.bridges.mcp.answers import LARGEST_ANSWER, Cursor, paged

from .compatibility import Claims
from .conftest import REVEN
from .programs import DEBUGGED, DEBUGGED_FLAGS

MOST_CALLS = 6
HEAP = """
#include <stdlib.h>
#include <string.h>
struct item { char name[8]; int count; };
__attribute__((noinline)) struct item *make(const char *name) {
    struct item *made = malloc(sizeof *made);
    strcpy(made->name, name);
    return made;
}
__attribute__((noinline)) int use(struct item *one) { return one->count; }
int main(void) {
    struct item *one = make("much too long");
    free(one);
    return use(one) & 1;
}
"""


class Asked:
    """An assistant that only calls tools."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.calls, self.largest = 0, 0

    async def __call__(self, tool: str, **arguments: Any) -> str:
        self.calls += 1
        result = await self._client.call_tool(tool, arguments)
        text: str = result.content[0].text  # type: ignore[union-attr]
        self.largest = max(self.largest, len(text.encode()))
        return text


Question = Callable[[Asked], Awaitable[bool]]


def first_number(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]


async def which_signal(ask: Asked) -> bool:
    """What ended the program, and which register was bad?"""
    text = await ask("end")
    return "SIGSEGV" in text and "rax = 0x0" in text and "main" in text


async def where_from(ask: Asked) -> bool:
    """Where did the null pointer come from?"""
    at = first_number(await ask("end"), r"#(\d+)")
    text = await ask("origin", what="rax", at=at)
    return "constant of the instruction" in text


async def where_to(ask: Asked) -> bool:
    """What does the number of arguments decide?"""
    text = await ask("origin", what="rdi", at="main", forward=True)
    return "the condition of a branch" in text and "main" in text


async def why(ask: Asked) -> bool:
    """Why did it crash, in one answer?"""
    text = await ask("explain")
    return "SIGSEGV" in text and "main" in text and "#" in text


async def how_often(ask: Asked) -> bool:
    """How often was add called, and what did it return the last time?"""
    text = await ask("calls", function="^add$")
    lines = text.splitlines()
    return len(lines) == 8 and "rax=0x1f" in lines[-1]


async def in_pages(ask: Asked) -> bool:
    """The same, three at a time."""
    seen: list[str] = []
    cursor = ""
    while True:
        text = await ask("calls", function="^add$", limit=3, cursor=cursor)
        more = re.search(r'more: cursor="(.+)"', text)
        seen += [line for line in text.splitlines() if not line.startswith("more:")]
        if not more:
            return len(seen) == len(set(seen)) == 8
        cursor = more[1]


async def who_wrote(ask: Asked) -> bool:
    """Which function wrote `total` last, and what?"""
    text = await ask("history", address="total", size=4, limit=1)
    return "on_signal" in text and "= 0x83" in text


async def first_writer(ask: Asked) -> bool:
    """What was the first value written to `total`?"""
    text = await ask("history", address="total", size=4, at="first", direction="forward", limit=1)
    return "sum_of" in text and "= 0x3" in text


async def which_arguments(ask: Asked) -> bool:
    """What were the arguments of add when it first returned 14?"""
    lines = (await ask("calls", function="^add$")).splitlines()
    return any("rdi=0x9, rsi=0x5" in line and "rax=0xe" in line for line in lines)


async def in_memory(ask: Asked) -> bool:
    """What does the array `values` hold?"""
    text = await ask("state", at="main", memory="values", size=32)
    return "03 00 00 00 01 00 00 00 04 00 00 00" in text


async def what_was_printed(ask: Asked) -> bool:
    """What text did it make, and which code first touched it?"""
    text = await ask("strings", pattern="half 15")
    at = first_number(text, r"#(\d+)")
    state = await ask("state", at=at)
    return "sum 31, half 15.5" in text and "libc" in state


async def heap_errors(ask: Asked) -> bool:
    """Which errors with the heap did it make, in which functions?"""
    text = await ask("bugs", trace="heap")
    overflow = first_number(text, r"#(\d+)[^\n]*writes")
    stack = await ask("state", trace="heap", at=overflow)
    return "use" in text and "freed by" in text and "make" in stack


QUESTIONS: list[Question] = [
    *(which_signal, where_from, where_to, why, how_often, in_pages, who_wrote, first_writer),
    *(which_arguments, in_memory, what_was_printed, heap_errors),
]


@pytest.fixture(scope="module")
def traces(record_program: Any, record_command: Any) -> list[Path]:
    first = record_program(DEBUGGED, *DEBUGGED_FLAGS)
    with reven2.open(first) as server:
        program = next(one.path for one in server.ossi.executed_binaries("/program$"))
    return [record_command([program, "x"]), record_program(HEAP, "-O0", "-w")]


def test_questions(traces: list[Path], claims: Claims) -> None:
    async def all_of_them() -> None:
        command = StdioServerParameters(command=REVEN, args=["mcp", *map(str, traces)])
        async with Client(command) as client:
            listed = await client.list_tools()
            assert len(listed.tools) <= 16
            # What every conversation pays for.
            assert sum(len(tool.model_dump_json()) for tool in listed.tools) < 16_000
            crash, heap = traces[0].name[:-6], traces[1].name[:-6]
            for question in QUESTIONS:
                ask = Asked(client)
                assert await question(_Named(client, ask, {"": crash, "heap": heap})), (
                    question.__doc__
                )
                assert ask.calls <= MOST_CALLS, question.__doc__
                assert ask.largest <= LARGEST_ANSWER + 1000, question.__doc__
            prompts = await client.list_prompts()
            assert {one.name for one in prompts.prompts} == {"crash", "memory_error", "who_wrote"}

    asyncio.run(all_of_them())
    claims.works(
        "MCP", "mcp SDK (stdio)", metadata.version("mcp"), "eleven questions in ≤ 6 calls each"
    )


class _Named(Asked):
    """Asks of the trace of the crash where a question says nothing else."""

    def __init__(self, client: Client, counted: Asked, names: dict[str, str]) -> None:
        super().__init__(client)
        self._counted, self._names = counted, names

    async def __call__(self, tool: str, **arguments: Any) -> str:
        trace = self._names[arguments.pop("trace", "")]
        return await self._counted(tool, trace=trace, **arguments)


def test_what_is_wrong_is_said(traces: list[Path]) -> None:
    async def ask() -> None:
        command = StdioServerParameters(command=REVEN, args=["mcp", str(traces[0])])
        async with Client(command) as client:
            for tool, arguments, said in (
                ("state", {"at": "nowhere"}, "no register or symbol 'nowhere'"),
                ("state", {"trace": "other"}, "no open trace 'other'"),
                ("search", {"what": "(", "kind": "instruction"}, "no regular expression"),
                ("calls", {"cursor": "../.."}, "no cursor"),
                ("open_trace", {"path": "/etc"}, "trace"),
                ("history", {"address": "#4"}, "moment"),
                ("instructions", {"at": "first", "count": 10**9}, "more: cursor"),
                ("publish", {"at": "main"}, "of a server"),
            ):
                result = await client.call_tool(tool, arguments)
                assert said in result.content[0].text, tool  # type: ignore[union-attr]

    asyncio.run(ask())


def test_over_http_with_a_token(traces: list[Path], claims: Claims) -> None:
    environment = {**os.environ, "REVEN_MCP_TOKEN": "secret"}
    command = [REVEN, "mcp", str(traces[0]), "--http", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            right = {"Authorization": "Bearer secret", "Accept": "application/json"}
            for headers, statuses in (
                ({}, (401,)),
                ({"Authorization": "Bearer secre"}, (401,)),
                ({**right, "Host": "evil.example"}, (403, 421)),
                ({**right, "Origin": "http://evil.example"}, (403, 421)),
            ):
                answer = urllib3.request("POST", url, json=hello, headers=headers, timeout=60)
                assert answer.status in statuses, headers
            port = int(url.split(":")[2].partition("/")[0])
            with socket.create_connection(("127.0.0.1", port), timeout=60) as endless:
                endless.sendall(b"POST /mcp HTTP/1.1\r\nA: " + b"a" * 40_000)
                with contextlib.suppress(ConnectionResetError):
                    assert endless.recv(1) == b""
        finally:
            process.terminate()
    claims.works("MCP", "mcp SDK (HTTP)", metadata.version("mcp"), "token, Host and Origin rules")


def test_setup_names_the_traces() -> None:
    done = subprocess.run(
        [REVEN, "mcp", "--setup", "some.reven"], capture_output=True, text=True, check=True
    )
    for name in ("mcpServers", "claude mcp add", "[mcp_servers.reven]", "some.reven"):
        assert name in done.stdout


def test_pages_leave_out_and_repeat_nothing() -> None:
    lines = [(number // 3, f"line {number} {'x' * (number % 50)}") for number in range(500)]
    for limit in (1, 2, 7, 200):
        cursor, seen = Cursor(0), []
        for _ in range(1000):
            rest = [line for line in lines if line[0] >= cursor.position]
            told = paged(rest, cursor, limit, "none").splitlines()
            assert len("\n".join(told)) <= LARGEST_ANSWER + 100
            seen += [line for line in told if line.startswith("line")]
            if not told[-1].startswith("more:"):
                break
            cursor = Cursor.of(told[-1].split('"')[1], 0)
        assert seen == [text for _, text in lines]
