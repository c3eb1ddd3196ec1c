# SPDX-License-Identifier: Apache-2.0
"""Programs that come out otherwise for a known reason: that reason is found, and the decision
that was the first to matter, whatever else differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import reven2
from reven.record import RecordOptions
from reven2.difference import Difference
from tests.conftest import RecordProgram

from . import diff_programs as programs


class Case(NamedTuple):
    """`good`, `bad`: arguments; those that begin with @ are contents of a file. `says`: parts of
    the last step. The line whose decision is the first that matters says so in the source."""

    source: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    kind: str
    says: tuple[str, ...] = ()


_DECIDES = "/* decides */"
NUMBERS = " ".join(map(str, range(16)))
CASES = {
    "parser": Case(
        programs.PARSER,
        ("@PI\x05Xabcdef",),
        ("@PI\x09Xabcdef",),
        "input",
        ("byte 2 of", "0x05", "0x09"),
    ),
    "table": Case(
        programs.TABLE,
        (f"@{NUMBERS}",),
        (f"@{NUMBERS.replace(' 12 ', ' 60 ')}",),
        "input",
        ("byte 27 of", "('2')", "('0')"),
    ),
    "uninitialised": Case(
        programs.UNINITIALISED,
        ("0",),
        ("7",),
        "argument",
        ("byte 0 of argv[1]",),
    ),
    "loop": Case(programs.LOOP, ("8",), ("9",), "argument", ("byte 0 of argv[1]",)),
    "hash": Case(programs.HASH, (), (), "random", ("getrandom",)),
    "time": Case(programs.TIME, (), (), "time", ("clock_gettime",)),
    "threads": Case(
        programs.TWO_THREADS,
        ("1", "80"),
        ("80", "1"),
        "order",
        ("last written by thread 3 in the first, by thread 2 in the second",),
    ),
    "crash": Case(programs.CRASH, ("abcd",), ("abc",), "argument", ("byte 3 of argv[1]",)),
    "recursion": Case(
        programs.RECURSION,
        ("((a)b)", "axb"),
        ("(((a!", "axxb"),
        "argument",
        ("of argv[2]",),
    ),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


def recorded(
    record_program: RecordProgram,
    files: Path,
    source: str,
    arguments: Sequence[str],
    *flags: str,
    number: int = 0,
) -> Path:
    words = []
    for at, word in enumerate(arguments):
        if word.startswith("@"):
            file = files / f"{abs(hash(word))}-{at}"
            file.write_bytes(word[1:].encode("latin-1"))
            words.append(str(file))
        else:
            words.append(word)
    # The time and random numbers differ from run to run: each is recorded for itself.
    options = RecordOptions(max_transitions=10**9 + number)
    return record_program(source, "-pthread", "-w", *flags, arguments=words, options=options)


@pytest.fixture
def compared(
    record_program: RecordProgram, files: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Case, Difference]]:
    name, flags = request.param
    case = CASES[name]
    paths = [
        recorded(record_program, files, case.source, arguments, *flags, number=number)
        for number, arguments in enumerate((case.good, case.bad))
    ]
    with reven2.open(paths[0]) as good, reven2.open(paths[1]) as bad:
        yield case, good.trace.diff(bad.trace)


def line_of(source: str, mark: str) -> int:
    return next(number for number, line in enumerate(source.splitlines(), 1) if mark in line)


@pytest.mark.parametrize(
    "compared", [(name, ("-O0",)) for name in CASES], indirect=True, ids=list(CASES)
)
def test_the_reason_is_found(compared: tuple[Case, Difference]) -> None:
    case, found = compared
    assert found.kind == case.kind, str(found)
    assert found.origin is not None
    for part in case.says:
        assert part in found.origin.text, str(found)
    if _DECIDES not in case.source:
        return
    assert found.decisive is not None
    place = found.decisive.first_place
    assert place is not None
    assert place.line == line_of(case.source, _DECIDES), str(found)
