# SPDX-License-Identifier: Apache-2.0
"""A sample of the programs of `make proof`: those that are quick and need nothing but what
the tests need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proof.page import page
from proof.programs import HERE, Program, load
from proof.run import Result, Runner, compare, first_difference

PROGRAMS = load()
QUICK = {program.name: program for program in PROGRAMS if program.quick}


def test_there_are_enough() -> None:
    assert len(PROGRAMS) >= 300
    assert len(QUICK) == 60


@pytest.mark.parametrize("name", QUICK)
def test_it_does_recorded_what_it_does_natively(name: str, tmp_path: Path) -> None:
    result = Runner(tmp_path / "proof").prove(QUICK[name])
    assert (result.verdict, result.why) == ("right", [])
    assert result.transitions > 0
    assert result.traces >= 1


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "proof")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo $$", "stdout"),
        ("echo $$ >&2", "stderr"),
        ("echo $$ > made", "the file made"),
        ("touch made.$$", "only one made"),
    ],
)
def test_a_difference_between_native_runs_is_the_entrys_fault(
    script: str, words: str, runner: Runner
) -> None:
    result = runner.prove(Program("unsteady", "own", shell=script))
    assert result.verdict == "unsteady"
    assert words in result.why[0]


def test_a_difference_from_native_is_wrong_unless_it_is_said(runner: Runner) -> None:
    source = (HERE / "own/x87_arithmetic.c").read_text("utf-8")
    entry: dict[str, Any] = {
        "run": "./a",
        "files": {"a.c": source},
        "before": "gcc -O1 -w -o a a.c -lm",
    }
    silent = runner.prove(Program("x87", "own", **entry))
    assert silent.verdict == "wrong"
    assert "stdout: line 1" in silent.why[0]
    assert runner.prove(Program("x87", "own", said="x87", **entry)).verdict == "said"
    assert runner.prove(Program("x87", "own", said="nothing", **entry)).verdict == "wrong"


def test_what_is_not_installed_is_skipped(runner: Runner) -> None:
    assert runner.prove(Program("none", "own", run="no-such-program")).verdict == "skipped"


def test_the_page_has_each_program_and_the_rate() -> None:
    results = [
        Result("one|*", "own", "", "", "right", transitions=5, traces=1),
        Result("two", "own", "", "1.2", "wrong", why=["stdout: <differs>"]),
    ]
    text = page(results, 3)
    assert "1 right, 0 said, 1 wrong of 2 programs: 50.0 %" in text
    assert "| one\\|\\* |" in text
    assert "- **two**: stdout: \\<differs\\>" in text
    assert "1 of the 3 listed not run yet" in text


def test_differences_are_told_in_words() -> None:
    assert first_difference("a\nb\n", "a\nc\n") == "line 2 is 'b' natively, 'c' now"
    assert first_difference("a\n", "a\nb\n") == "1 more lines now, from 'b'"
    assert compare.__doc__
