# SPDX-License-Identifier: Apache-2.0
"""One symbol for an address, found by each of its names, shown by its best."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.errors import InvalidArgumentError

ALIASES = r"""
int twice(int n) { return n * 2; }
extern int _twice(int) __attribute__((alias("twice")));
extern int __libc_twice(int) __attribute__((weak, alias("twice")));
static int twice_local(int) __attribute__((alias("twice"), used));
int numbers[4] = {1, 2, 3, 4};
extern int _numbers[4] __attribute__((weak, alias("numbers")));
int main(void) { return twice(3) + _twice(4) - 14 + numbers[0] - 1; }
"""
CPP = r"""
struct Thing { int n; Thing(int n); ~Thing(); };
__attribute__((noinline)) Thing::Thing(int n) : n(n) {}
__attribute__((noinline)) Thing::~Thing() { n = 0; }
int main() { Thing one(3); volatile int n = one.n; return n - 3; }
"""
VERSIONED = r"""
__asm__(".symver old_way, way@V1\n.symver new_way, way@@V2\n.symver same_now, same@@V2\n"
        ".symver same_before, same@V1\n");
int old_way(int n) { return n + 1; }
int new_way(int n) { return n + 2; }
int same_now(int n) { return n + 3; }
extern int same_before(int) __attribute__((alias("same_now")));
"""
VERSIONED_MAIN = """
int way(int); int same(int);
int main(void) { return way(1) + same(1) - 7; }
"""


def names(server: reven2.OpenTrace, pattern: str) -> list[str]:
    return [str(symbol) for symbol in server.ossi.symbols(pattern)]


def test_a_symbol_is_found_by_each_of_its_names(record_program: Any, open_trace: Any) -> None:
    path = record_program(ALIASES, "-fno-inline")
    server = open_trace(path)
    for pattern in ("^twice$", "^_twice$", "^__libc_twice$", "^twice_local$", "twice"):
        assert names(server, pattern) == ["program!twice"], pattern
    [twice] = server.ossi.symbols("__libc_twice")
    assert twice.name == twice.source_name == "twice"
    assert set(twice.aliases) == {"_twice", "__libc_twice", "twice_local"}
    [numbers] = twice.binary.data_symbols("^_numbers$")
    assert (numbers.name, numbers.aliases, numbers.size) == ("numbers", ("_numbers",), 16)
    # Each run is one event.
    entries = list(server.trace.search.symbol(twice))
    assert [context.ossi.location().symbol for context in entries] == [twice, twice]
    assert len(list(server.trace.calls("twice"))) == 2
    assert len(list(server.trace.calls("_twice"))) == 2
    found = subprocess.run(
        [Path(sys.executable).with_name("reven"), "search", path, "symbol", ".*twice.*", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [one["transition"] for one in json.loads(found.stdout)] == [one._id for one in entries]


def test_constructors_are_one_symbol(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(CPP, language="cpp"))
    assert names(server, "^Thing::Thing") == ["program!Thing::Thing(int)"]
    assert names(server, "^Thing::~Thing") == ["program!Thing::~Thing()"]
    for mangled in ("^_ZN5ThingC1Ei$", "^_ZN5ThingC2Ei$"):
        assert names(server, mangled) == ["program!Thing::Thing(int)"]


def test_no_address_has_two_symbols(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(ALIASES, "-fno-inline"))
    listed = list(server.ossi.symbols())
    assert Counter((one.binary, one.rva) for one in listed).most_common(1)[0][1] == 1
    assert len(set(listed)) == len(listed)
    assert names(server, "^malloc$") == names(server, "^__libc_malloc$")
    assert "libc!malloc" in names(server, "malloc")
    [libc] = server.ossi.executed_binaries(r"/libc\.so")
    [environ] = libc.data_symbols("^__environ$")
    assert str(environ) == "libc!environ"


def test_versions_tell_symbols_of_one_name_apart(
    record_command: Any, open_trace: Any, tmp_path: Path
) -> None:
    (tmp_path / "map").write_text("V1 { }; V2 { global: way; same; local: *; } V1;")
    (tmp_path / "lib.c").write_text(VERSIONED)
    (tmp_path / "main.c").write_text(VERSIONED_MAIN)
    script = f"-Wl,--version-script={tmp_path}/map"
    library = f"{tmp_path}/libway.so"
    for words in (
        ["-shared", "-fPIC", "-o", library, "lib.c", script],
        ["-o", "main", "main.c", library],
    ):
        subprocess.run(["gcc", "-O0", "-fno-inline", *words], cwd=tmp_path, check=True)
    subprocess.run(["strip", library], check=True)
    server = open_trace(record_command([tmp_path / "main"]))
    assert names(server, "^way$") == ["libway!way"]
    assert names(server, "^way@V1$") == ["libway!way@V1"]
    assert len(names(server, "^same(@|$)")) == 2, "the function, and its entry in the PLT of main"
    assert len(list(server.trace.calls("^way$"))) == 1
    assert len(list(server.trace.calls("^way@V1$"))) == 0


def test_what_is_no_pattern_is_said(values: reven2.OpenTrace) -> None:
    with pytest.raises(InvalidArgumentError, match="no regular expression"):
        list(values.ossi.symbols("("))
