# SPDX-License-Identifier: Apache-2.0
"""`reven search` and `reven strings`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import reven2

from .conftest import Run

SOURCE = r"""
#include <stdint.h>
#include <stdio.h>
static volatile uint64_t secret;
__attribute__((noinline)) void keep(uint64_t value) { secret = value; }
int main(void) {
    char text[32];
    sprintf(text, "the answer is %d", 42);
    keep(0x1234567890abcdef);
    keep(7);
    return puts(text) < 0;
}
"""


@pytest.fixture
def trace(record_program: Callable[..., Path]) -> Path:
    return record_program(SOURCE)


def test_strings_are_shown_and_chosen(reven: Run, trace: Path) -> None:
    done = reven("strings", trace, "the answer")
    assert done.returncode == 0, done.stderr
    assert "the answer is 42" in done.stdout
    shown = json.loads(reven("strings", trace, "the answer is 42", "--json").stdout)
    with reven2.open(trace) as server:
        expected = [
            {
                "id": string.id,
                "text": string.data,
                "address": f"{string.address.offset:#x}",
                "size": string.size,
                "encoding": "utf-8",
                "first_access": string.first_access.id,
                "last_access": string.last_access.id,
            }
            for string in server.trace.strings("the answer is 42")
        ]
    assert shown == expected != []
    few = reven("strings", trace, "-n", "2")
    assert len(few.stdout.splitlines()) == 2
    assert "There are more" in few.stderr
    assert reven("strings", trace, "no such string").stdout == ""


@pytest.mark.parametrize(
    ("kind", "what", "options", "fits"),
    [
        ("symbol", "keep|none", [], "program!keep"),
        ("instruction", r"^ret\b", ["-n", "3"], "ret"),
        ("value", "0x1234567890abcdef", [], "rdi"),
        ("value", "0x7890abcdef", ["--size", "5"], "rdi"),
        ("memory", "the answer is 42", [], "0x"),
        ("memory", "efcdab9078563412", ["--hex"], "mov"),
        ("string", "answer is 42", [], "the answer is 42"),
    ],
)
def test_each_kind_of_search(
    reven: Run, trace: Path, kind: str, what: str, options: list[str], fits: str
) -> None:
    done = reven("search", trace, kind, what, *options)
    assert done.returncode == 0, done.stderr
    assert fits in done.stdout
    rows = json.loads(reven("search", trace, kind, what, *options, "--json").stdout)
    assert len(rows) == len(done.stdout.splitlines())
    assert [f"#{row['transition']}" for row in rows] == [
        line.split()[0] for line in done.stdout.splitlines()
    ]


def test_a_search_is_bounded_and_turned(reven: Run, trace: Path) -> None:
    def found(*options: str) -> list[int]:
        done = reven("search", trace, "symbol", "keep", *options, "--json")
        return [row["transition"] for row in json.loads(done.stdout)]

    first, second = found()
    assert found("--backward") == [second, first]
    assert found("--from", str(first + 1)) == [second]
    assert found("--to", str(second)) == [first]
    with reven2.open(trace) as server:
        pc = server.trace.transition(first).pc
    rows = json.loads(reven("search", trace, "pc", hex(pc), "--json").stdout)
    assert [row["transition"] for row in rows] == [first, second]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["pc", "nothing"], "'nothing' is no address: there is no register or symbol 'nothing'"),
        (["symbol", "nothing_there"], "no executed binary has a symbol 'nothing_there'"),
        (["memory", "xyz", "--hex"], "'xyz' are no bytes: write pairs of digits, as 7f454c46"),
        (["value", "1", "--backward"], "--backward does not go with value"),
        (["pc", "1", "--to", "999999999"], "there is no transition 999999999: the trace has"),
        (["instruction", "("], "'(' is no regular expression"),
    ],
)
def test_what_cannot_be_searched_for(reven: Run, trace: Path, words: list[str], text: str) -> None:
    done = reven("search", trace, *words)
    assert done.returncode == 2
    assert text in done.stderr
