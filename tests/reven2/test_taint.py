# SPDX-License-Identifier: Apache-2.0
"""`reven2.preview.taint`: on a program of which every transition is known, and on real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import reven2
import reven2.preview
from reven2.address import LinearAddress, PhysicalAddress
from reven2.arch import x64
from reven2.errors import InvalidArgumentError, OutOfRangeError
from reven2.filter import ContextRange
from reven2.memory_range import MemoryRange
from reven2.preview.taint import (
    ChangeMarkers,
    PropagationDirection,
    TaintedMemories,
    TaintedRegisterSlice,
    Tainter,
    origin,
)
from reven2.register_slice import RegisterSlice

READS = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
char data[16], copy[16];
__attribute__((noinline)) void use(char *text) { __asm__ volatile("" ::"r"(text) : "memory"); }
int main(void) {
    int file = open("/proc/self/exe", O_RDONLY);
    if (read(file, data, 8) != 8) return 1;
    memcpy(copy, data, 8);
    copy[3] ^= 1;
    use(copy);
    if (read(file, copy, 4) != 4) return 1;
    use(copy);
    return 0;
}
"""


@pytest.fixture
def reads(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(READS))
    return server


def texts(rows: Any) -> list[str]:
    return [f"{data} : {markers}" for data, markers in rows]


