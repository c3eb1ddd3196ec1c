# SPDX-License-Identifier: Apache-2.0
"""Memory history: formats, and answers against a walk over all transitions."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reven2
from reven2.address import LinearAddress, PhysicalAddress
from reven2.arch import x64
from reven2.errors import InvalidArgumentError, MemoryReadError, OutOfRangeError
from reven2.memhist import MemoryAccess, MemoryAccessOperation
from reven2.memory_range import MemoryRange


def test_text(bare: reven2.OpenTrace) -> None:
    [push] = bare.trace.transition(12).memory_accesses()
    address = bare.trace.context_after(12).read(x64.rsp)
    assert str(push) == (
        f"[#12 push rax]Write access at @phy:{address:#x} "
        f"(virtual address: lin:{address:#x}) of size 8"
    )
    assert repr(push) == (
        "MemoryAccess(transition=Transition(id=12), "
        f"physical_address=PhysicalAddress(offset={address:#x}), size=8, "
        "operation=MemoryAccessOperation.Write, "
        f"virtual_address=LinearAddress(offset={address:#x}))"
    )
    [ret] = bare.trace.transition(16).memory_accesses()
    assert str(ret).startswith("[#16 ret ]Read access at @phy:")


def test_a_read_comes_before_the_write_of_the_same_instruction(
    bare: reven2.OpenTrace, bare_symbols: dict[str, int]
) -> None:
    address = LinearAddress(bare_symbols["buffer"] + 4)
    accesses = list(bare.trace.transition(14).memory_accesses())
    assert [(a.operation.name, a.virtual_address, a.size) for a in accesses] == [
        ("Read", address, 4),
        ("Write", address, 4),
    ]
    [written] = bare.trace.transition(14).memory_accesses(MemoryAccessOperation.Write)
    assert written == accesses[1]


def test_history_of_an_address(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    trace, buffer = bare.trace, bare_symbols["buffer"]

    def numbers(*arguments: object, **options: object) -> list[int]:
        found = trace.memory_accesses(*arguments, **options)  # type: ignore[arg-type]
        return [access.transition.id for access in found]

    assert numbers(buffer + 4, 4) == [9, 14, 14]
    assert numbers(LinearAddress(buffer + 4), 4, is_forward=False) == [14, 14, 9]
    assert numbers(PhysicalAddress(buffer), 64) == [3, 6, 9, 14, 14]
    assert numbers(address_range=MemoryRange(LinearAddress(buffer), 9)) == [6, 9, 14, 14]
    assert numbers(buffer, 64, trace.transition(6)) == [6, 9, 14, 14]
    assert numbers(buffer, 64, 6, 14) == [6, 9]
    assert numbers(buffer, 64, 9, is_forward=False) == [9, 6, 3]
    assert numbers(buffer, 64, 9, 3, is_forward=False) == [9, 6]
    assert numbers(buffer, 64, operation=MemoryAccessOperation.Read) == [14]
    assert numbers(buffer, 64, fetch_count=1) == [3, 6, 9, 14, 14]
    assert numbers(from_transition=12, to_transition=14) == [12, 13]


def test_arguments_that_mean_nothing(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    with pytest.raises(MemoryReadError, match="not mapped"):
        trace.memory_accesses(0x10, 8)
    with pytest.raises(RuntimeError):
        trace.memory_accesses(LinearAddress(0x10), 8, is_forward=False)
    with pytest.raises(InvalidArgumentError, match="go together"):
        trace.memory_accesses(0x1000)
    with pytest.raises(InvalidArgumentError, match="at least one byte"):
        trace.memory_accesses(0x1000, 0)
    with pytest.raises(InvalidArgumentError, match="not both"):
        trace.memory_accesses(0x1000, 8, address_range=MemoryRange(LinearAddress(0), 8))
    with pytest.raises(OutOfRangeError):
        trace.memory_accesses(from_transition=trace.transition_count + 1)


@pytest.fixture
def walked(values: reven2.OpenTrace) -> list[MemoryAccess]:
    return [
        access for transition in values.trace.transitions(0, 3000)
        for access in transition.memory_accesses()
    ]  # fmt: skip


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_history_is_what_a_walk_finds(
    values: reven2.OpenTrace, walked: list[MemoryAccess], data: st.DataObject
) -> None:
    around = data.draw(st.sampled_from(walked)).virtual_address
    address = around.offset + data.draw(st.integers(-8, 8))
    size = data.draw(st.integers(1, 64))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 2999), st.integers(0, 2999))))
    operation = data.draw(st.sampled_from([None, *MemoryAccessOperation]))
    forward = data.draw(st.booleans())
    expected = [
        access
        for access in walked
        if start <= access.transition.id < stop
        and access.virtual_address.offset < address + size
        and address < access.virtual_address.offset + access.size
        and operation in {None, access.operation}
    ]
    bounds = (start, stop) if forward else (stop - 1, start - 1 if start else None)
    if start == stop:
        return
    try:
        found = list(
            values.trace.memory_accesses(
                address,
                size,
                *bounds,
                is_forward=forward,
                operation=operation,
                fetch_count=data.draw(st.integers(1, 50)),
            )
        )
    except MemoryReadError:
        assert values.trace._service.is_mapped(address, size, start, stop) is False
        return
    assert found == (expected if forward else expected[::-1])
