# SPDX-License-Identifier: Apache-2.0
"""The one language for moments and places: `server.where`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reven2
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.errors import (
    InvalidArgumentError,
    MemoryReadError,
    OutOfRangeError,
    RevenError,
    ServerError,
)
from reven2.place import Place

CPP = r"""
#include <string>
#include <vector>
namespace space {
template <typename T> struct Box { T held; explicit Box(T t) : held(t) {} T get() const; };
template <typename T> __attribute__((noinline)) T Box<T>::get() const { return held; }
__attribute__((noinline)) int twice(int n) { return n * 2; }
__attribute__((noinline)) double twice(double n) { return n * 2; }
struct Sum { int n; __attribute__((noinline)) int operator+(int m) const { return n + m; } };
}
static __attribute__((noinline)) void usage(int *n) {
    *n += 1;
}
int main() {
    std::vector<int> numbers;
    for (int i = 0; i < 20; i++) numbers.push_back(space::twice(i));
    int n = space::Box<int>(3).get() + (int)space::twice(1.5) + (space::Sum{1} + 2);
    usage(&n);
    return n + numbers[3] - 16;
}
"""


@pytest.fixture
def cpp(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(CPP, "-no-pie", language="cpp"))
    return server


def test_moments(bare: reven2.OpenTrace) -> None:
    numbers = {
        "0": 0, "7": 7, "#7": 7, " # 7 ": 7, "first": 0, "last": 19, "-1": 19, "#-20": 0,
        "0%": 0, "50%": 10, "99.9 %": 19, "100%": 19, "0,7": 7, "1_9": 19,
    }  # fmt: skip
    for written, number in numbers.items():
        place = bare.where(written)
        assert place.transition == bare.trace.transition(number), written
        assert (place.address, place.size, place.location) == (None, 0, None)
        assert str(place) == f"#{number}"
        assert place.context == bare.trace.context_before(number)
        assert bare.trace.transition(written).id == number
        assert bare.trace.transition(place).id == number
    for outside in ("20", "-21", "101%", "999" * 100):
        with pytest.raises(OutOfRangeError):
            bare.where(outside)


def test_places(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    again, buffer = bare_symbols["again"], bare_symbols["buffer"]
    place = bare.where("again")
    assert place.address == LinearAddress(again)
    assert place.transition == bare.trace.transition(3)
    assert (str(place), str(place.location)) == ("again", "program!again")
    assert bare.where("again", 4).transition == bare.trace.transition(6)
    assert bare.where("again", "last").transition == bare.trace.transition(9), "the last before"
    assert bare.where("buffer + 4*2").address == buffer + 8
    assert bare.where("buffer+8").transition is None
    context = bare.trace.context_before(13)
    assert bare.where("rsp", context).address == context.read(x64.rsp)
    assert bare.where("[rsp]", 13).address == 0x1122334455667788
    assert bare.where(f"{again:#x}") == place
    location = bare.trace.first_context.ossi.location()
    assert location is not None
    assert bare.where("program+0").address == location.base_address
    # A place is an address and a moment.
    assert next(bare.trace.search.pc(place)) == place.context
    assert context.read(bare.where("buffer+8"), 4) == 0x55667788
    assert len(bare.trace.transitions(place, "last")) == 16
    assert context.read("buffer+8", 4) == context.read(buffer + 8, 4)


def test_lines(cpp: reven2.OpenTrace) -> None:
    line = 1 + CPP[: CPP.index("*n += 1")].count("\n")
    place = cpp.where(f"program.cpp:{line}")
    assert place.transition is not None
    assert place.location is not None
    assert (place.location.line, Path(place.location.file or "").name) == (line, "program.cpp")
    assert str(place.location).startswith("program!usage")
    assert cpp.where(f"{place.location.file}:{line}") == place
    assert list(cpp.trace.search.pc(f"program.cpp:{line}")) == [place.context]
    with pytest.raises(InvalidArgumentError, match=r"Line 1 of program.cpp has no code: the near"):
        cpp.where("program.cpp:1")
    with pytest.raises(InvalidArgumentError, match="No executed binary has code of line 3 of 'no"):
        cpp.where("nowhere.c:3")


def test_what_is_printed_can_be_written(cpp: reven2.OpenTrace) -> None:
    trace, seen = cpp.trace, set()
    found: object
    for context in trace.contexts()[::61]:
        location = context.ossi.location()
        if location is None or location.symbol is None or str(location) in seen:
            continue
        seen.add(str(location))
        address = location.base_address + (location.rva or 0)
        # Two functions may have the same name, and then both are listed.
        try:
            found = cpp.where(str(location), context).address
        except InvalidArgumentError as error:
            found = address if "symbols: write which of them" in str(error) else str(error)
        assert found == address
    assert len(seen) > 100


@pytest.mark.parametrize(
    "name",
    ["space::twice(int)", "space::Box<int>::get() const", "program!space::twice(double)",
     "space::Sum::operator+(int) const", "_ZN5space5twiceEi"],
)  # fmt: skip
def test_names_of_cpp(cpp: reven2.OpenTrace, name: str) -> None:
    place = cpp.where(name)
    assert place.transition is not None
    assert place.size > 0
    assert place.location is not None
    assert place.location.symbol is not None
    plain = name.removeprefix("program!")
    assert plain in (place.location.symbol.name, place.location.symbol.source_name)
    for further in (f"{name}+0x2", f"{name}+2", f"'{plain}'+2"):
        assert cpp.where(further).address == place.address + 2  # type: ignore[operator]


def test_a_name_of_several_symbols_is_refused_with_all_of_them(cpp: reven2.OpenTrace) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        cpp.where("space::twice")
    assert "names 2 symbols: write which of them" in str(refused.value)
    assert "space::twice(int)" in str(refused.value)
    assert "space::twice(double)" in str(refused.value)
    listed = re.findall(r"at (program\+0x[0-9a-f]+)", str(refused.value))
    found = {str(cpp.where(one).location) for one in listed}
    assert found == {"program!space::twice(int)", "program!space::twice(double)"}
    # A search takes them all.
    assert len(list(cpp.trace.search.symbol("space::twice"))) == 21


def test_names_that_look_like_registers(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program("int rax = 7; int last = 1; int main(void) { return 0; }"))
    assert server.where("'rax'").size == 4
    assert server.where("rax").size == 0
    assert str(server.where("'last'")) == "last"
    context = server.trace.last_context
    assert context.read("'rax'") == 7
    assert context.read("rax") == context.read(x64.rax)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("(" * 300, "nested too deeply"),
        ("fs:" * 150 + "0", "nested too deeply"),
        ("[" * 30, "nested too deeply"),
        ("1+" * 400, "at most 500 characters"),
        ("9" * 501, "at most 500 characters"),
        ("0x" + "f" * 17, "more than 64 bits"),
        ("xmm0", "holds no address"),
        ("st0", "holds no address"),
        ("a" * 450, "no register or symbol"),
        ("\0", "is not understood"),
        ("main\n", "no register or symbol 'main'"),
        ("٣", "is not understood"),
        (".*", "is not understood|is missing|no register"),
        ("x" * 30 + "!" + "y", "no register or symbol"),
        ("a.c:99999999999999999999", "no register or symbol 'a.c'"),
    ],
)
def test_hostile_expressions(bare: reven2.OpenTrace, written: str, why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why):
        bare.where(written)


def test_memory_that_cannot_be_read(bare: reven2.OpenTrace) -> None:
    with pytest.raises(MemoryReadError):
        bare.where("[0x8]")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(max_size=30)
    | st.lists(
        st.sampled_from(["rsp", "again", "+", "-", "*", "[", "]", "(", ")", "fs:", "#", "%", "5",
                         "0x", "!", "'", "program", ":", ".c", "last", " ", "~", "<", "::"]),
        max_size=12,
    ).map("".join)
)  # fmt: skip
def test_any_text_means_something_or_is_refused(bare: reven2.OpenTrace, written: str) -> None:
    try:
        found: Place | None = bare.where(written)
    except ServerError:
        # The text has ended the server.
        raise
    except RevenError as error:
        found = None
        text = str(error)
        assert len(text) < 700
    if found is not None:
        assert found.address is not None or found.transition is not None
        assert found.address is None or 0 <= found.address.offset < 1 << 64


def test_commands_speak_it(
    record_program: Callable[..., Path], open_trace: Any, tmp_path: Path
) -> None:
    import json
    import subprocess
    import sys

    path = record_program(CPP, "-no-pie", language="cpp")
    server = open_trace(path)

    def ran(*words: str) -> Any:
        reven = Path(sys.executable).with_name("reven")
        done = subprocess.run([reven, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    usage = server.where("usage").transition.id
    end = server.trace.transition_count
    assert ran("show", str(path), "--at", "usage", "-n", "1", "--json")[0]["id"] == usage
    assert ran("show", str(path), "--at", "program!usage+0", "-n", "1", "--json")[0]["id"] == usage
    assert ran("show", str(path), "--at", "100%", "-n", "1", "--json")[0]["id"] == end - 1
    rows = ran("search", str(path), "pc", "space::Box<int>::get() const", "--json")
    assert [row["transition"] for row in rows] == [
        server.where("space::Box<int>::get() const").transition.id
    ]
    rows = ran("search", str(path), "symbol", "_Z.*twice.*", "--from", "usage", "--json")
    assert rows == []
