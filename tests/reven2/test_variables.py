# SPDX-License-Identifier: Apache-2.0
"""Variables of the source are what gdb shows of them at the same moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.errors import VariableReadError
from reven2.trace import VariableKind

from .native_debugger import frames_at, without_addresses
from .variable_programs import INLINED, OBJECTS, VARIABLES

COMPILED = [
    (source, flags)
    for source in ("VARIABLES", "OBJECTS", "INLINED")
    for flags in (("-O0",), ("-O1", "-gdwarf-4"), ("-O2",))
]
SOURCES = {"VARIABLES": VARIABLES, "OBJECTS": OBJECTS, "INLINED": INLINED}


def language(source: str) -> str:
    return "cpp" if source == "OBJECTS" else "c"


def contexts_of(server: reven2.OpenTrace, function: str) -> list[reven2.trace.Context]:
    symbol = next(iter(server.ossi.symbols(rf"^{function}(\(|$)", "program")))
    return list(server.trace.search.symbol(symbol))


@pytest.mark.parametrize(("source", "flags"), COMPILED)
def test_they_are_what_gdb_prints(
    record_program: Any, compile_program: Any, tmp_path: Path, source: str, flags: tuple[str, ...]
) -> None:
    made: dict[str, Any] = {"language": language(source)}
    program = compile_program(SOURCES[source], *flags, **made)
    stops = frames_at(program, "stop", (0, 1), tmp_path)
    compared = 0
    with reven2.open(record_program(SOURCES[source], *flags, **made)) as server:
        contexts = contexts_of(server, "stop")
        for context, frames in zip(contexts, stops, strict=False):
            # Without optimization, a function's first instructions store its parameters.
            first = 1 if "-O0" in flags else 0
            for number, lines in list(enumerate(frames))[first:]:
                ours = [without_addresses(str(one)) for one in context.variables(frame=number)]
                for line in map(without_addresses, lines):
                    name, _, value = line.partition(" = ")
                    if "<optimized out>" in value or "<synthetic pointer>" in value:
                        # The trace may know more than the debugger, but not less.
                        assert any(one.startswith(f"{name} = ") for one in ours), line
                    else:
                        assert line in ours, [one for one in ours if one.startswith(name)]
                    compared += 1
    assert compared > 5


@pytest.fixture
def stopped(record_program: Any, open_trace: Any) -> reven2.trace.Context:
    server = open_trace(record_program(VARIABLES, "-O0"))
    return contexts_of(server, "stop")[0]


def test_variables_read_as_their_types(stopped: reven2.trace.Context) -> None:
    values = {one.name: one for one in stopped.variables(frame=2)}
    assert values["count"].read() == 4
    assert values["negative"].read() == -5
    assert values["real"].read() == pytest.approx(1.1)
    assert values["longer"].read() == 3.25
    assert values["yes"].read() is True
    assert values["array"].read() == [1, 2, 3, 4, 5]
    assert values["grid"].read() == [[1, 2, 3], [4, 5, 6]]
    assert values["dynamic"].read() == [0, 1, 2, 3]
    me = values["me"].read()
    assert me.field("p").read_struct().field("y").read_int() == 2
    assert me.field("g").read_int() == -3
    assert me.field("i").read_int() == 42
    assert me.field("c").read_enum().name == "GREEN"
    assert me.field("next").deref_struct().field("d").read_float() == 2.5


def test_variables_say_what_and_where_they_are(stopped: reven2.trace.Context) -> None:
    values = {one.name: one for one in stopped.variables(frame=2)}
    count, kept = values["count"], values["kept"]
    assert (count.kind, count.type_name, count.function) == (
        VariableKind.Parameter,
        "int",
        "work",
    )
    assert kept.kind is VariableKind.Static
    assert values["same"].kind is VariableKind.Local
    assert values["same"].type_name == "struct node *"
    assert values["function"].type_name == "int (*)(const char *)"
    assert not count.is_inlined
    assert isinstance(count.address, LinearAddress)
    assert stopped.read(count.address, 4) == 4
    assert str(count) == "count = 4"
    assert repr(count) == "Variable('int', 'count = 4')"
    assert VARIABLES.splitlines()[(count.line or 0) - 1].startswith(
        "__attribute__((noipa)) int work"
    )


def test_global_variables_are_asked_for(stopped: reven2.trace.Context) -> None:
    names = {one.name: one.text for one in stopped.variables(is_global=True)}
    assert names["global"] == "7"
    assert names["places"] == "{{x = 3, y = 4}, {x = 5, y = 6}}"
    assert names["own"] == "9"
    assert "kept" not in names


def test_a_variable_is_found_by_name(stopped: reven2.trace.Context) -> None:
    assert (stopped + 3).variable("n").read() == 8
    assert stopped.variable("count", frame=2).read() == 4
    assert stopped.variable("global").read() == 7
    assert stopped.variable("global").function is None
    with pytest.raises(VariableReadError, match="no variable 'nonsense' in scope"):
        stopped.variable("nonsense")


def test_a_variable_in_a_register(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(VARIABLES, "-O2"))
    variable = contexts_of(server, "stop")[0].variable("n")
    assert [piece.register for piece in variable.location] == [x64.rdi]
    assert variable.address is None
    assert variable.read() == 8


def test_what_is_optimized_out_cannot_be_read(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(INLINED, "-O2"))
    context = contexts_of(server, "stop")[0]
    variables = context.variables(frame=1)
    assert [one.function for one in variables if one.name == "product"] == ["inner"]
    gone = next(one for one in variables if one.is_optimized_out)
    assert gone.text == "<optimized out>"
    with pytest.raises(VariableReadError, match="optimized it out"):
        gone.read()


def test_parameters_are_known_though_their_registers_were_reused(
    record_program: Any, open_trace: Any
) -> None:
    """gdb calls them optimized out; the trace has the moment when the function was entered."""
    server = open_trace(record_program(INLINED, "-O2"))
    for context in contexts_of(server, "stop"):
        assert context.variable("first", frame=1).read() == 10
        assert context.variable("second", frame=1).read() == 20


def test_code_without_debug_information_has_none(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program("int main(void) { return 0; }", "-g0"))
    assert contexts_of(server, "main")[0].variables() == []
    assert server.trace.first_context.variables(frame=50) == []


def test_an_array_whose_bound_has_no_value_yet(record_program: Any, open_trace: Any) -> None:
    """At the first instructions of `work`, `dynamic` has no bound: whatever stands there counts."""
    server = open_trace(record_program(VARIABLES, "-O0"))
    context = contexts_of(server, "work")[0]
    found = [
        one
        for offset in range(0, 400, 8)
        for one in (context + offset).variables()
        if one.name == "dynamic"
    ]
    assert found
    assert all(one.text for one in found)
