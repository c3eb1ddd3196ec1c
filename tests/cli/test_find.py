# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "bugs"


@pytest.fixture
def trace(record_program):
    return record_program((EXAMPLES / "use_after_realloc.c").read_text(), "-O0", "-w")


def test_a_bug_is_shown_with_its_stacks(reven, trace):
    done = reven("find", "use-after-free", trace)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("use-after-free  #")
    assert "reads 4 bytes at the start of the block" in lines[0]
    titles = [line.strip() for line in lines if line.endswith(":")]
    assert [title.partition(",")[0] for title in titles] == [
        "there:",
        "allocated by malloc",
        "freed by realloc",
        "where the pointer comes from",
    ]
    assert lines[-2].strip().startswith("what malloc returned at #")
    assert sum("program!main+" in line for line in lines[1:]) == 3
    assert "1 bug found" in done.stderr


def test_json_has_the_same_for_programs(reven, trace):
    done = reven("find", "all", trace, "--json")
    assert done.returncode == 1
    (bug,) = json.loads(done.stdout)
    assert (bug["kind"], bug["size"], bug["is_write"], bug["count"]) == (
        "use-after-free",
        4,
        False,
        1,
    )
    assert bug["allocated"]["transition"] < bug["freed"]["transition"] < bug["transition"]
    assert "main" in bug["stack"][0]


def test_none_is_no_failure(reven, trace):
    done = reven("find", "double-free", trace)
    assert (done.returncode, done.stdout) == (0, "")
    assert "0 bugs found, looking for double-free" in done.stderr
