# SPDX-License-Identifier: Apache-2.0
"""Bytes in memory over time."""

from __future__ import annotations

from typing import Any

import pytest

import reven2
from reven2.errors import InvalidArgumentError
from reven2.memhist import MemoryAccessOperation

FLAGS = ("-nostdlib", "-static", "-no-pie", "-O1", "-fno-builtin", "-fno-stack-protector")

# A word that stands from the start, is copied, read, and overwritten.
WORDS = r"""
#include <stdint.h>
static volatile uint64_t standing = 0x1122334455667788, unused = 0x1122334455667788, copy, sink;
void _start(void) {
    sink = standing;
    copy = 0x1122334455667788;
    sink = copy;
    sink = (uint32_t)copy;
    copy = 0x1122334455667799;
    copy = 0x1122334455667788;
    __asm__ volatile("syscall" ::"a"(60), "D"(0));
}
"""
WORD = (0x1122334455667788).to_bytes(8, "little")


@pytest.fixture
def words(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(WORDS, *FLAGS))
    return server


LASTING = 0x55667788.to_bytes(4, "little")


def test_a_match_that_lives_to_the_end_says_so(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    first, last = trace.first_context, trace.last_context
    end = f"Context after #{trace.transition_count - 1}]"
    searches = [
        trace.search.memory(LASTING),
        trace.search.memory(LASTING, first),
        trace.search.memory(LASTING, first, last),
        trace.search.memory(LASTING, 0, trace.transition_count),
        trace.search.memory(LASTING, to_context=last),
    ]
    found = [[str(match) for match in search.matches()] for search in searches]
    assert found[0]
    assert found == [found[0]] * len(found)
    lasting = [match for match in searches[2].matches() if match.destruction_transition is None]
    assert lasting
    for match in lasting:
        assert match.last_context == last
        assert f" - {end} | " in str(match)
    assert list(trace.search.memory(LASTING, last, last).matches()) == []


def test_matches_last_from_their_creation_to_their_destruction(words: reven2.OpenTrace) -> None:
    trace = words.trace
    matches = list(trace.search.memory(WORD).matches())
    assert [match.id for match in matches] == list(range(len(matches)))
    for match in matches:
        address, first, last = match.virtual_start_address, match.first_context, match.last_context
        assert first.read(address, 8, raw=True) == last.read(address, 8, raw=True) == WORD
        creation, destruction = match.creation_transition, match.destruction_transition
        if creation is None:
            assert first == trace.first_context
        else:
            assert creation.context_after() == first
            assert creation.context_before().read(address, 8, raw=True) != WORD
        if destruction is None:
            assert last == trace.last_context
        else:
            assert destruction.context_before() == last
            assert destruction.context_after().read(address, 8, raw=True) != WORD
        assert match.size_byte == 8
        assert match.pattern == WORD
        assert match.virtual_end_address == address + 8
        assert match.physical_start_address.offset == address.offset
        assert match.physical_end_address.offset == address.offset + 8
        assert match.known_mapped_context == first
    by_place: dict[int, list[Any]] = {}
    for match in matches:
        by_place.setdefault(match.virtual_start_address.offset, []).append(match)
    copies = [found for found in by_place.values() if len(found) == 2]
    assert len(copies) == 1
    [[first, second]] = copies
    assert first.destruction_transition < second.creation_transition
    assert second.destruction_transition is None
    [standing] = [m for m in matches if m.creation_transition is None]
    assert [a.operation for a in standing.accesses()] == [MemoryAccessOperation.Read]
    assert [a.size for a in first.accesses()] == [8, 8]
    assert list(second.accesses()) == []
    assert str(first) == (
        f"id: {first.id} | @{first.virtual_start_address} (mapped at {first.first_context}) | "
        f"[{first.first_context} - {first.last_context}] | 2 access(es)"
    )


def test_a_search_sees_its_own_contexts_only(words: reven2.OpenTrace) -> None:
    trace = words.trace
    creations = [m.creation_transition for m in trace.search.memory(WORD).matches()]
    last = max(t for t in creations if t is not None)
    early = trace.search.memory(WORD, None, last.context_before())
    assert [m.creation_transition for m in early.matches()] == creations[:-1]
    late = list(trace.search.memory(WORD, last.context_before()).matches())
    assert [m.creation_transition for m in late] == [last]
    assert list(trace.search.memory(WORD, 5, 5).matches()) == []
    with pytest.raises(InvalidArgumentError):
        trace.search.memory(b"")


def test_searching_memory_of_a_context(words: reven2.OpenTrace) -> None:
    trace = words.trace
    before = {a.offset for a in trace.first_context.search_in_memory(WORD, 0, 1 << 64)}
    after = [a.offset for a in trace.last_context.search_in_memory(bytearray(WORD), 0, 1 << 64)]
    assert after == sorted(after)
    matches = list(trace.search.memory(WORD).matches())
    written = {m.virtual_start_address.offset for m in matches if m.destruction_transition is None}
    assert written <= set(after)
    # Two variables, and the operand of an instruction.
    assert len(before) == 3
    [first, *_] = after
    in_range = trace.last_context.search_in_memory
    assert [a.offset for a in in_range(WORD, first, 8)] == [first]
    assert list(in_range(WORD, first, 7)) == list(in_range(WORD, first + 1, 8)) == []
    with pytest.raises(InvalidArgumentError):
        in_range(b"", 0, 9)


def test_what_a_file_brings_counts_once_it_is_accessed(values: reven2.OpenTrace) -> None:
    matches = list(values.trace.search.memory(b"\x7fELF").matches())
    assert matches
    for match in matches:
        last = match.last_context._id + 1
        touching = values.trace.memory_accesses(
            match.virtual_start_address,
            4,
            match.first_context._id,
            min(last, values.trace.transition_count),
        )
        created = match.creation_transition
        writing = created is not None and any(
            access.virtual_address.offset < match.virtual_end_address.offset
            and access.virtual_address.offset + access.size > match.virtual_start_address.offset
            for access in created.memory_accesses(MemoryAccessOperation.Write)
        )
        assert writing or next(touching, None) is not None


MOVED = r"""
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *first = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *place = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(first + 100, "moved along with the page");
    char *second = mremap(first, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    return *(volatile char *)(second + 100) != 'm';
}
"""


def test_contents_that_move_match_at_both_places(record_program: Any, open_trace: Any) -> None:
    trace = open_trace(record_program(MOVED)).trace
    pattern = b"moved along with the page"
    first, second = [
        match
        for match in trace.search.memory(pattern).matches()
        if match.virtual_start_address.offset % 4096 == 100
    ]
    assert first.destruction_transition == second.creation_transition
    assert str(second.creation_transition.instruction).startswith("syscall")
    assert [access.size for access in second.accesses()] == [1]
    found = trace.last_context.search_in_memory(pattern, second.virtual_start_address, 64)
    assert [address.offset for address in found] == [second.virtual_start_address.offset]
