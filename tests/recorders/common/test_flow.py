# SPDX-License-Identifier: Apache-2.0
"""Templates tell where every recorded value came from that no event read from memory."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reven._engine import _Store
from tests.record import programs

RecordProgram = Callable[..., Path]
NO_NODE = 0xFFFFFFFF
CONSTANT, SLOT, REGISTER, UNARY, BINARY, SELECT, FLOW, REGISTER_THEN, INDEXED_THEN = range(1, 10)
TRUNCATE, HIGH_HALF = 11, 14
ALL, ELEMENTS, EXTRACT, INSERT, NARROW = 1, 3, 9, 10, 11
SET_REGISTER, SET_INDEXED, BULK_LOAD, BULK_STORE = 1, 2, 8, 9
READS = (3, 5, 6, BULK_LOAD)
RCX, RDX, CC_DEP1, CC_NDEP, YMM0, YMM1 = 8, 16, 144, 160, 320, 352


@dataclass(frozen=True)
class Node:
    kind: int
    size: int
    op: int
    a: int
    b: int
    c: int
    immediate: int


@dataclass(frozen=True)
class Event:
    kind: int
    flags: int
    instruction: int
    offset: int
    size: int
    address: int
    value: int
    guard: int
    x1: int
    x2: int
    x3: int


@dataclass(frozen=True)
class Block:
    code: list[bytes]
    nodes: list[Node]
    events: list[Event]

    def sources(self, number: int) -> set[tuple[int, int]]:
        """The registers (offset, size) and slots (-1 - offset, size) that a node is made of."""
        if number == NO_NODE:
            return set()
        node = self.nodes[number]
        match node.kind:
            case 2:
                return {(-1 - node.a, node.size)} if node.b == NO_NODE else self.sources(node.b)
            case 3 | 8 | 9:
                return {(node.a, node.size)}
            case 4:
                return self.sources(node.a)
            case 5:
                return self.sources(node.a) | self.sources(node.b)
            case 6 | 7:
                return self.sources(node.a) | self.sources(node.b) | self.sources(node.c)
        return set()

    def written(self, instruction: int, offset: int) -> Node:
        """What an instruction writes to a register; of a slot, where it came from."""
        event = next(
            e
            for e in self.events
            if (e.kind, e.instruction, e.offset) == (SET_REGISTER, instruction, offset)
        )
        node = self.nodes[event.value]
        return self.nodes[node.b] if node.kind == SLOT else node


def templates(trace: Path) -> Iterator[Block]:
    store = _Store(str(trace))
    for number in range(1, store.template_count + 1):
        payload = store.template(number)
        _, instructions, nodes, _ = struct.unpack_from("<4I", payload)
        code_at, nodes_at = 32, 32 + 24 * instructions
        events_at = nodes_at + 24 * nodes
        code = list(struct.iter_unpack("<QB15s", payload[code_at:nodes_at]))
        yield Block(
            [text[:size] for _, size, text in code],
            [Node(*x) for x in struct.iter_unpack("<BBH3IQ", payload[nodes_at:events_at])],
            [Event(*x) for x in struct.iter_unpack("<BB3H6I", payload[events_at:])],
        )


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        (programs.VECTORS, ()),
        (programs.AVX2, ("-mavx2",)),
        (programs.THREADS, ("-pthread",)),
    ],
)
def test_every_value_that_was_not_read_from_memory_has_a_flow(
    record_program: RecordProgram, source: str, flags: tuple[str, ...]
) -> None:
    kinds = set()
    for block in templates(record_program(source, *flags)):
        read = {event.value for event in block.events if event.kind in READS}
        for number, node in enumerate(block.nodes):
            if node.kind == SLOT and number not in read:
                assert node.b < number
                kinds.add(block.nodes[node.b].kind)
        for event in block.events:
            assert event.value == NO_NODE or block.nodes[event.value].kind < FLOW
    assert FLOW in kinds


INSTRUCTIONS = """
.globl main
main:
  lea area(%rip), %rdi
  jmp 1f
1: addps %xmm1, %xmm0
  jmp 1f
1: sqrtsd %xmm1, %xmm0
  jmp 1f
1: packuswb %xmm1, %xmm0
  jmp 1f
1: cvtdq2pd %xmm1, %xmm0
  jmp 1f
1: fldt (%rdi)
  fstpt 16(%rdi)
  jmp 1f
1: inc %rsi
  adc %rcx, %rdx
  jmp 1f
1: rdtsc
  jmp 1f
