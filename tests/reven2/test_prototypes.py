# SPDX-License-Identifier: Apache-2.0
"""Arguments and return values of calls are those that were passed."""

from __future__ import annotations

from typing import Any

import pytest

import reven2
from reven2 import types
from reven2.errors import InvalidArgumentError
from reven2.preview.prototypes import RevenPrototypes
from reven2.preview.prototypes.callconv_helper import CallConvHelper
from reven2.types import StructInstance

from .prototype_programs import KNOWN, random_program


@pytest.fixture
def known(record_program: Any, open_trace: Any) -> RevenPrototypes:
    return RevenPrototypes(open_trace(record_program(KNOWN, "-lm")))


def plain(value: Any) -> Any:
    """A structure as a dict of its fields."""
    if isinstance(value, StructInstance):
        return {field.info.name: plain(field.read()) for field in value.fields()}
    return value


def only(prototypes: RevenPrototypes, name: str) -> Any:
    return list(prototypes.calls(name))[-1]


def test_values_of_every_kind(known: RevenPrototypes) -> None:
    call = only(known, "everything")
    assert {name: plain(value) for name, value in call.args().items()} == {
        "a": 1,
        "b": 2.5,
        "s": {"a": 1, "b": 2.0},
        "t": {"a": 3, "b": 4.0},
        "g": {"a": [9] * 5},
        "c": ord("c"),
        "f": {"x": 5.0, "y": 6.0, "z": 7.0},
        "ld": 1.25,
        "e": 8.5,
    }
    assert call.ret() == 1 + 2.5 + 1 + 4 + 9 + ord("c") + 7 + 1.25 + 8.5
    assert plain(only(known, "make_large").ret()) == {"a": [9] * 5}
    assert plain(only(known, "make_mixed").ret()) == {"a": 3, "b": 3.5}
    assert plain(only(known, "make_floats").ret()) == {"x": 1.0, "y": 2.0, "z": 3.0}
    assert only(known, "twice").ret() == 6.0
    assert only(known, "is_yes").ret() is True


def test_strings_are_shown_as_text_and_bytes_as_pointers(known: RevenPrototypes) -> None:
    call = only(known, "is_yes")
    assert call.arg_n(0) == "yes"
    assert call.arg_n(1).deref() == ord("r")
    assert str(call).startswith('is_yes(what="yes", raw=0x')
    assert str(call).endswith(") = True")
    assert repr(call) == f"<{call} at #{call.call_transition.id}>"
    with pytest.raises(InvalidArgumentError, match="has 2 parameters: there is no argument 2"):
        call.arg_n(2)


def test_functions_of_the_c_library_are_built_in(known: RevenPrototypes) -> None:
    sizes = [call.arg_n(0) for call in known.calls("malloc")]
    assert 100 in sizes
    allocated = next(call for call in known.calls("malloc") if call.arg_n(0) == 100).ret()
    realloc = only(known, "realloc")
    assert (realloc.arg_n(0), realloc.arg_n(1)) == (allocated, 200)
    assert realloc.ret() in [call.arg_n(0) for call in known.calls("free")]
    assert list(known.calls("realloc"))[-1].args().keys() == {"ptr", "size"}
    (power,) = known.calls("pow")
    assert (power.arg_n(0), power.arg_n(1), power.ret()) == (2.0, 3.0, 8.0)


def test_functions_that_are_chosen_when_the_program_starts(known: RevenPrototypes) -> None:
    """strlen of the GNU C library is another function on each kind of processor."""
    lengths = {call.arg_n(0): call.ret() for call in known.calls("strlen")}
    assert lengths["copied"] == 6
    assert all(len(text.encode()) == length for text, length in lengths.items())


def test_arguments_behind_the_declared_ones(known: RevenPrototypes) -> None:
    call = only(known, "printf")
    assert call.arg_n(0) == "%d %s %.1f\n"
    text = known.parse_one_function("char *f(void);").return_type
    assert call.varargs([types.I32, text, types.F64]) == [5, "str", 2.5]
    assert call.ret() == len("5 str 2.5\n")


def test_a_call_that_does_not_return(known: RevenPrototypes) -> None:
    call = only(known, "leave")
    assert call.return_transition is None
    assert call.ret() is None
    assert str(call) == "leave(status=0)"


def test_a_prototype_is_applied_to_any_call(known: RevenPrototypes) -> None:
    symbol = next(iter(known._server.ossi.symbols("^make_mixed$")))
    prototype = known.parse_one_function(
        "struct mixed { long a; double b; }; struct mixed f(int number);",
        known.calling_conventions.Sysv64,
    )
    entry = next(iter(known._server.trace.search.symbol(symbol)))
    call = prototype.call_site_values(entry.transition_before())
    assert call.args() == {"number": 3}
    assert plain(call.ret()) == {"a": 3, "b": 3.5}
    assert [one.args() for one in known.calls(symbol, prototype)] == [{"number": 3}]


