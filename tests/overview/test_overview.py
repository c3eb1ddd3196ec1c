# SPDX-License-Identifier: Apache-2.0
"""The whole trace at a glance equals what walking through every transition finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reven import _engine
from reven.ossi import syscall_name
from reven.service.local import LocalService
from reven2._service import KIND_INSTRUCTION, KIND_SIGNAL, NO_INSTRUCTION, column
from reven2.errors import InvalidArgumentError, OutOfRangeError

SOURCE = r"""
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int heard;
static char text[64];

static void hear(int number) { heard += number; }

static inline __attribute__((always_inline)) int twice(int n) {
    return 2 * n;
}

static void *work(void *argument) {
    int sum = 0;
    for (int i = 0; i < 50; ++i) {
        sum += i;
        if (i % 10 == 0)
            getppid();
    }
    memset(text, 'x', sizeof text);
    return (char *)argument + sum;
}

int main(void) {
    pthread_t thread;
    signal(SIGUSR1, hear);
    for (int i = 0; i < 3; ++i) {
        raise(SIGUSR1);
    }
    pthread_create(&thread, NULL, work, NULL);
    work(NULL);
    pthread_join(thread, NULL);
    int sum = twice(heard);
    sum += twice(sum);
    return sum & 1;
}
"""

Transition = tuple[int, int, int, int]
"""Kind, pc, thread, whether it has an instruction."""


@pytest.fixture(scope="module")
def trace(record_program: Callable[..., Path]) -> Path:
    return record_program(SOURCE, "-O0", "-pthread")


@pytest.fixture(scope="module")
def service(trace: Path) -> Iterator[LocalService]:
    opened = LocalService(trace)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def transitions(service: LocalService) -> list[Transition]:
    found: list[Transition] = []
    count = service.transition_count()
    for start in range(0, count, 100_000):
        page = service.transitions(start, min(count, start + 100_000))
        numbers = column(page.instruction, "I")
        found += zip(
            column(page.kind, "B"),
            column(page.pc, "Q"),
            column(page.thread, "I"),
            [int(number != NO_INSTRUCTION) for number in numbers],
            strict=True,
        )
    return found


def test_counts_how_often_each_instruction_ran(trace: Path, transitions: list[Transition]) -> None:
    addresses, counts = _engine.execution_counts(_engine.Trace(str(trace)))
    expected = Counter(pc for kind, pc, _, _ in transitions if kind == KIND_INSTRUCTION)
    assert dict(zip(addresses.tolist(), counts.tolist(), strict=True)) == expected
    assert addresses.tolist() == sorted(expected)


@pytest.mark.parametrize("parts", [1, 7, 500])
def test_says_how_long_each_thread_ran_in_each_part(
    service: LocalService, transitions: list[Transition], parts: int
) -> None:
    count = len(transitions)
    for start, width in ((0, count // parts + 1), (count // 3, 100), (count - 3, 1), (5, 3)):
        found = {
            one.thread: column(one.transitions, "Q")
            for one in service.thread_activity(start, width, parts)
        }
        for part in range(parts):
            low = start + part * width
            expected = Counter(thread for _, _, thread, _ in transitions[low : low + width])
            assert {t: n[part] for t, n in found.items() if n[part]} == expected


def test_places_system_calls_signals_and_switches(
    service: LocalService, transitions: list[Transition]
) -> None:
    count = len(transitions)
    # With a part for each transition, the part is the transition.
    start = next(i for i, (kind, *_) in enumerate(transitions) if kind == KIND_SIGNAL) - 50
    for low in range(start, min(count, start + 30_000), 10_000):
        high = min(count, low + 10_000)
        inside = range(low, high)
        signals = service.event_parts("signal", low, 1, high - low)
        assert [one.first for one in signals] == [
            i for i in inside if transitions[i][0] == KIND_SIGNAL
        ]
        assert {(one.number, one.name) for one in signals} <= {(10, "SIGUSR1")}
        for one in service.event_parts("switch", low, 1, high - low):
            assert one.first == 0 or transitions[one.first - 1][2] != transitions[one.first][2]
            assert one.number == transitions[one.first][2]
        for one in service.event_parts("syscall", low, 1, high - low):
            assert one.part == one.first - low
            view = service.registers([one.first]).view
            # rax comes first in the register file.
            assert int.from_bytes(view[:8], "little") == one.number
            assert one.name == syscall_name(one.number)
    calls = service.event_parts("syscall", 0, count, 1)
    assert calls[0].count >= 3 + 10
    assert service.event_parts("signal", 0, count, 1)[0].count == 3


def test_finds_the_runs_of_every_source_line(
    service: LocalService, transitions: list[Transition]
) -> None:
    (path,) = [one.path for one in service.source_files() if one.path.endswith("/program.c")]
    lines = {one.line: one for one in service.source_lines(path)}
    numbers = {text.strip(): at for at, text in enumerate(SOURCE.splitlines(), 1)}

    def runs(text: str) -> int:
        return lines[numbers[text]].count

    assert runs("sum += i;") == 100
    assert runs("getppid();") == 10
    assert runs("raise(SIGUSR1);") == 3
    assert runs("return 2 * n;") == 2  # inlined in two places
    assert runs("static void hear(int number) { heard += number; }") >= 3
    assert numbers["int main(void) {"] in lines
    executed = Counter(pc for kind, pc, _, _ in transitions if kind == KIND_INSTRUCTION)
    for line in lines.values():
        assert line.count == sum(executed[address] for address in line.entries)
    at_lines = set()
    for pc in executed:
        at = service.locate(len(transitions), pc)
        if at is not None and at.file == path:
            at_lines.add(at.line)
    assert set(lines) == at_lines


def test_reads_no_file_that_the_trace_does_not_name(service: LocalService) -> None:
    (path,) = [one.path for one in service.source_files() if one.path.endswith("/program.c")]
    text = service.source_text(path)
    assert (text.text, text.problem, text.is_newer) == (SOURCE, "", False)
    for other in (str(Path(path).parent / "program"), "/etc/passwd", path + "/../program.c", ""):
        assert service.source_text(other).text == ""
        assert service.source_text(other).problem
        assert service.source_lines(other) == []


def test_says_that_a_source_file_is_not_here(record_program: Callable[..., Path]) -> None:
    trace = record_program("int main(void) { return 0; }", "-fdebug-prefix-map=/=/elsewhere/")
    opened = LocalService(trace)
    (path,) = [one.path for one in opened.source_files() if one.path.endswith("/program.c")]
    text = opened.source_text(path)
    assert path.startswith("/elsewhere/")
    assert not any(one.is_here for one in opened.source_files() if one.path == path)
    assert text.text == ""
    assert "is no source file on this machine" in text.problem
    opened.close()


def test_refuses_ranges_that_are_none(service: LocalService) -> None:
    count = service.transition_count()
    with pytest.raises(OutOfRangeError):
        service.thread_activity(count + 1, 1, 10)
    with pytest.raises(InvalidArgumentError):
        service.event_parts("signal", 0, count, 0)
    with pytest.raises(InvalidArgumentError):
        service.event_parts("tea", 0, count, 1)  # type: ignore[arg-type]


def test_follows_no_link_to_a_file_that_is_no_source(
    compile_program: Callable[..., Path], record_command: Callable[..., Path], tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("secret")
    (tmp_path / "note.c").symlink_to(secret)
    source = f'#line 1 "{tmp_path}/note.c"\nint main(void) {{ return 0; }}'
    opened = LocalService(record_command([compile_program(source)]))
    text = opened.source_text(f"{tmp_path}/note.c")
    assert text.text == ""
    assert "is not shown: a trace may name any file" in text.problem
    opened.close()
