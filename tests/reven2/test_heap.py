# SPDX-License-Identifier: Apache-2.0
"""The heap view says what the program itself says of its allocations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.errors import OutOfRangeError
from reven2.heap import Allocation
from reven2.memhist import MemoryAccessOperation

from .heap_programs import RANDOM_BLOCKS

Row = tuple[int, str, str]

CALLERS = r"""
#include <stdlib.h>
#include <sys/mman.h>
__attribute__((noinline)) char *make(int size) {
    char *made = malloc(size);
    made[3] = 1;
    return made;
}
__attribute__((noinline)) void drop(char *block) { free(block); }
int main(void) {
    char *one = make(100);
    char *two = make(0);
    one[4] = one[3];
    drop(one);
    char *pages = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pages[0] = 1;
    munmap(pages, 10000);
    free(realloc(malloc(10), 5000));
    return two == NULL;
}
"""

OPERATORS = r"""
#include <new>
#include <vector>
struct alignas(64) Wide { char text[128]; };
int main() {
    int *one = new int(3);
    long *many = new long[7];
    Wide *wide = new Wide;
    void *quiet = operator new(55, std::nothrow);
    new (one) int(4);  // makes no block
    delete wide;
    delete[] many;
    delete one;
    operator delete(quiet);
    return 0;
}
"""

THREADS = r"""
#include <pthread.h>
#include <stdlib.h>
static void *work(void *size) {
    for (int i = 0; i < 50; i++) free(malloc((size_t)size));
    return malloc((size_t)size + 1);
}
int main(void) {
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) pthread_create(&threads[i], NULL, work, (void *)(1000 + 10 * i));
    for (int i = 0; i < 3; i++) { void *left; pthread_join(threads[i], &left); free(left); }
    return 0;
}
"""


def of_malloc(server: reven2.OpenTrace) -> list[Allocation]:
    return [one for one in server.trace.heap if one.allocated.function != "mmap"]


def rows(allocations: list[Allocation]) -> Counter[tuple[int, int, str, str]]:
    return Counter(
        (
            one.address.offset,
            one.size,
            one.allocated.function,
            "never" if one.freed is None else one.freed.function,
        )
        for one in allocations
    )


def test_every_block_is_there_as_the_program_says(
    compile_program: Any, record_command: Any, tmp_path: Path, open_trace: Any
) -> None:
    program = compile_program(RANDOM_BLOCKS, "-DSTEPS=300", "-Wno-unused-result")
    said = tmp_path / "said.txt"
    server = open_trace(record_command([program, said]))
    lines = [line.split() for line in said.read_text().splitlines()]
    told = Counter((int(at, 16), int(size), how, end) for at, size, how, end in lines)
    found = rows(of_malloc(server))
    assert told - found == Counter()
    # The C library has its own.
    assert sum((found - told).values()) <= 3


@pytest.fixture
def callers(record_program: Any, open_trace: Any) -> reven2.OpenTrace:
    server: reven2.OpenTrace = open_trace(record_program(CALLERS))
    return server


def test_a_block_knows_who_made_and_freed_it(callers: reven2.OpenTrace) -> None:
    one, two, first, moved = of_malloc(callers)
    assert (one.size, two.size, first.size, moved.size) == (100, 0, 10, 5000)
    assert str(one.allocated.transition.instruction).startswith("call")
    assert [str(frame.function).partition("!")[2] for frame in one.allocated.stack.frames()][
        :3
    ] == [
        "malloc",
        "make",
        "main",
    ]
    assert str(one.allocated.caller).startswith("program!make+")
    assert one.freed is not None
    assert one.freed.function == "free"
    assert str(one.freed.caller).startswith(("program!drop", "program!main"))
    assert one.allocated.first_context < one.first_context < one.last_context
    assert one.last_context == one.freed.first_context
    assert one.first_context.read(reven2.arch.x64.rax) == one.address.offset
    assert (one.is_leaked, two.is_leaked) == (False, True)
    assert two.freed is None
    assert two.memory_range is None
    assert list(two.memory_accesses()) == []
    assert moved.moved_from == first
    assert first.freed is not None
    assert first.freed.function == "realloc"
    number = one.allocated.first_context.transition_after().id
    assert str(one).startswith(f"[{one.address}; 100] malloc at #{number}, freed by free at #")


def test_accesses_are_those_of_its_life(callers: reven2.OpenTrace) -> None:
    one = of_malloc(callers)[0]
    writes = list(one.memory_accesses(MemoryAccessOperation.Write))
    assert [access.virtual_address - one.address.offset for access in writes] == [3, 4]
    assert len(list(one.memory_accesses())) == 3


def test_mappings_are_blocks(callers: reven2.OpenTrace) -> None:
    pages = [one for one in callers.trace.heap if one.size == 12288][-1]
    assert (pages.allocated.function, pages.address.offset % 4096) == ("mmap", 0)
    assert pages.freed is not None
    assert pages.freed.function == "munmap"
    assert str(pages.allocated.caller).startswith("program!main")


def test_at_an_address(callers: reven2.OpenTrace) -> None:
    heap = callers.trace.heap
    one = of_malloc(callers)[0]
    inside = one.address + 50
    assert heap.at(inside, one.first_context) == one
    assert heap.at(inside, one.first_context - 1) is None
    assert heap.at(inside, one.last_context) is None
    assert heap.at(inside, one.last_context, was_freed=True) == one
    assert heap.at(one.address + 100, one.first_context) is None
    assert heap.at(one.address.offset, one.first_context._id) == one
    assert heap.allocation(one.id) == one
    with pytest.raises(OutOfRangeError):
        heap.allocation(10**6)


def test_what_lives_in_a_context(callers: reven2.OpenTrace) -> None:
    heap = callers.trace.heap
    one, two, *_ = of_malloc(callers)
    assert one in heap.live(one.first_context)
    assert two not in heap.live(one.first_context)
    assert {one, two} <= set(heap.live(two.first_context))
    left = set(heap.live())
    assert two in left
    assert one not in left
    assert left == {each for each in heap if each.is_leaked}


def test_operators_of_cpp(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(OPERATORS, "-std=c++17", "-O0", language="cpp"))
    made = [
        (one.size, one.allocated.function, one.freed and one.freed.function)
        for one in of_malloc(server)
        if one.allocated.function.startswith("operator")
    ]
    assert made == [
        (4, "operator new", "operator delete"),
        (56, "operator new[]", "operator delete[]"),
        (128, "operator new", "operator delete"),
        (55, "operator new", "operator delete"),
    ]


def test_threads_have_their_own_calls(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(THREADS, "-pthread", "-O0"))
    by_size: dict[int, list[Allocation]] = {}
    for one in of_malloc(server):
        by_size.setdefault(one.size, []).append(one)
    threads = set()
    for size in (1000, 1010, 1020):
        assert len(by_size[size]) == 50
        assert all(one.freed for one in by_size[size])
        (left,) = by_size[size + 1]
        assert left.freed is not None
        assert left.freed.thread == 1
        threads |= {one.allocated.thread for one in by_size[size]}
    assert threads == {2, 3, 4}


def test_the_html_has_the_text(callers: reven2.OpenTrace, open_trace: Callable[..., Any]) -> None:
    one = of_malloc(callers)[0]
    assert one._repr_html_() == one.format_as_html()
    assert "freed by free at" in one.format_as_html()
