# SPDX-License-Identifier: Apache-2.0
"""Bugs that are there are found, with where and why; in correct programs none is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reven2
from reven2.preview import bugs
from reven2.preview.bugs import Bug, BugKind

from .heap_programs import RANDOM_ACCESSES

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "bugs"

# What each example is found to do: kind, place, function that allocated, whether it was freed.
FOUND = {
    "overflow_write.c": ("overflow", r"writes 4 bytes right after", "malloc", False),
    "overflow_strcpy.c": ("overflow", r"writes 16 bytes to 1 byte beyond", "malloc", False),
    "overflow_memcpy.c": ("overflow", r"reads \d+ bytes to \d+ bytes beyond", "malloc", False),
    "underflow_read.c": ("overflow", r"reads 1 byte 1 byte before", "malloc", False),
    "use_after_free.c": ("use-after-free", r"reads 8 bytes at offset 8 of", "malloc", True),
    "use_after_realloc.c": ("use-after-free", r"reads 4 bytes at the start of", "malloc", True),
    "new_delete.cpp": ("use-after-free", r"reads 4 bytes at the start of", "operator new", True),
    "double_free.c": ("double-free", r"frees lin:\w+ at the start of", "malloc", True),
    "free_inside.c": ("double-free", r"frees lin:\w+ at offset 3 of", "malloc", False),
    "uninitialized_heap.c": ("uninitialized", r"reads 4 bytes never written at", "malloc", False),
    "uninitialized_stack.c": ("uninitialized", r"reads 4 bytes never written on the", None, False),
    "uninitialized_copy.c": ("uninitialized", r"reads 24 bytes never written at", "malloc", False),
}

CORRECT = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct padded { char letter; long number; unsigned first : 3, second : 5; };
static int by_text(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(void) {
    char *words[64];
    for (int i = 0; i < 64; i++) {
        words[i] = malloc(i + 1);
        memset(words[i], 'a' + i * 7 % 26, i);
        words[i][i] = 0;
    }
    qsort(words, 64, sizeof *words, by_text);
    size_t sum = 0;
    for (int i = 0; i < 64; i++) sum += strlen(words[i]) + (strchr(words[i], 'q') != NULL);
    char *all = NULL;
    for (int i = 0; i < 64; i++) {
        size_t old = all ? strlen(all) : 0;
        all = realloc(all, old + strlen(words[i]) + 1);
        strcpy(all + old, words[i]);
    }
    struct padded *one = malloc(sizeof *one), two;
    one->letter = 'x';
    one->number = sum;
    one->first = 3;
    one->second = 7;
    two = *one;
    if (two.second == 7 && memchr(all, 'z', strlen(all))) printf("%zu %ld\n", sum, two.number);
    for (int i = 0; i < 64; i++) free(words[i]);
    free(all);
    free(one);
    return 0;
}
"""

CONTAINERS = r"""
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
int main() {
    std::map<std::string, int> words;
    std::vector<std::shared_ptr<std::string>> shared;
    for (int i = 0; i < 60; i++) {
        std::ostringstream text;
        text << "word " << i * 7919 % 61;
        words[text.str()] += i;
        shared.push_back(std::make_shared<std::string>(text.str()));
    }
    std::sort(shared.begin(), shared.end(), [](auto &a, auto &b) { return *a < *b; });
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; i++)
        threads.emplace_back([i] { std::vector<std::string> own(30, std::to_string(i * 12345)); });
    for (auto &thread : threads) thread.join();
    try { words.at("none"); } catch (const std::out_of_range &error) { std::cout << *shared[3]; }
}
"""


Example = Callable[[str], Path]


@pytest.fixture
def example(record_program: Callable[..., Path]) -> Example:
    """`example(name)`: the trace of an example, which ends as it may."""

    def record(name: str) -> Path:
        file = EXAMPLES / name
        return record_program(file.read_text(), "-O0", "-w", language=file.suffix[1:])

    return record


def test_every_example_is_tested() -> None:
    assert {file.name for file in EXAMPLES.iterdir()} == set(FOUND)


@pytest.mark.parametrize("name", FOUND)
def test_what_is_wrong_with_the_examples_is_found(name: str, example: Example) -> None:
    with reven2.open(example(name)) as server:
        check_example(server, name)


