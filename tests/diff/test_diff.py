# SPDX-License-Identifier: Apache-2.0
"""Programs that come out otherwise for a known reason: that reason is found, and the decision
that was the first to matter, whatever else differs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import reven2
from reven.record import RecordOptions
from reven2.arch import x64
from reven2.difference import Difference
from reven2.errors import InvalidArgumentError, OutOfRangeError
from tests.conftest import RecordProgram, ServeTraces

from . import diff_programs as programs

REVEN = str(Path(sys.executable).with_name("reven"))


class Case(NamedTuple):
    """`good`, `bad`: arguments; those that begin with @ are contents of a file. `says`: parts of
    the last step. The line whose decision is the first that matters says so in the source."""

    source: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    kind: str
    says: tuple[str, ...] = ()
    language: str = "c"


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
    "switch": Case(programs.SWITCH, ("abcd",), ("abfd",), "argument", ("byte 2 of argv[1]",)),
    "thrown": Case(
        programs.THROWN, ("ab", "cd"), ("ab", "c?"), "argument", ("byte 1 of argv[2]",), "cpp"
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
    language: str = "c",
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
    return record_program(
        source, "-pthread", "-w", *flags, arguments=words, options=options, language=language
    )


@pytest.fixture
def compared(
    record_program: RecordProgram, files: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Case, Difference]]:
    name, flags = request.param
    case = CASES[name]
    paths = [
        recorded(
            record_program,
            files,
            case.source,
            arguments,
            *flags,
            number=number,
            language=case.language,
        )
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


OPTIMISED = ("parser", "table", "loop", "threads", "crash", "switch", "thrown")


@pytest.mark.parametrize(
    "compared", [(name, ("-O2",)) for name in OPTIMISED], indirect=True, ids=OPTIMISED
)
def test_the_reason_is_found_in_optimised_code(compared: tuple[Case, Difference]) -> None:
    case, found = compared
    assert found.kind == case.kind, str(found)
    assert found.origin is not None
    for part in case.says:
        assert part in found.origin.text, str(found)


@pytest.fixture(scope="module")
def parsed(record_program: RecordProgram, files: Path) -> tuple[Path, Path]:
    case = CASES["parser"]
    good, bad = (
        recorded(record_program, files, case.source, arguments, number=number)
        for number, arguments in enumerate((case.good, case.bad))
    )
    return good, bad


def test_every_statement_has_its_transitions(parsed: tuple[Path, Path]) -> None:
    with reven2.open(parsed[0]) as good, reven2.open(parsed[1]) as bad:
        found = good.trace.diff(bad.trace)
        assert found.steps[0].role == "outcome"
        for step in found.steps:
            assert step.first is not None
            assert step.second is not None
        decisive = found.decisive
        assert decisive is not None
        assert decisive.first is not None
        assert "was taken in the" in decisive.text
        assert found.divergences[0].first == decisive.first
        assert found.divergences[0].first_rejoin is not None
        assert found.compared == "the same binaries: by instruction"
        assert "refused" in " ".join(one.text for one in found.outcomes)
        assert "<table>" in found._repr_html_()
        # The other way round the same is said of the other.
        back = bad.trace.diff(good.trace)
        assert back.decisive is not None
        assert back.decisive.first == decisive.second


def test_the_command_says_the_same(parsed: tuple[Path, Path]) -> None:
    words = [REVEN, "diff", str(parsed[0]), str(parsed[1])]
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    with reven2.open(parsed[0]) as good, reven2.open(parsed[1]) as bad:
        found = good.trace.diff(bad.trace)
    assert answer["headline"] == found.headline
    assert answer["kind"] == "input"
    assert len(answer["steps"]) == len(found.steps)
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "the first decision that matters" in shown


def test_a_server_compares_its_scenarios(
    parsed: tuple[Path, Path], serve_traces: ServeTraces
) -> None:
    port = serve_traces(*parsed)
    first, second = (reven2.RevenServer("localhost", port, scenario=path.stem) for path in parsed)
    with reven2.open(parsed[0]) as good, reven2.open(parsed[1]) as bad:
        local = good.trace.diff(bad.trace)
        with pytest.raises(InvalidArgumentError, match="opened the same way"):
            good.trace.diff(first.trace)
        with pytest.raises(InvalidArgumentError, match="opened the same way"):
            first.trace.diff(good.trace)
    remote = first.trace.diff(second.trace)
    assert (remote.kind, remote.headline) == (local.kind, local.headline)
    # A client names a scenario, never a path.
    for name in (str(parsed[1]), "../" + parsed[1].name, "#1"):
        with pytest.raises(InvalidArgumentError, match="is open beside"):
            first.trace._service.diff(
                other=name, window=None, other_window=None, own=[], not_own=[]
            )


def test_iterations_are_compared(record_program: RecordProgram, files: Path) -> None:
    path = recorded(record_program, files, programs.SWITCH, ("aacaa",), "-O0")
    with reven2.open(path) as server:
        trace = server.trace
        calls = list(trace.calls("^step$"))
        assert len(calls) == 5
        starts = [call.first_context.transition_after().id for call in calls]
        windows = list(pairwise(starts))
        same = trace.diff(window=windows[0], other_window=(starts[3], starts[4]))
        found = trace.diff(window=windows[1], other_window=windows[2])
        assert found.decisive is not None, str(found)
        place = found.decisive.first_place
        assert place is not None
        assert place.line == line_of(programs.SWITCH, _DECIDES)
        assert found.kind == "argument"
        assert not same.divergences
        with pytest.raises(OutOfRangeError):
            trace.diff(window=(5, 5), other_window=(1, 2))
        with pytest.raises(InvalidArgumentError, match="two windows"):
            trace.diff()


def test_other_builds_are_compared_by_line(
    record_program: RecordProgram,
) -> None:
    mended = record_program(programs.BUILD, "-O0", "-w", "-DMENDED")
    faulty = record_program(programs.BUILD, "-O0", "-w")
    with reven2.open(mended) as good, reven2.open(faulty) as bad:
        found = good.trace.diff(bad.trace)
        assert found.compared.startswith("different builds of the program: by function")
        assert found.decisive is not None
        assert found.decisive.first_place is not None
        assert "fill" in found.decisive.first_place.function


def test_nothing_is_said_of_what_is_the_same(record_program: RecordProgram, files: Path) -> None:
    paths = [
        recorded(record_program, files, programs.SWITCH, ("abc",), number=number)
        for number in range(2)
    ]
    with reven2.open(paths[0]) as one, reven2.open(paths[1]) as other:
        found = one.trace.diff(other.trace)
        assert found.kind is None
        assert not found.steps
        assert not found.divergences
        assert found.headline.startswith("nothing that matters differs")


def test_an_environment_of_another_size_does_not_matter(
    record_program: RecordProgram, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recorded(record_program, files, programs.SWITCH, ("abc",))
    monkeypatch.setenv("A_LONG_NAME", "x" * 777)
    other = recorded(record_program, files, programs.SWITCH, ("abc",), number=7)
    with reven2.open(path) as one, reven2.open(other) as two:
        found = one.trace.diff(two.trace)
        assert found.kind is None, str(found)


def test_two_moments_are_compared(record_program: RecordProgram, files: Path) -> None:
    path = recorded(record_program, files, programs.CRASH, ("abcd",), "-O0")
    with reven2.open(path) as server:
        trace = server.trace
        build = next(iter(trace.calls("^build$")))
        first = build.first_context
        assert build.end_transition is not None
        second = build.end_transition.context_after()
        found = first.diff(second)
        assert len(found.blocks) == 4
        assert all(" 16 bytes at " in text and not is_first for text, is_first in found.blocks)
        assert not found.descriptors
        # Brute force: all that may have changed is read at both.
        heads = second.read(x64.rax) - 0x100, first.read(x64.rsp) - 64
        for low, size in zip(heads, (0x140, 64), strict=True):
            before, after = (one.read(low, size, raw=True) for one in (first, second))
            for at in range(size):
                differs = before[at] != after[at]
                said = any(one.address <= low + at < one.address + one.size for one in found.memory)
                assert said or not differs
        for register in found.registers:
            assert register.first != register.second
        assert {"rip", "rax", "rsp"} <= {register.name for register in found.registers}
        back = second.diff(first)
        assert {one.address for one in back.memory} == {one.address for one in found.memory}
        assert all(is_first for _, is_first in back.blocks)


def test_moments_of_two_traces_are_compared(parsed: tuple[Path, Path]) -> None:
    with reven2.open(parsed[0]) as good, reven2.open(parsed[1]) as bad:
        found = good.trace.diff(bad.trace)
        assert found.decisive is not None
        assert found.decisive.first is not None
        assert found.decisive.second is not None
        at = found.decisive.first.context_before().diff(found.decisive.second.context_before())
        names = {register.name for register in at.registers}
        assert "rflags" in names
        assert "rsp" not in names
    words = [REVEN, "diff", str(parsed[0]), str(parsed[1]), "--at", "#100000", "#100500"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "registers" in shown
    answer = json.loads(subprocess.run([*words, "--json"], capture_output=True, check=True).stdout)
    assert set(answer) == {"registers", "memory", "blocks", "descriptors", "limits"}
