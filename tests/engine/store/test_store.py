# SPDX-License-Identifier: Apache-2.0
"""What a recorder streams is what the trace store gives back."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reven._engine import TraceError, _Store
from reven.recorders.kit import NO_NODE, node
from reven2.arch._table import REGISTERS
from tests.engine.record.stream import (
    END_EXIT,
    MEMORY,
    NODE_BINARY,
    NODE_CONSTANT,
    NODE_FLOW,
    NODE_INDEXED_THEN,
    NODE_REGISTER,
    NODE_REGISTER_THEN,
    NODE_SELECT,
    NODE_SLOT,
    NODE_UNARY,
    REGISTER_PATCH,
    SYSCALL_EXIT,
    Block,
    Record,
    Recorder,
    Slot,
    end,
    headers_of,
    key_frame,
    switch,
    write_trace,
)

SIZES = (1, 2, 4, 8, 16, 32)
SCRATCH, TAGS = REGISTERS["scratch"].offset, REGISTERS["fpu_tags"].offset

FLOW_SHIFTS, FLOW_PARTS, FLOWS = (4, 5), (9, 10), 13  # REVEN_FLOW_…
OPERATIONS = 47  # of REVEN_OP_…


@st.composite
def graphs(draw: st.DrawFn, first: int) -> list[bytes]:
    """Nodes of all kinds that follow `first` others."""
    nodes = [node(NODE_CONSTANT, 1)]
    for index in range(first + 1, first + draw(st.integers(0, 12))):
        earlier = st.integers(0, index - 1)
        maybe = st.one_of(st.just(NO_NODE), earlier)
        size = draw(st.sampled_from(SIZES))
        match draw(st.integers(NODE_CONSTANT, NODE_INDEXED_THEN)):
            case 1:
                nodes.append(node(NODE_CONSTANT, 8, immediate=draw(st.integers(0, 2**64 - 1))))
            case 2:
                nodes.append(node(NODE_SLOT, 0, b=draw(maybe)))
            case 3:
                nodes.append(node(NODE_REGISTER, size, a=draw(st.integers(0, SCRATCH))))
            case 4:
                operation = draw(st.integers(1, OPERATIONS))
                nodes.append(node(NODE_UNARY, size, operation, draw(earlier)))
            case 5:
                operation, element = draw(st.integers(1, OPERATIONS)), draw(st.sampled_from(SIZES))
                operands = draw(earlier), draw(earlier)
                nodes.append(node(NODE_BINARY, size, operation, *operands, 0, element))
            case 6:
                nodes.append(
                    node(NODE_SELECT, size, 0, draw(earlier), draw(earlier), draw(earlier))
                )
            case 7:
                flow, a, b, c = draw(st.integers(1, FLOWS)), draw(maybe), draw(maybe), draw(maybe)
                if flow in (*FLOW_SHIFTS, *FLOW_PARTS):
                    a, c = 0, first
                nodes.append(node(NODE_FLOW, size, flow, a, b, c, draw(st.sampled_from(SIZES[:4]))))
            case 8:
                nodes.append(node(NODE_REGISTER_THEN, size, a=draw(st.integers(0, SCRATCH))))
            case _:
                count = draw(st.integers(1, 8)) | draw(st.integers(0, 2**32 - 1)) << 32
                nodes.append(node(NODE_INDEXED_THEN, 8, 0, TAGS, 0, draw(earlier), count))
    return nodes


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    slots = draw(st.lists(st.sampled_from(SIZES), max_size=5))
    return Block(
        draw(st.integers(0, 2**64 - 256)),
        draw(st.integers(1, 6)),
        slots,
        draw(st.lists(st.tuples(st.just(0), st.just(0)), max_size=3)),
        draw(graphs(1 + len(slots))),
    )


@st.composite
def values(draw: st.DrawFn, size: int) -> bytes:
    """Bytes as programs have them: counters, pointers, small numbers, noise."""
    number = draw(
        st.one_of(
            st.integers(0, 3),
            st.integers(-300, 300),
            st.integers(0x7FFE_0000_0000, 0x7FFE_0000_0FFF),
            st.integers(0, 2**64 - 1),
        )
    )
    return (number % 2**64).to_bytes(8, "little")[:size].ljust(size, b"\xab")


@st.composite
def streams(draw: st.DrawFn) -> list[Slot]:
    slots: list[Slot] = []
    known: dict[int, Block] = {}
    for _ in range(draw(st.integers(1, 4))):
        new = draw(st.lists(blocks(), min_size=0 if known else 1, max_size=4))
        templates = {len(known) + i: block for i, block in enumerate(new, 1)}
        known |= templates
        executions = []
        for number in draw(st.lists(st.sampled_from(sorted(known)), max_size=60)):
            block = known[number]
            record = b"".join(draw(values(size)) for size in block.slots)
            executions.append((number, draw(st.integers(0, len(block.exits))), record))
        after = draw(st.lists(st.integers(0, len(executions)), max_size=5).map(sorted))
        records = [key_frame(len(slots))]
        for position in after:
            payload = struct.pack("<QII", 0x1000, 2, 0) + draw(st.binary(max_size=40))
            records.append(
                draw(
                    st.sampled_from(
                        [
                            key_frame(draw(st.integers(0, 255)), position),
                            Record(MEMORY, payload, position, 7),
                            Record(SYSCALL_EXIT, bytes(16), position),
                            Record(REGISTER_PATCH, struct.pack("<HHIQ", 8, 3, 0, 9), position),
                        ]
                    )
                )
            )
        slots.append(Slot(executions, records, templates))
    return slots


def assert_holds(store: _Store, slots: list[Slot]) -> None:
    assert len(store.segments) == len(slots)
    first = 0
    for index, slot in enumerate(slots):
        headers, _, records, control = store.load(index)
        assert headers == b"".join(struct.pack("<I", i << 6 | k) for i, k, _ in slot.executions)
        assert records == [record for _, _, record in slot.executions]
        assert control == [(r.type, r.thread, first + r.after, r.payload) for r in slot.records]
        for number, block in slot.templates.items():
            assert store.template(number) == block.payload(number)
        first += len(slot.executions)


@settings(deadline=None, max_examples=150)
@given(streams())
def test_any_stream_comes_back(tmp_path_factory: pytest.TempPathFactory, slots: list[Slot]) -> None:
    directory = tmp_path_factory.mktemp("trace")
    status = write_trace(directory, slots)
    assert status.error == ""
    assert_holds(_Store(str(directory)), slots)


@pytest.mark.parametrize("kind", ["constant", "counter", "noise", "steps", "mixed"])
def test_whole_segments_of_every_kind_of_values_come_back(tmp_path: Path, kind: str) -> None:
    choose = random.Random(kind)
    templates = {
        i: Block(0x1000 * i, i % 5 + 1, choose.choices(SIZES, k=i % 7)) for i in range(1, 200)
    }

    def number(execution: int) -> int:
        return {
            "constant": 5,
            "counter": execution,
            "noise": choose.getrandbits(256),
            "steps": 0x7FFF_FFFF_0000 - 24 * execution,
            "mixed": choose.choice([0, 2**256 - 1, execution, choose.getrandbits(12)]),
        }[kind]

    slots = []
    for first in (0, 32768):
        executions = []
        for i in range(first, first + 32768):
            # Loops within loops, now and then broken.
            template = 1 + (choose.randrange(199) if choose.random() < 0.05 else i % (7 + i // 999))
            size = templates[template].values_size
            record = b"".join(
                (number(i) % 2 ** (8 * s)).to_bytes(s, "little") for s in templates[template].slots
            )
            assert len(record) == size
            executions.append((template, 0, record))
        slots.append(Slot(executions, [key_frame(1)], {} if first else templates))
    write_trace(tmp_path, slots)
    assert_holds(_Store(str(tmp_path)), slots)


def test_transitions_are_the_instructions_and_the_events_without_one(tmp_path: Path) -> None:
    one, three = Block(0x1000), Block(0x2000, 3)
    slots = [
        Slot([(1, 0, b""), (2, 0, b"")], [key_frame(), switch(1, 2, 1)], {1: one, 2: three}),
        Slot([(2, 0, b"")], [key_frame(thread=2), switch(0, 3, 0), end(after=1)]),
    ]
    status = write_trace(tmp_path, slots)
    assert (status.transitions, status.executions, status.threads) == (8, 3, 3)
    assert (status.end_reason, status.end_code, status.finished) == (END_EXIT, 0, True)
    assert _Store(str(tmp_path)).segments == [(0, 0, 2, 5), (2, 5, 1, 3)]


def test_a_trace_that_is_still_written_opens_and_grows(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    store = _Store(str(tmp_path))
    assert store.segments == []
    for count in range(1, 6):
        block = Block(0x1000 * count, count)
        recorder.publish(Slot([(count, 0, b"")], templates={count: block}))
        while len(store.segments) < count:
            store.refresh()
        assert store.segments[-1] == (count - 1, sum(range(count)), 1, count)
        assert headers_of(store, count - 1) == [(count, 0)]
    recorder.finish()
    assert not store.refresh()


def test_a_directory_without_a_trace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="is not a trace"):
        _Store(str(tmp_path))


@pytest.mark.parametrize("name", ["directory", "segments", "templates", "bodies"])
def test_another_format_version_is_refused_naming_both(tmp_path: Path, name: str) -> None:
    write_trace(tmp_path, [Slot()])
    file = tmp_path / f"{name}.bin"
    data = bytearray(file.read_bytes())
    data[8] = 42
    file.write_bytes(data)
    with pytest.raises(TraceError, match=r"version 42, .* versions 2 to 3; use a newer"):
        _Store(str(tmp_path))


def test_a_trace_is_never_written_over(tmp_path: Path) -> None:
    write_trace(tmp_path, [Slot()])
    with pytest.raises(TraceError, match="File exists"):
        Recorder(tmp_path)