def test_unknown_functions_are_refused(known: RevenPrototypes) -> None:
    assert known.function("nonsense") is None
    with pytest.raises(InvalidArgumentError, match="No prototype of nonsense is known"):
        known.calls("nonsense")
    prototype = known.parse_one_function("void nonsense(void);")
    with pytest.raises(InvalidArgumentError, match="has a function nonsense"):
        known.calls("nonsense", prototype)


def test_prototypes_come_from_debug_information(known: RevenPrototypes) -> None:
    found = known.function("everything")
    assert found is not None
    assert str(found) == (
        "double everything(int a, double b, struct pair s, struct mixed t, struct large g, "
        "char c, struct floats f, long double ld, float e);"
    )
    assert [one.type.size for one in found.parameters] == [4, 8, 8, 16, 40, 1, 12, 16, 4]


def test_random_functions_in_both_conventions(record_program: Any) -> None:
    source, functions = random_program(seed=4, count=40)
    with reven2.open(record_program(source, "-O0", "-Wno-unused")) as server:
        prototypes = RevenPrototypes(server)
        for one in functions:
            convention: CallConvHelper = getattr(prototypes.calling_conventions, one["convention"])
            prototype = prototypes.parse_one_function(one["source"], convention)
            (call,) = prototypes.calls(one["name"], prototype)
            assert [plain(value) for value in call.args().values()] == one["args"], one["source"]
            assert plain(call.ret()) == one["ret"], one["source"]
            if one["convention"] == "Sysv64":
                (again,) = prototypes.calls(one["name"])
                assert [plain(value) for value in again.args().values()] == one["args"]
                assert plain(again.ret()) == one["ret"]


@pytest.fixture
def parser() -> RevenPrototypes:
    nothing: Any = None
    return RevenPrototypes(nothing)


def test_a_translation_unit(parser: RevenPrototypes) -> None:
    unit = parser.parse_translation_unit(
        """
        #include <windows.h>
        typedef unsigned long ULONG;   // a comment
        struct s { int x; char name[4]; };  /* another */
        int defined(int a) { if (a) { return 1; } return 0; }
        ULONG declared(struct s *p, Unknown *q, int (*cb)(int), ...) __attribute__((cold));
        int broken(((;
        extern int variable;
        void *array(int items[3], const char *text);
        """
    )
    assert [str(function) for function in unit.functions] == [
        "int defined(int a);",
        "ULONG declared(struct s *p, Unknown *q, int (*cb)(int), ...);",
        "void *array(int *items, const char *text);",
    ]
    declared = unit.functions[1]
    assert [one.type.size for one in declared.parameters] == [8, 8, 8]
    assert (declared.return_type.name, declared.return_type.canonical) == ("ULONG", "U64")
    assert declared.is_variadic
    assert unit.unknown_types == ("Unknown",)
    assert [one.startswith("line 7: ") for one in unit.diagnostics] == [True]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        (
            "void f(long a, wchar_t b, long double c, size_t d, int64_t e, char f);",
            (8, 4, 16, 8, 8, 1),
        ),
        (
            "void f(long a, wchar_t b, long double c, size_t d, int64_t e, char f);",
            (4, 2, 8, 8, 8, 1),
        ),
    ],
)
def test_sizes_are_those_of_the_convention(
    parser: RevenPrototypes, text: str, sizes: tuple[int, ...]
) -> None:
    conventions = parser.calling_conventions
    convention = conventions.Sysv64 if sizes[0] == 8 else conventions.Ms64
    function = parser.parse_one_function(text, convention)
    assert tuple(one.type.size for one in function.parameters) == sizes
    assert function.call_conv is convention


@pytest.mark.parametrize(
    "text",
    ["", "int x;", "int f(void); int g(void);", "struct s { int x[n]; }; int f(struct s a);"],
)
def test_what_is_no_single_function_is_refused(parser: RevenPrototypes, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="functions, not one"):
        parser.parse_one_function(text)


def test_microsoft_spellings(parser: RevenPrototypes) -> None:
    function = parser.parse_one_function(
        "HANDLE __stdcall CreateFileW(LPCWSTR name, DWORD access, const wchar_t *, HANDLE);",
        parser.calling_conventions.Ms64,
    )
    assert str(function) == (
        "HANDLE CreateFileW(LPCWSTR name, DWORD access, const wchar_t *, HANDLE);"
    )
    assert [one.type.text for one in function.parameters] == [0, 0, 2, 0]