def test_forward(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    trace, buffer = bare.trace, bare_symbols["buffer"]
    taint = Tainter(trace).simple_taint("eax", from_context=trace.context_after(0))
    assert str(taint) == (
        "Taint Object (from_context=Context before #1, to_context=Context after #19, "
        "direction=Forward,\ngranularity=Instruction)"
    )
    assert taint.direction is PropagationDirection.Forward
    accesses = list(taint.accesses().all())
    assert [access.transition.id for access in accesses] == [3, 6, 9, 12, 13, 14, 15, 17, 18]
    assert str(accesses[0]) == (
        f"Taint access at {trace.transition(3)}\n"
        "Tainted registers:\neax : [tag0,]\n"
        f"Tainted memories:\n[phy:{buffer + 12:#x}; 4] : gained[tag0,]"
    )
    changes = [access.transition.id for access in taint.accesses(changes_only=True).all()]
    assert changes == [3, 6, 9, 12, 13, 14, 15, 17, 18]
    assert taint.progress() == 100
    assert list(taint.warnings().all()) == []


def test_states(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    trace, buffer = bare.trace, bare_symbols["buffer"]
    taint = Tainter(trace).simple_taint("eax", from_context=trace.context_after(0))
    state = taint.state_at(trace.context_before(12))
    assert state.context == trace.context_before(12)
    assert texts(state.tainted_registers()) == ["eax : [tag0,]"]
    assert str(state) == (
        "Taint state at Context before #12\nTainted registers:\neax : [tag0,]\n"
        f"Tainted memories:\n[phy:{buffer + 4:#x}; 12] : [tag0,]"
    )
    [(memory, markers)] = state.tainted_memories()
    assert (memory.address, memory.size) == (PhysicalAddress(buffer + 4), 12)
    assert markers == ChangeMarkers(kept=("tag0",))
    access = next(access for access in taint.accesses().all() if access.transition.id == 12)
    assert access.state_before().context == trace.context_before(12)
    assert access.state_after().context == trace.context_after(12)
    assert len(list(access.state_after().tainted_memories())) == 2
    with pytest.raises(OutOfRangeError):
        taint.state_at(trace.context_before(0))


def test_backward(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    trace, buffer = bare.trace, bare_symbols["buffer"]
    taint = Tainter(trace).simple_taint(
        f"[ds:{buffer + 8:#x} ; 2]", to_context=trace.last_context, is_forward=False
    )
    accesses = list(taint.accesses().all())
    assert [access.transition.id for access in accesses] == [6, 0]
    assert texts(accesses[0].tainted_registers()) == ["ax : gained[tag0,]"]
    assert texts(accesses[0].tainted_memories()) == [f"[phy:{buffer + 8:#x}; 2] : lost[tag0,]"]
    assert texts(accesses[1].tainted_registers()) == ["ax : lost[tag0,]"]
    # Before and after are meant in the taint's direction.
    assert accesses[0].state_before().context == trace.context_after(6)
    assert accesses[0].state_after().context == trace.context_before(6)
    assert texts(taint.state_at(0).tainted_registers()) == []


def test_tags(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    trace, buffer = bare.trace, bare_symbols["buffer"]
    start = trace.context_before(13)
    seeds: tuple[Any, ...] = (
        [f"[{buffer + 4:#x}; 4]", "rcx"],
        [TaintedMemories(buffer + 4, 4), x64.rcx],
        [TaintedMemories(LinearAddress(buffer + 4), 4), RegisterSlice(x64.rcx)],
        [MemoryRange(LinearAddress(buffer + 4), 4), TaintedRegisterSlice(x64.rcx, 0, 64)],
        (f"[{buffer + 4}; 0x4]", "rcx[0-64]"),
    )
    for seed in seeds:
        taint = Tainter(trace).simple_taint(seed, tag1="edi", from_context=start)
        state = taint.state_at(start)
        assert texts(state.tainted_registers()) == ["rcx : [tag0,]", "edi : [tag1,]"]
        assert texts(state.tainted_memories()) == [f"[phy:{buffer + 4:#x}; 4] : [tag0,]"]
        again = Tainter(trace).simple_taint(
            [data for data, _ in state.tainted_registers()], from_context=start
        )
        assert len(list(again.state_at(start).tainted_registers())) == 2


def test_flags(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    taint = Tainter(trace).simple_taint("ecx", from_context=trace.context_before(4))
    [first, *_] = taint.accesses().all()
    assert str(first.transition.instruction) == "dec ecx"
    assert texts(first.tainted_registers()) == [
        "ecx : [tag0,]",
        "pf : gained[tag0,]",
        "af : gained[tag0,]",
        "zf : gained[tag0,]",
        "sf : gained[tag0,]",
        "of : gained[tag0,]",
    ]
    jump = next(a for a in taint.accesses().all() if a.transition.id == 5)
    assert "zf : [tag0,]" in texts(jump.tainted_registers())
    back = Tainter(trace).simple_taint("zf", to_context=trace.context_before(5), is_forward=False)
    assert texts(back.state_at(4).tainted_registers()) == ["ecx : [tag0,]"]


def test_views(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    taint = Tainter(trace).simple_taint("eax", from_context=1)
    assert taint.state_at(trace.transition_count) is not None  # waits for its end
    view = taint.accesses()
    assert [a.transition.id for a in view.available()] == [a.transition.id for a in view.all()]
    between = ContextRange(trace.context_before(6), trace.context_before(13))
    for part in (
        view.filter_by_context_range(between),
        view.filter_by_context_range(6, 13),
        view.filter_by_context_range(from_context=trace.context_before(6)).filter_by_context_range(
            to_context=trace.context_before(13)
        ),
    ):
        assert [access.transition.id for access in part.all()] == [6, 9, 12]


def test_a_cancelled_taint_keeps_what_it_found(values: reven2.OpenTrace) -> None:
    taint = Tainter(values.trace).simple_taint("rsp")
    taint.cancel()
    found = list(taint.accesses().available())
    assert taint.progress() <= 100
    assert all(access.transition.id < values.trace.transition_count for access in found)
    list(taint.accesses().all())  # ends


def test_what_cannot_be_tainted(bare: reven2.OpenTrace) -> None:
    tainter = Tainter(bare.trace)
    mistakes: list[Any] = ["nothing", "[0x10]", "[xy:0x10; 4]", "rip", "cr3", "cs", [], "rax[0-65]"]
    for wrong in [*mistakes, 3]:
        with pytest.raises(InvalidArgumentError):
            tainter.simple_taint(wrong)
    with pytest.raises(InvalidArgumentError):
        tainter.simple_taint("rax", from_context=5, to_context=4)
    with pytest.raises(OutOfRangeError):
        tainter.simple_taint("rax", to_context=10_000)
    with pytest.raises(InvalidArgumentError):
        TaintedMemories(0x10, 0)


def test_the_kernel_ends_a_taint_with_a_warning(reads: reven2.OpenTrace) -> None:
    trace = reads.trace
    [use] = reads.ossi.symbols("^use$")
    first, second = list(trace.search.symbol(use))
    copy = first.read(x64.rdi)
    taint = Tainter(trace).simple_taint(TaintedMemories(copy, 8), from_context=first)
    [warning] = taint.warnings().all()
    assert 'read of "/proc/self/exe"' in warning.message
    assert str(warning).startswith(f"#{warning.transition.id}: ")
    assert first < warning.transition.context_before() < second
    assert [m.size for m, _ in taint.state_at(second).tainted_memories()] == [4]


def test_the_origin_of_what_was_read(reads: reven2.OpenTrace) -> None:
    trace = reads.trace
    [use] = reads.ossi.symbols("^use$")
    first, second = list(trace.search.symbol(use))
    copy = first.read(x64.rdi)
    found = origin(first, TaintedMemories(copy + 3, 1))
    assert found.is_complete
    assert found.source.kind == "syscall input"
    assert found.source.text == 'read of "/proc/self/exe"'
    assert "arithmetic" in [hop.kind for hop in found]
    assert str(found).splitlines()[0] == f"Origin of [phy:{copy + 3:#x}; 1] in {first}:"
    assert (
        str(found).splitlines()[-1].endswith('was written by the kernel: read of "/proc/self/exe"')
    )
    # The last word is the latest writer's.
    again = origin(second, TaintedMemories(copy, 1))
    assert [hop.kind for hop in again] == ["syscall input"]


def test_the_steps_of_an_origin(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    trace, buffer = bare.trace, bare_symbols["buffer"]
    found = origin(trace.last_context, TaintedMemories(buffer + 4, 4))
    assert [(hop.kind, hop.transition and hop.transition.id) for hop in found] == [
        ("arithmetic", 14),
        ("store", 9),
        ("constant", 0),
    ]
    [add, store, constant] = found.hops
    assert [str(data) for data in add.before] == [f"[phy:{buffer + 4:#x}; 4]"]
    assert [str(data) for data in store.before] == ["eax"]
    assert (constant.before, constant.context) == ((), None)
    popped = origin(trace.context_before(15), "rdx")
    assert [hop.kind for hop in popped] == ["load", "store", "constant"]
    cut = origin(trace.context_before(15), "rdx", max_hops=2)
    assert not cut.is_complete
    assert len(cut) == 2
    assert [hop.kind for hop in origin(trace.context_before(2), x64.rbx)] == ["start"]
    with pytest.raises(InvalidArgumentError):
        origin(trace.last_context, ["rax", "rbx"])


def test_a_taint_survives_that_the_service_drops_it(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    taint = Tainter(trace).simple_taint("eax", from_context=1)
    expected = [access.transition.id for access in taint.accesses().all()]
    others = [Tainter(trace).simple_taint("rbx") for _ in range(40)]
    assert all(other.state_at(trace.transition_count) for other in others)
    assert [access.transition.id for access in taint.accesses().all()] == expected


def test_origin_reads_as_a_story(bare: reven2.OpenTrace, tmp_path: Path) -> None:
    story = str(origin(bare.trace.context_before(15), "rdx"))
    assert story.splitlines() == [
        "Origin of rdx in Context before #15:",
        f"{bare.trace.transition(13)}: rdx was loaded from "
        f"[phy:{bare.trace.context_before(13).read(x64.rsp):#x}; 8]",
        f"{bare.trace.transition(12)}: [phy:{bare.trace.context_before(13).read(x64.rsp):#x}; 8] "
        "was stored from rax",
        f"{bare.trace.transition(0)}: rax is a constant of the instruction",
    ]
