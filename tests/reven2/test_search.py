# SPDX-License-Identifier: Apache-2.0
"""Searches against a walk over all transitions."""

from __future__ import annotations

from collections import Counter

import pytest

import reven2
from reven2.errors import InvalidArgumentError, OutOfRangeError
from reven2.util import collate


def test_a_program_counter(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    search, again = bare.trace.search, bare_symbols["again"]
    assert [str(context) for context in search.pc(again)] == [
        "Context before #3",
        "Context before #6",
        "Context before #9",
    ]
    assert [c._id for c in search.pc(again, 3, 9)] == [3, 6]
    assert [c._id for c in search.pc(again, is_forward=False)] == [9, 6, 3]
    assert list(search.pc(again + 1)) == []
    with pytest.raises(OutOfRangeError):
        search.pc(again, 0, bare.trace.transition_count + 2)
    assert [c._id for c in search.pc(again, None, bare.trace.last_context)] == [3, 6, 9]


def test_a_symbol_is_found_at_its_entry(bare: reven2.OpenTrace) -> None:
    [function] = bare.ossi.symbols("^function$")
    [context] = bare.trace.search.symbol(function)
    assert str(context.transition_before().instruction).startswith("call ")
    location = context.ossi.location()
    assert location is not None
    assert location.symbol == function


def test_program_counters_of_a_whole_program(values: reven2.OpenTrace) -> None:
    trace = values.trace
    pcs = [transition.pc for transition in trace.transitions()]
    frequent, _ = Counter(pcs).most_common(1)[0]
    expected = [number for number, pc in enumerate(pcs) if pc == frequent]
    assert [context._id for context in trace.search.pc(frequent)] == expected
    backward = trace.search.pc(frequent, is_forward=False)
    assert [context._id for context in backward] == expected[::-1]


def test_a_binary_is_found_wherever_it_executes(values: reven2.OpenTrace) -> None:
    trace = values.trace
    [program] = values.ossi.executed_binaries("/program$")
    found = [context._id for context in trace.search.binary(program)]
    expected = []
    for transition in trace.transitions():
        location = transition.context_before().ossi.location()
        if location is not None and location.binary == program:
            expected.append(transition.id)
    assert found == expected
    middle = expected[len(expected) // 2]
    bounded = trace.search.binary(program, trace.context_before(middle), trace.last_context)
    assert [context._id for context in bounded] == [n for n in expected if n >= middle]


def test_searches_merge(values: reven2.OpenTrace) -> None:
    symbols = [next(values.ossi.symbols(f"^{name}$")) for name in ("main", "ready")]
    merged = list(collate(map(values.trace.search.symbol, symbols)))
    assert merged == sorted(merged)
    assert len(merged) == 3


def test_a_binary_of_another_trace_means_the_same_file(
    values: reven2.OpenTrace, signals: reven2.OpenTrace, bare: reven2.OpenTrace
) -> None:
    [foreign] = signals.ossi.symbols("^exit$", binary_hint=r"libc\.so")
    [own] = values.ossi.symbols("^exit$", binary_hint=r"libc\.so")
    search = values.trace.search
    assert foreign == own
    assert list(search.symbol(foreign)) == list(search.symbol(own)) != []
    assert list(bare.trace.search.symbol(foreign)) == []
    assert list(bare.trace.search.binary(foreign.binary)) == []


def test_registers_of_results_are_those_of_their_context(values: reven2.OpenTrace) -> None:
    [ready] = values.ossi.symbols("^ready$")
    found = list(values.trace.search.symbol(ready))
    assert len(found) == 2
    assert len({context.read(reven2.arch.x64.rip) for context in found}) == 1


def test_instructions_by_their_text(bare: reven2.OpenTrace) -> None:
    search = bare.trace.search
    expected = [t.id for t in bare.trace.transitions() if str(t.instruction).startswith("dec ")]
    assert [c._id for c in search.instruction("^dec ")] == expected == [4, 7, 10]
    assert [c._id for c in search.instruction("^dec ", 5, 10)] == [7]
    assert [c._id for c in search.instruction("^dec ", is_forward=False)] == [10, 7, 4]
    assert [c._id for c in search.instruction(r"\[rdi\+rcx")] == [3, 6, 9]
    assert next(search.instruction("^nothing"), None) is None
    with pytest.raises(InvalidArgumentError, match="regular expression"):
        next(search.instruction("("))


def test_values_in_registers_and_accesses(bare: reven2.OpenTrace) -> None:
    search = bare.trace.search
    hits = list(search.value(0x1122334455667788))
    assert [(hit.transition.id, str(hit.register)) for hit in hits] == [
        (0, "rax"),
        (12, "None"),
        (13, "None"),
        (13, "rdx"),
    ]
    assert [hit.access and hit.access.operation.value for hit in hits] == [
        None,
        "write",
        "read",
        None,
    ]
    assert str(hits[0]).endswith("]rax")
    assert str(hits[1]) == str(hits[1].access)
    stores = [h for h in search.value(0x55667788, 4) if h.access is not None]
    assert [hit.transition.id for hit in stores] == [3, 6, 9, 14]
    assert [str(h.register) for h in search.value(0x55667788, 4) if h.register] == ["eax", "edx"]
    # Where the stack lies differs: rsp may hold it too.
    assert [h.transition.id for h in search.value(0x88, 1) if str(h.register) in ("al", "dl")] == [
        0,
        13,
    ]
    assert [h.transition.id for h in search.value(0x1122334455667788, None, 1, 13)] == [12]
    assert list(search.value(-1)) == []
    for arguments in ((256, 1), (-129, 1), (0, 0), (0, 33), (1 << 256,)):
        with pytest.raises(InvalidArgumentError):
            search.value(*arguments)


def test_patterns_of_symbols_and_binaries_are_regular_expressions(
    values: reven2.OpenTrace,
) -> None:
    ossi = values.ossi
    assert [symbol.name for symbol in ossi.symbols("^re.dy$")] == ["ready"]
    assert {b.name for b in ossi.executed_binaries(r"libc|ld-")} >= {"libc"}
    assert [s.name for s in ossi.symbols("^main$", binary_hint="/program$")] == ["main"]
    assert list(ossi.symbols("^MAIN$", binary_hint="/program$", case_sensitive=True)) == []
