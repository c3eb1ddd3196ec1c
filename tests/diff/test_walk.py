# SPDX-License-Identifier: Apache-2.0
"""Code that two traces have in common, against a comparison of all transitions one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reven import _engine
from tests.conftest import RecordProgram

from . import diff_programs as programs

Labels = dict[int, int]


@pytest.fixture(scope="module")
def traces(record_program: RecordProgram) -> tuple[_engine.Trace, _engine.Trace]:
    paths = [
        record_program(programs.TWO_THREADS, "-pthread", arguments=arguments)
        for arguments in (("1", "60"), ("60", "1"))
    ]
    return _engine.Trace(str(paths[0])), _engine.Trace(str(paths[1]))


def labels_of(trace: _engine.Trace, every: int) -> Labels:
    """Every so many instructions of the executable, which lies low; two share a label."""
    addresses = sorted({at for at, _ in _engine.CodeSearch(trace).instructions if at < 1 << 24})
    return {at: number // 2 for number, at in enumerate(addresses) if number % every == 0}


def code_of(trace: _engine.Trace, labels: Labels, collapse: bool) -> _engine.LabelledCode:
    return _engine.LabelledCode(
        trace,
        np.array(list(labels), dtype=np.uint64),
        np.array(list(labels.values()), dtype=np.uint32),
        collapse,
    )


def slowly(
    trace: _engine.Trace, labels: Labels, thread: int, start: int, stop: int, collapse: bool
) -> Iterator[tuple[int, int]]:
    last = None
    for low in range(start, stop, 20_000):
        columns = trace.transitions(low, min(low + 20_000, stop))
        rows = zip(columns.pc.tolist(), columns.kind.tolist(), columns.thread.tolist(), strict=True)
        for number, (pc, kind, runs) in enumerate(rows, low):
            if kind != 0 or runs != thread or pc not in labels:
                continue
            if collapse and labels[pc] == last:
                continue
            last = labels[pc]
            yield number, labels[pc]


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("thread", [1, 2, 3])
def test_labels_are_those_of_the_transitions(
    traces: tuple[_engine.Trace, _engine.Trace], thread: int, every: int, collapse: bool
) -> None:
    trace, _ = traces
    labels = labels_of(trace, every)
    code = code_of(trace, labels, collapse)
    count = trace.transition_count
    for start, stop in ((0, count), (count - 9_000, count - 11), (count - 3, count), (5, 5)):
        expected = list(slowly(trace, labels, thread, start, stop, collapse))
        transitions, found = code.labels(thread, start, stop, 1 << 20)
        assert list(zip(transitions.tolist(), found.tolist(), strict=True)) == expected
        assert code.count(thread, start, stop) == len(expected)
        if expected:
            assert code.nth(thread, start, stop, len(expected) - 1) == expected[-1][0]
        assert code.nth(thread, start, stop, len(expected)) is None


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("thread", [1, 2, 3])
def test_the_first_difference_is_that_of_the_transitions(
    traces: tuple[_engine.Trace, _engine.Trace], thread: int, collapse: bool
) -> None:
    labels = labels_of(traces[0], 1) | labels_of(traces[1], 1)
    codes = [code_of(trace, dict(sorted(labels.items())), collapse) for trace in traces]
    runs = [
        list(slowly(trace, labels, thread, 0, trace.transition_count, collapse)) for trace in traces
    ]
    common = next(
        (at for at, (a, b) in enumerate(zip(*runs, strict=False)) if a[1] != b[1]),
        min(map(len, runs)),
    )
    found = _engine.first_code_difference(
        codes[0],
        (thread, 0, traces[0].transition_count),
        codes[1],
        (thread, 0, traces[1].transition_count),
    )
    assert found.common == common
    assert [found.last_a, found.last_b] == [run[common - 1][0] for run in runs]
    following = [run[common][0] if common < len(run) else None for run in runs]
    assert [found.next_a, found.next_b] == following
    assert found.checkpoints_a == [runs[0][0][0]]


def test_labels_without_addresses_are_refused(
    traces: tuple[_engine.Trace, _engine.Trace],
) -> None:
    with pytest.raises(ValueError, match="one label for each"):
        _engine.LabelledCode(traces[0], np.zeros(2, np.uint64), np.zeros(1, np.uint32))


def test_a_walk_can_be_cancelled(traces: tuple[_engine.Trace, _engine.Trace]) -> None:
    code = code_of(traces[0], labels_of(traces[0], 1), collapse=False)
    with pytest.raises(_engine.Cancelled):
        code.count(1, 0, traces[0].transition_count, lambda done, total: False)


def test_a_damaged_segment_is_an_error(record_program: RecordProgram, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "damaged.reven"
    shutil.copytree(record_program(programs.LOOP, arguments=("3",)), copy)
    for file in copy.glob("segments*"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 0xFF
        file.write_bytes(data)
    trace = _engine.Trace(str(copy))
    with pytest.raises(_engine.TraceError):
        code_of(trace, {0x401000: 1}, collapse=False).count(1, 0, trace.transition_count)
