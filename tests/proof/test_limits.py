# SPDX-License-Identifier: Apache-2.0
"""Every limit in docs/reference/limits.md has a test that shows it, and one that shows that
it is said.

What a limit's bullet begins with is its name here. Where a limit holds for every recording,
no notice can tell of it: `always`. What has no test yet is named in UNTESTED, so that nothing
is left out unseen.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import reven2
from reven._engine import Trace, UnknownMemory

Compile = Callable[..., Path]
Record = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/limits.md"
REVEN = str(Path(sys.executable).with_name("reven"))

VALGRIND = "tests/recorders/valgrind/"
HERE = "tests/proof/test_limits.py"
SHARED = VALGRIND + "test_shared_memory.py"
EXPLAIN = "tests/end/test_explain.py::test_what_the_recorder_cannot_execute_is_its_fault"


@dataclass(frozen=True)
class Limit:
    """Tests, as file::function."""

    shown: str
    said: str = ""
    always: str = ""
    """Why no recording says it."""


LIMITS = {
    "Linux, x86-64, user mode": Limit(
        "tests/record/test_program.py::test_what_is_no_program_for_this_machine",
        "tests/cli/test_record.py::test_a_program_of_another_architecture_is_126",
    ),
    "Memory that others change": Limit(
        SHARED + "::test_two_processes_write_at_once",
        SHARED + "::test_another_process_is_the_end_of_an_origin",
    ),
    "Filters of system calls": Limit(
        VALGRIND + "test_confined.py::test_a_filter_judges_the_programs_calls",
        VALGRIND + "test_confined.py::test_a_listener_is_refused",
    ),
    "mremap of size 0": Limit(
        SHARED + "::test_what_is_not_recorded_is_said",
        SHARED + "::test_what_is_not_recorded_is_said",
    ),
    "Threads run one at a time": Limit(
        "tests/proof/test_real_programs.py::test_threads_signals_and_moving_memory",
        always="each switch of threads is a transition",
    ),
    "The processor that the program sees": Limit(
        HERE + "::test_the_processor_announces_no_avx_512", EXPLAIN
    ),
    "x87": Limit(
        HERE + "::test_long_double_loses_digits",
        VALGRIND + "test_float.py::test_x87_arithmetic_is_said",
    ),
    "SSE and AVX": Limit(
        HERE + "::test_fused_arithmetic_rounds_to_nearest",
        VALGRIND + "test_float.py::test_fused_arithmetic_under_another_rounding_is_said",
    ),
    "Flags": Limit(
        HERE + "::test_what_is_executed_otherwise",
        always="undefined flags are in nearly every program",
    ),
    "What Valgrind 3.19 executes otherwise than the processor": Limit(
        HERE + "::test_what_is_executed_otherwise", always="the trace holds what was executed"
    ),
    "Instructions that are not executed": Limit(
        HERE + "::test_what_is_not_executed_is_said", HERE + "::test_what_is_not_executed_is_said"
    ),
    "Calls into the vDSO": Limit(
        HERE + "::test_calls_into_the_vdso_are_system_calls",
        always="the system calls are transitions of the trace",
    ),
    "File mappings larger than 64 MiB": Limit(
        HERE + "::test_large_file_mappings_are_known_from_their_first_use",
        HERE + "::test_large_file_mappings_are_known_from_their_first_use",
    ),
    "A process that shares the memory of its parent": Limit(
        VALGRIND + "test_lent_memory.py::test_what_is_otherwise_is_said",
        VALGRIND + "test_lent_memory.py::test_what_is_otherwise_is_said",
    ),
    "Code that is left out": Limit(
        VALGRIND + "test_gaps.py::test_what_is_left_out_is_left_out",
        always="who leaves code out has asked for it",
    ),
    "Where a record begins or ends": Limit(
        "tests/record/test_places.py::test_an_end_that_is_never_reached_is_told",
        "tests/record/test_places.py::test_what_is_no_place_is_refused_before_anything_runs",
    ),
    "--last": Limit(
        "tests/record/test_last.py::test_it_begins_with_a_whole_state",
        always="who keeps the end only has asked for it",
    ),
    "Sanitizers": Limit(
        VALGRIND + "test_process.py::test_an_address_sanitizer_runs_without_its_search_for_leaks",
        VALGRIND + "test_process.py::test_a_sanitizer_that_cannot_run_is_said_before_it_starts",
    ),
    "Programs that Valgrind cannot run cannot be recorded": Limit(
        VALGRIND
        + "test_process.py::test_what_runs_where_the_recorder_is_out_of_reach_runs_unrecorded",
        EXPLAIN,
    ),
    "ptrace": Limit(
        VALGRIND + "test_signals.py::test_signals_do_what_they_do",
        VALGRIND + "test_signals.py::test_tracing_is_said",
    ),
    "The trap flag": Limit(
        VALGRIND + "test_signals.py::test_the_trap_flag_is_said",
        VALGRIND + "test_signals.py::test_the_trap_flag_is_said",
    ),
}

UNTESTED = {
    "A script whose interpreter is a script": "nothing notices it yet",
    "System calls": "the proof's own/calls_new.c meets them; no test of the notice is named yet",
    "Code that another process changes": "needs another process that writes at a known moment",
    "Time": "a test of time would be one of the machine",
    "Limits of a process": "4,000 threads take longer than a test may",
}


def named() -> list[str]:
    """The beginning of each bullet: what is bold, else its words up to the colon."""
    bullets = re.findall(r"^- (.*(?:\n  .*)*)", PAGE.read_text("utf-8"), re.MULTILINE)
    names = []
    for bullet in bullets:
        bold = re.match(r"\*\*(.+?)\*\*", bullet, re.DOTALL)
        words = bold[1] if bold else bullet.partition(":")[0]
        names.append(re.sub(r"\s+", " ", words).replace("`", "").strip(" ."))
    return names


def test_every_limit_has_its_tests() -> None:
    names = named()
    assert len(names) > 10
    assert sorted(names) == sorted([*LIMITS, *UNTESTED])


@pytest.mark.parametrize("name", LIMITS)
def test_the_tests_of_a_limit_exist(name: str) -> None:
    limit = LIMITS[name]
    assert bool(limit.said) != bool(limit.always)
    for test in filter(None, (limit.shown, limit.said)):
        path, _, function = test.partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), (
            test
        )


def both(command: list[Path | str], folder: Path) -> tuple[list[str], list[str], list[Path]]:
    """The lines that a program prints natively and recorded, and its traces."""
    trace = folder / "t.reven"
    native = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    recording = [REVEN, "record", "-q", "-o", str(trace), "--", *map(str, command)]
    recorded = subprocess.run(recording, capture_output=True, text=True, check=False, cwd=folder)
    return native.stdout.splitlines(), recorded.stdout.splitlines(), list(folder.glob("t*.reven"))


OTHERWISE = {"rep lods", "xchg of ax", "cmpxchg", "fused", "fild", "fnstcw", "bts"}
NOT_EXECUTED = {"repne cmps"}


@pytest.fixture(scope="module")
def odd(
    compile_program: Compile, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], dict[str, str], list[Path]]:
    """What each odd instruction left, natively and recorded, by its name."""
    source = (Path(__file__).parent / "otherwise.c").read_text()
    flags = ("-O0", "-mfma", "-w", "-no-pie", "-fno-pie")
    program = compile_program(source, *flags)
    native, recorded, traces = both([program], tmp_path_factory.mktemp("odd"))

    def by_name(lines: list[str]) -> dict[str, str]:
        found = {}
        for line in lines:
            match = re.match(r"(.*?) (signal \d+|[0-9a-f]+)$", line)
            assert match, line
            found[match[1]] = match[2]
        return found

    return by_name(native), by_name(recorded), traces


def test_what_is_executed_otherwise(
    odd: tuple[dict[str, str], dict[str, str], list[Path]],
) -> None:
    """Exactly what the page names: when one is mended, the page is too."""
    native, recorded, _ = odd
    assert native.keys() == recorded.keys()
    differing = {name for name in native if native[name] != recorded[name]}
    assert differing - NOT_EXECUTED == OTHERWISE


def test_what_is_not_executed_is_said(
    odd: tuple[dict[str, str], dict[str, str], list[Path]],
) -> None:
    native, recorded, traces = odd
    for name in NOT_EXECUTED:
        assert not native[name].startswith("signal")
        assert recorded[name] == "signal 4"
    faults = []
    for trace in traces:
        with reven2.open(trace) as server:
            end = server.trace.end
            assert end is not None
            faults += [end.fault_of_recorder] if end.fault_of_recorder else []
    assert len(faults) == len(NOT_EXECUTED)


def test_the_processor_announces_no_avx_512(compile_program: Compile, tmp_path: Path) -> None:
    source = """
    #include <cpuid.h>
    #include <stdio.h>
    int main(void) {
        unsigned a = 0, b = 0, c = 0, d = 0;
        __get_cpuid_count(7, 0, &a, &b, &c, &d);
        printf("%d %d %d\\n", b >> 5 & 1, b >> 16 & 1, b >> 29 & 1);
        return 0;
    }
    """
    _, recorded, traces = both([compile_program(source)], tmp_path)
    assert recorded == ["1 0 0"]
    features = json.loads((traces[0] / "manifest.json").read_text())["features"]
    assert "avx2" in features
    assert not any(name.startswith("avx512") for name in features)


def test_long_double_loses_digits(compile_program: Compile, tmp_path: Path) -> None:
    source = """
    #include <stdio.h>
    int main(void) { volatile long double x = 1; printf("%.20Lg\\n", x / 3); return 0; }
    """
    native, recorded, _ = both([compile_program(source)], tmp_path)
    assert (native, recorded[0][:17]) == (["0.33333333333333333334"], native[0][:17])
    assert native != recorded


def test_fused_arithmetic_rounds_to_nearest(compile_program: Compile, tmp_path: Path) -> None:
    source = """
    #include <fenv.h>
    #include <math.h>
    #include <stdio.h>
    volatile double x = 0.1;
    int main(void) { fesetround(FE_UPWARD); printf("%a\\n", fma(x, x, x)); return 0; }
    """
    flags = ("-O2", "-mfma", "-frounding-math", "-fno-builtin-fma", "-lm")
    native, recorded, _ = both([compile_program(source, *flags)], tmp_path)
    assert native != recorded


def test_calls_into_the_vdso_are_system_calls(
    compile_program: Compile, record_command: Record
) -> None:
    source = """
    #include <time.h>
    int main(void) {
        struct timespec now;
        for (int i = 0; i < 40; i++) clock_gettime(CLOCK_MONOTONIC, &now);
        return 0;
    }
    """
    trace = Trace(str(record_command([compile_program(source)])))
    page = trace.transitions(0, trace.transition_count)
    calls = sum(bytes(code[:2]) == b"\x0f\x05" for code in page.code)
    assert calls >= 40


def test_large_file_mappings_are_known_from_their_first_use(
    compile_program: Compile, tmp_path: Path
) -> None:
    """Before, asking is an error, not zeros."""
    source = """
    #include <fcntl.h>
    #include <stdio.h>
    #include <sys/mman.h>
    int main(void) {
        long size = 65 << 20;
        volatile char *file = mmap(0, size, PROT_READ, MAP_PRIVATE, open("big", O_RDONLY), 0);
        printf("%p %d\\n", (void *)file, file[size - 1]);
        return 0;
    }
    """
    with (tmp_path / "big").open("wb") as file:
        file.seek((65 << 20) - 1)
        file.write(b"x")
    _, recorded, traces = both([compile_program(source)], tmp_path)
    trace = Trace(str(traces[0]))
    address = int(recorded[0].split()[0], 16) + (65 << 20) - 1
    last = trace.transition_count
    assert bytes(trace.read_memory(last, address, 1)) == b"x"
    with pytest.raises(UnknownMemory):
        trace.read_memory(last, address - 4096, 1)