1: paddd %xmm1, %xmm0
  pxor %xmm2, %xmm0
  pshufb %xmm3, %xmm0
  punpcklbw %xmm1, %xmm0
  pcmpeqb %xmm2, %xmm0
  pminub %xmm1, %xmm0
  psllw $3, %xmm0
  pmuludq %xmm1, %xmm0
  pmovmskb %xmm0, %eax
  mul %rcx
  bsf %rdx, %rax
  movq %rax, %xmm0
  jmp 1f
1: xor %eax, %eax
  ret
.data
area: .zero 64
.section .note.GNU-stack,"",@progbits
"""


@pytest.fixture(scope="module")
def blocks(
    tmp_path_factory: pytest.TempPathFactory, record_command: Callable[..., Path]
) -> dict[bytes, Block]:
    """The blocks of INSTRUCTIONS by the bytes of their first instruction."""
    directory = tmp_path_factory.mktemp("assembly")
    (directory / "program.s").write_text(INSTRUCTIONS)
    command = ["gcc", "-o", "program", "program.s"]
    subprocess.run(command, cwd=directory, check=True)
    return {block.code[0]: block for block in templates(record_command([directory / "program"]))}


def test_the_reader_computes_integer_vectors(blocks: dict[bytes, Block]) -> None:
    block = blocks[bytes.fromhex("660ffec1")]
    assert len(block.code) == 13
    assert not [node for node in block.nodes if node.kind == SLOT]


def test_lanes_of_floating_point_numbers_do_not_mix(blocks: dict[bytes, Block]) -> None:
    block = blocks[bytes.fromhex("0f58c1")]
    flow = block.written(0, YMM0)
    assert (flow.kind, flow.op, flow.immediate) == (FLOW, ELEMENTS, 4)
    assert block.sources(flow.a) | block.sources(flow.b) == {(YMM0, 16), (YMM1, 16)}


def test_a_scalar_in_a_vector_leaves_the_rest(blocks: dict[bytes, Block]) -> None:
    block = blocks[bytes.fromhex("f20f51c1")]
    flow = block.written(0, YMM0)
    assert (flow.kind, flow.op, flow.immediate) == (FLOW, INSERT, 8)
    assert block.nodes[flow.c].immediate == 0
    low = block.nodes[flow.b]
    assert (low.op, block.nodes[low.a].op) == (ALL, EXTRACT)


def test_narrowing_takes_from_both_operands(blocks: dict[bytes, Block]) -> None:
    block = blocks[bytes.fromhex("660f67c1")]
    flow = block.written(0, YMM0)
    assert (flow.kind, flow.op, flow.immediate) == (FLOW, NARROW, 2)
    assert (block.sources(flow.b), block.sources(flow.a)) == ({(YMM0, 16)}, {(YMM1, 16)})


def test_a_conversion_of_a_half_comes_from_that_half(blocks: dict[bytes, Block]) -> None:
    block = blocks[bytes.fromhex("f30fe6c1")]
    low, high = block.written(0, YMM0), block.written(0, YMM0 + 8)
    assert [block.nodes[node.a].op for node in (low, high)] == [TRUNCATE, HIGH_HALF]
    assert {low.op, high.op} == {ALL}


def test_a_helper_passes_on_the_memory_that_it_reads(blocks: dict[bytes, Block]) -> None:
    """`fld` and `fstp` of ten bytes are helpers to Valgrind."""
    block = blocks[bytes.fromhex("db2f")]
    read = next(e.value for e in block.events if e.kind == BULK_LOAD)
    pushed = next(e.value for e in block.events if (e.kind, e.size) == (SET_INDEXED, 8))
    stored = next(e.value for e in block.events if e.kind == BULK_STORE)
    memory = (-1 - block.nodes[read].a, 0)
    assert memory in block.sources(pushed)
    assert memory in block.sources(stored)


def test_the_carry_goes_past_an_increment(blocks: dict[bytes, Block]) -> None:
    """`inc` keeps the carry flag, which then is in what the flags were before."""
    block = blocks[bytes.fromhex("48ffc6")]
    kept = block.written(0, CC_NDEP)
    assert (kept.kind, kept.op) == (FLOW, ALL)
    flags = {(CC_DEP1, 8), (CC_DEP1 + 8, 8), (CC_NDEP, 8)}
    total = next(e.value for e in block.events if (e.instruction, e.offset) == (1, RDX))
    assert block.sources(total) == flags | {(RCX, 8), (RDX, 8)}


def test_a_clock_comes_from_nothing_recorded(blocks: dict[bytes, Block]) -> None:
    block = blocks[bytes.fromhex("0f31")]
    flow = block.nodes[block.nodes[block.events[0].value].a]
    assert (flow.kind, block.sources(block.events[0].value)) == (SLOT, set())