@pytest.mark.parametrize("name", ["use_after_realloc.c", "uninitialized_copy.c"])
def test_a_server_finds_the_same(
    name: str, example: Example, open_trace: Callable[[Path], reven2.OpenTrace]
) -> None:
    check_example(open_trace(example(name)), name)


def check_example(server: reven2.OpenTrace, name: str) -> None:
    kind, said, function, is_freed = FOUND[name]
    found = list(bugs.find(server.trace, kind))
    assert len(found) == 1, found
    bug = found[0]
    assert bug.kind is BugKind(kind)
    assert re.search(said, str(bug)), bug
    marked = next(
        number
        for number, line in enumerate((EXAMPLES / name).read_text().splitlines(), 1)
        if "// BUG" in line
    )
    assert marked in lines(bug), bug
    if function is None:
        assert bug.allocation is None
    else:
        assert bug.allocation is not None
        assert bug.allocation.allocated.function == function
        assert (
            bug.allocation.freed is not None
            and bug.allocation.freed._data.first_context < bug.transition.id
        ) == is_freed
    assert (bug.branch is not None) == (kind == "uninitialized")


def lines(bug: Bug) -> set[int | None]:
    """Source lines of the program that are to do with a bug."""
    frames = [*bug.stack.frames()]
    places = [bug.location, *(frame.location for frame in frames)]
    if bug.branch is not None:
        branch = bug.branch.context_before()
        places += [frame.location for frame in branch.stack.frames()]
    found: set[int | None] = {place.line for place in places if place is not None}
    # A call at the end of a line goes on in the next.
    return found | {line - 1 for line in found if line}


@pytest.mark.parametrize("name", [name for name in FOUND if name != "use_after_free.c"])
def test_other_kinds_are_not_found_in_the_examples(name: str, example: Example) -> None:
    # After a use of freed memory, what it held is freed: that example has two.
    others = [other for other in BugKind if other.value != FOUND[name][0]]
    with reven2.open(example(name)) as server:
        assert list(bugs.find(server.trace, *others)) == []


@pytest.mark.parametrize(
    ("source", "flags", "language"),
    [
        (CORRECT, ("-O0",), "c"),
        (CORRECT, ("-O2",), "c"),
        (CONTAINERS, ("-O2", "-pthread"), "cpp"),
    ],
    ids=["c -O0", "c -O2", "containers"],
)
def test_correct_programs_have_none(
    source: str, flags: tuple[str, ...], language: str, record_program: Any
) -> None:
    with reven2.open(record_program(source, *flags, language=language)) as server:
        assert list(bugs.find(server.trace)) == []


def test_all_wrong_accesses_of_a_program_are_found(
    compile_program: Any, record_command: Any, tmp_path: Path, open_trace: Any
) -> None:
    program = compile_program(RANDOM_ACCESSES, "-Wno-unused-result", "-Wno-use-after-free")
    said = tmp_path / "said.txt"
    server = open_trace(record_command([program, said]))
    told: dict[tuple[str, int], int] = {}
    for line in said.read_text().splitlines():
        kind, _, _, block = line.split()
        key = kind, int(block, 16)
        told[key] = told.get(key, 0) + 1
    found: dict[tuple[str, int], int] = {}
    for bug in bugs.find(server.trace, "overflow", "use-after-free"):
        assert bug.allocation is not None, bug
        assert bug.location is not None
        assert str(bug.location).startswith("program!main")
        key = bug.kind.value, bug.allocation.address.offset
        found[key] = found.get(key, 0) + bug.count
    assert found == told


def test_an_unknown_kind_is_refused(example: Example) -> None:
    with (
        reven2.open(example("double_free.c")) as server,
        pytest.raises(ValueError, match="overflows"),
    ):
        bugs.find(server.trace, "overflows")


def test_the_html_links_the_transition(example: Example) -> None:
    with reven2.open(example("double_free.c")) as server:
        (bug,) = bugs.find(server.trace, BugKind.DoubleFree)
        assert bug._repr_html_().startswith(bug.transition.format_as_html())
        assert "lin:" in bug.format_as_html()


def test_where_a_pointer_comes_from(example: Example) -> None:
    with reven2.open(example("double_free.c")) as server:
        (bug,) = bugs.find(server.trace, BugKind.DoubleFree)
        origin = bug.origin(3)
        assert origin is not None
        assert [hop.kind for hop in origin] == ["copy", "load", "store"]
