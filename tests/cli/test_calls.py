# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re

import pytest

SOURCE = """
__attribute__((noinline)) int leaf(int n) { volatile int sum = n; return sum; }
__attribute__((noinline)) int twice(int n) {
    int first = leaf(n), second = leaf(n + 1);
    return first + second;
}
int main(void) {
    int sum = 0;
    for (int i = 0; i < 5; i++) sum += twice(i);
    return leaf(sum) == 0;
}
"""


@pytest.fixture
def trace(record_program):
    return record_program(SOURCE, "-O1", "-fno-inline")


def test_the_tree_has_counts_and_durations(reven, trace):
    lines = reven("calls", trace, "--symbol", "^main$", "--least", "0").stdout.splitlines()
    assert re.match(r"thread 1: [\d,]+ transitions$", lines[0])
    shown = {}
    for line in lines[1:]:
        match = re.search(
            r"(\w+)  ([\d.]+) %  ([\d,]+) in all, ([\d,]+) own, ([\d,]+) ×  #\d+$", line
        )
        assert match, line
        shown[line.index(match[1]), match[1]] = [
            int(n.replace(",", "")) for n in match.groups()[2:]
        ]
    main, twice, leaf_of_main, leaf = (
        shown[4, "main"], shown[8, "twice"], shown[8, "leaf"], shown[12, "leaf"]
    )  # fmt: skip
    assert [node[2] for node in (main, twice, leaf_of_main, leaf)] == [1, 5, 1, 10]
    assert main[0] == main[1] + twice[0] + leaf_of_main[0]
    assert twice[0] == twice[1] + leaf[0]
    assert leaf[0] == leaf[1] == 10 * leaf_of_main[0]


def test_levels_can_be_left_out(reven, trace):
    deep = reven("calls", trace, "--symbol", "^main$", "--least", "0").stdout
    shallow = reven("calls", trace, "--symbol", "^main$", "--least", "0", "--depth", "1").stdout
    assert len(shallow.splitlines()) == len(deep.splitlines()) - 1


def test_what_is_short_is_left_out(reven, trace):
    lines = reven("calls", trace, "--symbol", "^main$", "--least", "30").stdout.splitlines()
    assert lines[-1].endswith("… 1 shorter")


def test_folded_stacks_count_every_transition_once(reven, trace):
    lines = reven("calls", trace, "--folded").stdout.splitlines()
    counts = {path: int(count) for path, count in (line.rsplit(" ", 1) for line in lines)}
    assert any(path.endswith(";main;twice;leaf") for path in counts)
    whole = reven("info", trace, "--json").stdout
    assert f'"transitions": {sum(counts.values())}' in whole


def test_a_part_of_the_trace(reven, trace):
    every = reven("calls", trace, "--symbol", "^twice$").stdout
    first = int(every.splitlines()[1].rpartition("#")[2])
    some = reven(
        "calls", trace, "--symbol", "^twice$", "--from", str(first), "--to", str(first + 1)
    )
    assert "1 in all" in some.stdout
    assert "1 ×" in some.stdout
    from_the_end = reven("calls", trace, "--from", "-1", "--thread", "1").stdout
    assert "thread 1: 1 transitions" in from_the_end


@pytest.mark.parametrize(
    "words", [["--symbol", "^no_such_function$"], ["--thread", "7"], ["--from", "999999999"]]
)
def test_what_gives_nothing_is_said(reven, trace, words):
    done = reven("calls", trace, *words)
    assert done.returncode == 2
    assert done.stderr.startswith("reven: ")
    assert done.stdout == ""
