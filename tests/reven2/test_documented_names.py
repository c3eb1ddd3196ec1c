# SPDX-License-Identifier: Apache-2.0
"""Every documented name is there, with the documented behaviour and text."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import reven2
import reven2.preview
from reven2.address import LinearAddress, LogicalAddress
from reven2.arch import x64
from reven2.filter import RingPolicy
from reven2.memory_range import MemoryRange
from reven2.preview.taint import Tainter
from reven2.register_slice import RegisterSlice
from reven2.trace import TransitionType
from reven2.types import U64, USize

from .documented_names import MEMBERS, MODULES, PARAMETERS, PROGRAM

NAMES = [name for names in MODULES.values() for name in names.split()]


def resolved(path: str) -> Any:
    found: Any = reven2
    for part in path.split("."):
        found = getattr(found, part)
    return found


def test_a_bare_import_makes_every_name_reachable() -> None:
    code = (
        "import sys, reven2, reven2.preview\n"
        "for name in sys.argv[1:]:\n"
        "    found = reven2\n"
        "    try:\n"
        "        for part in name.split('.'): found = getattr(found, part)\n"
        "    except AttributeError: print(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *NAMES], capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == ([], "")


@pytest.mark.parametrize("path", PARAMETERS)
def test_parameters_have_their_documented_names(path: str) -> None:
    known = inspect.signature(resolved(path)).parameters
    assert [name for name in PARAMETERS[path].split() if name not in known] == []


@pytest.fixture
def server(
    record_program: Callable[..., Path], open_trace: Callable[[Path], reven2.OpenTrace]
) -> reven2.OpenTrace:
    return open_trace(record_program(PROGRAM, "-O0"))


@pytest.fixture
def things(server: reven2.OpenTrace) -> dict[str, Any]:
    """One of each kind."""
    return dict(each_thing(server))


def entry_of_use(server: reven2.OpenTrace) -> reven2.trace.Context:
    (symbol,) = (one for one in server.ossi.symbols("^use$", "/program$") if one.name == "use")
    return next(server.trace.search.symbol(symbol))


def each_thing(server: reven2.OpenTrace) -> Iterator[tuple[str, Any]]:
    trace, ossi = server.trace, server.ossi
    context = entry_of_use(server)
    binary = next(ossi.executed_binaries("/program$"))
    location = context.ossi.location()
    assert location is not None
    yield "remote server" if isinstance(server, reven2.RevenServer) else "server", server
    if isinstance(server, reven2.RevenServer):
        yield "sessions", server.sessions
    yield "trace", trace
    yield "transition", trace.transition(10)
    yield "instruction", trace.transition(10).instruction
    yield "exception", trace.last_transition.exception
    yield "context", context
    yield "search", trace.search
    search = trace.search.memory(b"a documented", context, trace.last_context)
    yield "memory search", search
    yield "match", next(search.matches())
    yield "access", next(trace.memory_accesses())
    yield "address", LinearAddress(0x1000)
    yield "memory range", MemoryRange(LinearAddress(0x1000), 16)
    struct = binary.exact_type("thing")
    yield "struct", struct
    thing = context.read(LogicalAddress(context.read(x64.rdi)), struct)
    yield "struct instance", thing
    yield "field", thing.field("size")
    yield "pointer", thing.field("inner").read()
    yield "register slice", RegisterSlice(x64.rax, 8, 16)
    yield "ossi", ossi
    yield "binary", binary
    yield "symbol", location.symbol
    yield "location", location
    yield "process", context.ossi.process()
    yield "os", ossi.os()
    yield "stack", context.stack
    frame = next(context.stack.frames())
    yield "frame", frame
    yield "descendant events", frame.descendant_events()
    yield "frame start", frame.start_event
    yield "string", next(trace.strings("a documented name"))
    yield "bookmarks", server.bookmarks
    yield "bookmark", server.bookmarks.add(context.transition_after(), "here")
    yield "context range", next(trace.filter())
    taint = Tainter(trace).simple_taint("rdi", from_context=context)
    yield "taint", taint
    yield "taint view", taint.accesses()
    access = next(taint.accesses().all())
    yield "taint access", access
    yield "taint state", access.state_before()
    prototypes = reven2.preview.prototypes.RevenPrototypes(server)
    yield "prototypes", prototypes
    function = prototypes.parse_one_function(
        "int use(void *thing);", prototypes.calling_conventions.Sysv64
    )
    yield "function", function
    yield "call site", function.call_site_values(context.transition_before())
    yield "translation unit", prototypes.parse_translation_unit("int use(void *thing);")


def test_every_documented_member_is_there(things: dict[str, Any]) -> None:
    missing = [
        f"{kind}: {name}"
        for kind, thing in things.items()
        for name in MEMBERS[kind].split()
        if not hasattr(thing, name)
    ]
    assert missing == []
    untested = {"server", "remote server", "sessions"}
    assert set(MEMBERS) - untested == set(things) - untested


NUMBER, ADDRESS = r"\d+", r"0x[0-9a-f]+"
INSTRUCTION = rf"#{NUMBER} [a-z]\w* ?.*"
TEXTS = {
    "transition": INSTRUCTION,
    "context": rf"Context before #{NUMBER}",
    "match": rf"id: 0 \| @lin:{ADDRESS} \(mapped at Context before #{NUMBER}\) \| "
    rf"\[Context before #{NUMBER} - Context (before|after) #{NUMBER}\] \| {NUMBER} access\(es\)",
    "access": rf"\[{INSTRUCTION}\](Read|Write) access at @phy:{ADDRESS} "
    rf"\(virtual address: lin:{ADDRESS}\) of size {NUMBER}",
    "address": r"lin:0x1000",
    "memory range": r"\[lin:0x1000; 16\]",
    "binary": r"/.*/program",
    "symbol": r"program!use",
    "location": r"program!use",
    "process": rf"program \({NUMBER}\)",
    "os": r"Linux x64 \d+\.\d+(\.\d+)?",
    "bookmark": rf"#{NUMBER}: 'here'",
    "context range": rf"\[Context before #0, Context after #{NUMBER}\]",
    "taint": rf"Taint Object \(from_context=Context before #{NUMBER}, "
    rf"to_context=Context after #{NUMBER}, direction=Forward,\ngranularity=Instruction\)",
    "taint access": rf"Taint access at {INSTRUCTION}\n(.|\n)*Tainted registers:\n"
    r"(.|\n)*gained\[tag0,\].*",
    "taint state": rf"Taint state at Context before #{NUMBER}\n(.|\n)*rdi : \[tag0,\]",
}


def test_texts_are_as_documented(things: dict[str, Any]) -> None:
    wrong = [
        f"{kind}: {thing}"
        for kind, thing in things.items()
        if kind in TEXTS and re.fullmatch(TEXTS[kind], str(thing)) is None
    ]
    assert wrong == []


REPRS = {
    "transition": r"Transition\(id=10\)",
    "context": rf"Context before #{NUMBER}",
    "access": rf"MemoryAccess\(transition=Transition\(id={NUMBER}\), "
    rf"physical_address=PhysicalAddress\(offset={ADDRESS}\), size={NUMBER}, "
    rf"operation=MemoryAccessOperation\.(Read|Write), "
    rf"virtual_address=LinearAddress\(offset={ADDRESS}\)\)",
    "address": r"LinearAddress\(offset=0x1000\)",
    "remote server": rf"Reven server \(localhost:{NUMBER}\) \[connected\]",
}


def test_representations_are_as_documented(things: dict[str, Any]) -> None:
    wrong = [
        f"{kind}: {thing!r}"
        for kind, thing in things.items()
        if kind in REPRS and re.fullmatch(REPRS[kind], repr(thing)) is None
    ]
    assert wrong == []


def test_what_has_several_results_is_an_iterator(
    server: reven2.OpenTrace, things: dict[str, Any]
) -> None:
    trace, context = server.trace, things["context"]
    for results in (
        trace.transitions(),
        trace.contexts(),
        trace.memory_accesses(),
        trace.memory_accesses(int(context.read(x64.rsp)), 8),
        trace.strings(""),
        trace.filter(list(server.ossi.executed_processes()), RingPolicy.R3Only),
        trace.search.pc(context.read(x64.rip)),
        trace.search.symbol(things["symbol"]),
        trace.search.binary(things["binary"]),
        things["memory search"].matches(),
        things["match"].accesses(),
        things["string"].memory_accesses(),
        context.search_in_memory(bytearray(b"a documented"), things["string"].address, 64),
        things["stack"].frames(),
        server.ossi.executed_binaries(),
        server.ossi.symbols("main"),
        things["binary"].symbols("use"),
        server.bookmarks.all(),
        things["taint"].accesses(changes_only=True).all(),
        things["taint state"].tainted_registers(),
        reven2.arch.helpers.x64_registers(),
    ):
        next(results)


class TestMoving:
    """Documented values and errors of moments."""

    def test_neighbours(self, server: reven2.OpenTrace) -> None:
        trace = server.trace
        tr = trace.transition(42)
        assert (tr + 3, tr - 42) == (trace.transition(45), trace.first_transition)
        assert trace.context_after(41) == trace.context_before(42) == tr.context_before()
        assert str(trace.context_after(41)) == "Context before #42"
        assert tr.context_after().transition_before() == tr
        for wrong in (lambda: trace.transition(10**15), lambda: trace.first_transition - 1):
            with pytest.raises(IndexError):
                wrong()
        assert max(trace.transitions(3, 7)).id == 6
        assert trace.first_context.is64b()

    def test_kinds(self, server: reven2.OpenTrace) -> None:
        last = server.trace.last_transition
        assert last.type is TransitionType.Exception
        assert last.instruction is None
        assert last.exception
        assert last.exception.related_instruction is not None
        call = entry_of_use(server).transition_before()
        assert call.type is TransitionType.Instruction
        assert call.instruction is not None
        assert call.instruction.mnemonic == "call"
        assert re.fullmatch(rf"#{call.id} call {ADDRESS} \(\$[+-]{ADDRESS}\)", str(call))
        assert call.instruction.raw[0] == 0xE8

    def test_inverse_and_steps(self, server: reven2.OpenTrace) -> None:
        call = entry_of_use(server).transition_before()
        ret = call.find_inverse()
        assert ret is not None
        assert str(ret) == f"#{ret.id} ret "
        assert ret.find_inverse() == call
        assert call.step_over() == ret + 1
        assert (ret + 1).step_over(is_forward=False) == call
        inside = call + 2
        assert (inside.step_out(is_forward=False), inside.step_out(is_forward=True)) == (call, ret)

    def test_frames(self, server: reven2.OpenTrace) -> None:
        context = entry_of_use(server)
        frame = next(context.stack.frames())
        assert frame.first_context == context
        assert frame.creation_transition == context.transition_before()
        assert frame.type is reven2.stack.StackFrameType.Call
        assert "program!main" in str(context.stack)


class TestReading:
    """Documented results of `Context.read` and of struct fields."""

    def test_reads(self, server: reven2.OpenTrace, things: dict[str, Any]) -> None:
        context = things["context"]
        rsp = context.read(x64.rsp)
        address = LogicalAddress(rsp, x64.ss)
        raw = context.read(address, 8, raw=True)
        assert len(raw) == 8
        assert context.read(address, 8) == int.from_bytes(raw, "little")
        assert context.read(address, U64) == context.read(address, USize)
        assert len(context.read(x64.rsp, raw=True)) == 8
        assert context.read(x64.esp) == rsp & 0xFFFFFFFF
        assert isinstance(context.read(address, 3), bytearray)
        with pytest.raises(RuntimeError):
            context.read(LinearAddress(0), 1)

    def test_fields(self, things: dict[str, Any]) -> None:
        thing = things["struct instance"]
        assert thing.field("size").read() == 48
        assert thing.field("size").assert_int().read() == 48
        assert thing.field("weight").read_float() == 2.5
        assert list(thing.field("bytes").read_array()) == [1, 2, 3, 4]
        assert thing.field("inner").deref_struct().field("high").read_int() == -4
        assert thing.type.name == "thing"
        assert len(thing.as_bytes()) == 40
        assert things["pointer"].address == thing.field("inner").read_ptr().address
        lines = str(things["struct"]).splitlines()
        assert lines[0] == "StructKind.Struct thing /* 0x28 */ {"
        assert lines[1] == "    /* 0x0 */ size : U32,"
        assert lines[-1] == "}"

    def test_changes(self, things: dict[str, Any]) -> None:
        context = things["context"]
        change = context.find_register_change(x64.rsp)
        assert change.read(x64.rsp) != (change - 1).read(x64.rsp) == context.read(x64.rsp)
        assert context.find_register_change(x64.rsp, is_forward=False) < context

    def test_strings(self, things: dict[str, Any]) -> None:
        string = things["string"]
        assert string.data == "a documented name"
        assert string.size in (17, 18)
        assert string.first_access <= string.last_access
        assert next(string.memory_accesses()).transition == string.first_access


class TestSearching:
    def test_collate(self, server: reven2.OpenTrace) -> None:
        search = server.trace.search
        pcs = [entry_of_use(server).read(x64.rip), server.trace.first_transition.pc]
        merged = list(reven2.util.collate(map(search.pc, pcs)))
        assert merged == sorted(merged)
        assert len(merged) == 2
        pairs = [[(context, "x")] for context in merged]
        assert list(reven2.util.collate(pairs, lambda pair: pair[0])) == [p[0] for p in pairs]

    def test_memory_accesses(self, server: reven2.OpenTrace, things: dict[str, Any]) -> None:
        trace, context = server.trace, things["context"]
        rsp = context.read(x64.rsp)
        write = reven2.memhist.MemoryAccessOperation.Write
        (access,) = islice(
            trace.memory_accesses(
                LogicalAddress(rsp),
                8,
                context.transition_before(),
                is_forward=False,
                operation=write,
                fetch_count=1,
            ),
            1,
        )
        assert access.transition == context.transition_before()
        assert access in trace.memory_accesses(address_range=MemoryRange(LinearAddress(rsp), 8))
        with pytest.raises(RuntimeError):
            list(trace.memory_accesses(0x10, 8))


def test_only_another_system_has_it(server: reven2.OpenTrace) -> None:
    with pytest.raises(RuntimeError, match="no screen"):
        _ = server.trace.first_context.framebuffer


def test_a_server_is_true_and_says_where_it_is(server: reven2.OpenTrace) -> None:
    assert server
    assert server.scenario_name.startswith("program")
    if isinstance(server, reven2.RevenServer):
        assert server.host == "localhost"
        assert isinstance(server.port, int)
        assert repr(server.sessions.tracked) == "[Session('default', 0)]"


def test_nothing_answers() -> None:
    with pytest.raises(RuntimeError):
        reven2.RevenServer("localhost", 1)
