# SPDX-License-Identifier: Apache-2.0
"""The state at a context does not depend on how one gets there, and its changes are where
a look at every context finds them."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reven._engine import KIND_SIGNAL, KIND_SWITCH, Trace, UnknownMemory
from reven2.arch._table import REGISTER_VIEW_SIZE, REGISTERS
from tests.engine.conftest import Everything

QUICK = settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# rax, rbx, rsp, rdi, r12, rip, fs_base, rflags, and halves of ymm0 and ymm1
FIELDS = [
    *((REGISTERS[name].offset, 8) for name in ("rax", "rbx", "rsp", "rdi", "r12", "rip")),
    (REGISTERS["fs_base"].offset, 8),
    (REGISTERS["rflags"].offset, 8),
    (REGISTERS["ymm0"].offset, 16),
    (REGISTERS["ymm0"].offset + 16, 16),
    (REGISTERS["ymm1"].offset, 32),
    (REGISTERS["rdi"].offset + 1, 1),
    (REGISTERS["r8"].offset + 4, 4),
]


def test_the_trace_holds_what_the_tests_need(varied: Everything) -> None:
    assert 10_000 < varied.count < 400_000
    assert len(np.unique(varied.threads)) == 4
    assert (varied.kinds == KIND_SWITCH).sum() > 8
    assert (varied.kinds == KIND_SIGNAL).sum() == 1


def test_registers_by_random_access_equal_those_read_in_order(varied: Everything) -> None:
    """A trace that is opened anew, with a small cache, asked at random."""
    fresh = Trace(str(varied.path), cache_bytes=1 << 20)
    draw = random.Random(1)
    for context in draw.sample(range(varied.count + 1), 1500):
        thread, view = fresh.registers(context)
        assert thread == varied.threads[context]
        assert view == varied.views[context].tobytes()


def test_the_instruction_pointer_is_the_next_transition(varied: Everything) -> None:
    rip = varied.views[:-1, 128:136].copy().view("<u8")[:, 0]
    ordinary = varied.kinds == 0
    assert np.array_equal(rip[ordinary], varied.pcs[ordinary])


@QUICK
@given(data=st.data())
def test_registers_of_another_thread_are_those_of_its_last_moment(
    varied: Everything, data: st.DataObject
) -> None:
    context = data.draw(st.integers(0, varied.count))
    thread = data.draw(st.sampled_from(sorted(set(varied.threads.tolist()))))
    view = varied.trace.thread_registers(thread, context)
    moments = np.flatnonzero(varied.threads[: context + 1] == thread)
    if not len(moments):
        assert view is None
        return
    assert view is not None
    assert len(view) == REGISTER_VIEW_SIZE
    last = varied.views[moments[-1]]
    # The context after its last transition shows the next thread already.
    if varied.threads[context] == thread:
        assert view == last.tobytes()
    else:
        assert view[32:40] == last[32:40].tobytes()


@QUICK
@given(data=st.data())
def test_changes_of_registers_equal_a_look_at_every_context(
    varied: Everything, data: st.DataObject
) -> None:
    context = data.draw(st.integers(0, varied.count), "context")
    offset, size = data.draw(st.sampled_from(FIELDS), "field")
    forward = data.draw(st.booleans(), "forward")
    mask = (
        data.draw(st.sampled_from([(1 << 64) - 1, 1, 0x40, 0xFF00]), "mask")
        if size == 8
        else (1 << 64) - 1
    )
    found = varied.trace.find_register_change(context, offset, size, mask, forward)

    values = varied.views[:, offset : offset + size].copy()
    if size == 8:
        values = (values.view("<u8") & np.uint64(mask)).view(np.uint8).reshape(len(values), 8)
    differs = np.flatnonzero((values != values[context]).any(axis=1))
    if forward:
        later = differs[differs > context]
        expected = int(later[0]) if len(later) else None
    else:
        earlier = differs[differs < context]
        expected = int(earlier[-1]) if len(earlier) else None
    assert found == expected


def known(trace: Trace, context: int, address: int, size: int) -> tuple[bytes, bytes]:
    return trace.read_known_memory(context, address, size)


@QUICK
@given(data=st.data())
def test_changes_of_memory_equal_a_look_at_every_write(
    varied: Everything, data: st.DataObject
) -> None:
    """Memory changes at writes only, so it is enough to look after each of them."""
    offset = data.draw(
        st.one_of(st.integers(4080, 4180), st.integers(8170, 8240), st.integers(0, 12200))
    )
    address = varied.buffer + offset
    size = data.draw(st.sampled_from([1, 2, 8, 33]))
    context = data.draw(st.integers(0, varied.count))
    forward = data.draw(st.booleans())
    found = varied.trace.find_memory_change(context, address, size, forward)

    table = varied.accesses
    touched = (
        table["is_write"]
        & (table["address"] < address + size)
        & (table["address"] + table["length"] > address)
    )
    moments = np.unique(table["transition"][touched])
    now = varied.trace.read_memory(context, address, size)
    expected = None
    if forward:
        for moment in moments[moments >= context]:
            if varied.trace.read_memory(int(moment) + 1, address, size) != now:
                expected = int(moment) + 1
                break
    else:
        for moment in moments[moments < context][::-1]:
            if varied.trace.read_memory(int(moment), address, size) != now:
                expected = int(moment)
                break
    assert found == expected


@QUICK
@given(data=st.data())
def test_memory_stays_as_the_last_write_left_it(varied: Everything, data: st.DataObject) -> None:
    """Read by random access at a context, and right after the last write before it."""
    writes = varied.accesses[varied.accesses["is_write"]]
    pick = writes[data.draw(st.integers(0, len(writes) - 1))]
    context = data.draw(st.integers(int(pick["transition"]) + 1, varied.count))
    address = int(pick["address"]) + data.draw(st.integers(0, int(pick["length"]) - 1))
    earlier = writes[
        (writes["transition"] < context)
        & (writes["address"] <= address)
        & (writes["address"] + writes["length"] > address)
    ]
    last = int(earlier["transition"][-1])
    data_then, known_then = known(varied.trace, last + 1, address, 1)
    data_now, known_now = known(varied.trace, context, address, 1)
    unmapped = known_now == b"\0"
    assert unmapped or (data_now, known_now) == (data_then, known_then)


def test_memory_of_a_fresh_trace_equals_that_of_a_warm_one(varied: Everything) -> None:
    fresh = Trace(str(varied.path), cache_bytes=1 << 20)
    draw = random.Random(2)
    for _ in range(300):
        context = draw.randrange(varied.count + 1)
        assert fresh.read_memory(context, varied.buffer, 3 * 4096) == varied.trace.read_memory(
            context, varied.buffer, 3 * 4096
        )


def test_memory_that_never_was_is_an_error_that_says_where(varied: Everything) -> None:
    with pytest.raises(UnknownMemory) as caught:
        varied.trace.read_memory(varied.count, 0x10, 4)
    assert caught.value.args[0] == 0x10
