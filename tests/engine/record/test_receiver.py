# SPDX-License-Identifier: Apache-2.0
"""What the receiver resolves, limits, shares and salvages of a recorder's stream."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from reven._engine import _Store

from .stream import (
    CUT,
    END,
    END_EXIT,
    END_LIMIT,
    END_SIGNAL,
    MAP,
    NOT_RETIRED,
    NOTHING,
    REPEAT_END,
    RETIRED,
    SIGNAL,
    Block,
    Record,
    Recorder,
    Slot,
    end,
    headers_of,
    key_frame,
    signal,
    switch,
    write_trace,
)

RUN = Block(0x1000, 5, exits=[(1, RETIRED), (3, NOT_RETIRED)])
REPEAT = Block(0x2000, 2, exits=[(0, REPEAT_END)])
BLOCKS = {1: RUN, 2: REPEAT}


def resolve(path: Path, exits: list[tuple[int, int]], *records: Record) -> list[tuple[int, int]]:
    """The headers of a trace of these executions, and as many transitions as it says."""
    executions = [(template, k, b"") for template, k in exits]
    write_trace(path, [Slot(executions, [key_frame(), *records], BLOCKS)])
    store = _Store(str(path))
    assert sum(store.load(0)[1]) <= store.segments[0][3]
    return headers_of(store, 0)


def test_an_execution_counts_the_instructions_up_to_its_exit(tmp_path: Path) -> None:
    resolve(tmp_path, [(1, 0), (1, 1), (1, 2)])
    assert _Store(str(tmp_path)).load(0)[1] == [5, 2, 3]


@pytest.mark.parametrize("recorded_exit", [0, 1, 2])
def test_a_fault_cuts_the_execution_before_it(tmp_path: Path, recorded_exit: int) -> None:
    fault = signal(0x1008, synchronous=True, after=2)
    assert resolve(tmp_path, [(1, 0), (1, recorded_exit), (1, 0)], fault) == [
        (1, 0),
        (1, CUT),
        (1, 0),
    ]
    store = _Store(str(tmp_path))
    assert store.load(0)[1] == [5, 2, 5]
    assert store.segments[0][3] == 5 + 2 + 1 + 5


def test_a_fatal_fault_cuts_too(tmp_path: Path) -> None:
    payload = struct.pack("<IiIIQ", END_SIGNAL, 11, 1, 1, 0x1010)
    status = write_trace(
        tmp_path, [Slot([(1, 0, b"")], [key_frame(), Record(END, payload, 1)], BLOCKS)]
    )
    assert headers_of(_Store(str(tmp_path)), 0) == [(1, CUT)]
    assert (status.transitions, status.end_reason, status.end_code) == (5, END_SIGNAL, 11)


@pytest.mark.parametrize(
    "records",
    [
        [signal(0x1008, synchronous=False, after=1)],
        [signal(0x9999, synchronous=True, after=1)],
        [switch(1, 2, 1), signal(0x1008, synchronous=True, after=1)],
    ],
    ids=["not synchronous", "elsewhere", "another thread's"],
)
def test_other_signals_cut_nothing(tmp_path: Path, records: list[Record]) -> None:
    assert resolve(tmp_path, [(1, 0)], *records) == [(1, 0)]


def test_the_check_that_ends_a_repeat_is_no_transition(tmp_path: Path) -> None:
    # Iterations are one instruction long: they leave at an exit of their own.
    iteration = Block(0x2000, 1, exits=[(0, REPEAT_END)])
    executions = [(1, 0, b""), (2, 0, b""), (2, 0, b""), (2, 1, b""), (1, 0, b"")]
    write_trace(tmp_path, [Slot(executions, [key_frame()], {1: RUN, 2: iteration})])
    store = _Store(str(tmp_path))
    assert headers_of(store, 0) == [(1, 0), (2, 0), (2, 0), (2, NOTHING), (1, 0)]
    assert store.load(0)[1] == [5, 1, 1, 0, 5]


def test_a_repeat_of_zero_times_is_a_transition(tmp_path: Path) -> None:
    assert resolve(tmp_path, [(1, 0), (2, 1)]) == [(1, 0), (2, 1)]
    assert _Store(str(tmp_path)).load(0)[1] == [5, 1]


def test_a_repeat_ends_across_other_threads_and_segments(tmp_path: Path) -> None:
    iteration = Block(0x2000, 1, exits=[(0, REPEAT_END)])
    slots = [
        Slot([(2, 0, b""), (1, 0, b"")], [key_frame(), switch(1, 2, 1)], {1: RUN, 2: iteration}),
        Slot([(1, 0, b""), (2, 1, b"")], [key_frame(thread=2), switch(2, 1, 1)]),
        Slot([(2, 1, b"")], [key_frame(thread=1), switch(1, 2, 0)]),
    ]
    write_trace(tmp_path, slots)
    store = _Store(str(tmp_path))
    assert headers_of(store, 1) == [(1, 0), (2, NOTHING)]
    assert headers_of(store, 2) == [(2, 1)]


@pytest.mark.parametrize("limit", range(1, 18))
def test_a_limit_is_exact(tmp_path: Path, limit: int) -> None:
    slots = [
        Slot([(1, 0, b"")], [key_frame()], BLOCKS),
        Slot(
            [(1, 1, b""), (1, 0, b"")],
            [key_frame(), signal(0x1000, synchronous=False, after=1), switch(1, 2, 1)],
        ),
        Slot([(2, 0, b"")], [key_frame(thread=2), end(after=1)]),
    ]
    whole = 5 + 2 + 1 + 1 + 5 + 2
    status = write_trace(tmp_path, slots, max_transitions=limit)
    assert status.error == ""
    assert status.transitions == min(limit, whole)
    assert status.end_reason == (END_LIMIT if limit < whole else END_EXIT)
    store = _Store(str(tmp_path))
    assert sum(segment[3] for segment in store.segments) == status.transitions
    last = store.load(len(store.segments) - 1)[3][-1]
    assert last[0] == END
    reason, _, synchronous, _, ip = struct.unpack("<IiIIQ", last[3])
    assert reason == status.end_reason
    cuts = [k for i in range(len(store.segments)) for _, k in headers_of(store, i) if k == CUT]
    assert len(cuts) == synchronous
    places = {1: 0x1004, 4: 0x1010, 5: 0x1000, 6: 0x1004, 7: 0x1000, 8: 0x1000, 9: 0x1000}
    places |= {13: 0x1010, 14: 0x2000, 15: 0x2004}
    if limit in places:
        assert ip == places[limit]


def test_at_the_limit_the_recorder_is_asked_to_stop(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, max_transitions=3)
    assert not recorder.stop_asked
    recorder.publish(Slot([(1, 0, b"")], templates=BLOCKS))
    while not recorder.stop_asked:
        pass
    for _ in range(10):  # what it still sends is let pass
        recorder.publish(Slot([(1, 0, b"")]))
    assert recorder.finish().transitions == 3


def test_stop_asks_the_recorder(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.recording.stop()
    assert recorder.stop_asked
    recorder.publish(Slot([(1, 0, b"")], [key_frame(), end(END_LIMIT, after=1)], BLOCKS))
    status = recorder.finish()
    assert (status.transitions, status.end_reason) == (5, END_LIMIT)


def test_what_a_killed_recorder_had_filled_is_salvaged(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.publish(Slot([(1, 0, b"")], templates=BLOCKS))
    third = Block(0x3000, 2, [8])
    recorder.die_filling(
        Slot([(3, 0, b"12345678")], [key_frame(), key_frame(5, after=1)], {3: third})
    )
    assert recorder.recording.wait(60)
    status = recorder.recording.status()
    assert (status.transitions, status.end_reason, status.error) == (7, 0, "")
    store = _Store(str(tmp_path))
    assert store.load(1)[2] == [b"12345678"]
    assert store.template(3) == third.payload(3)


def test_half_noted_salvage_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.publish(Slot([(1, 0, b"")], templates=BLOCKS))
    recorder.die_filling(Slot([(1, 0, b"more than its values")]))
    assert recorder.recording.wait(60)
    status = recorder.recording.status()
    assert (status.transitions, status.error) == (5, "")


def test_a_fork_shares_its_parents_templates(tmp_path: Path) -> None:
    blocks = {i: Block(0x1000 * i, i % 3 + 1, [8]) for i in range(1, 151)}
    parent = Recorder(tmp_path / "parent")
    child = Recorder(tmp_path / "child", parent=parent.recording, template_count=100)
    child.publish(Slot([(100, 0, b"c" * 8), (101, 0, b"")], templates={101: RUN}))
    assert not child.recording.wait(0.05)
    parent.publish(Slot([(1, 0, b"p" * 8)], templates={i: blocks[i] for i in range(1, 71)}))
    parent.publish(Slot(templates={i: blocks[i] for i in range(71, 151)}))
    status = child.finish()
    assert (status.error, status.transitions) == ("", 2 + 5)
    store = _Store(str(tmp_path / "child"))
    assert store.load(0)[2] == [b"c" * 8, b""]
    assert [store.template(i) for i in range(1, 101)] == [
        blocks[i].payload(i) for i in range(1, 101)
    ]
    assert store.template(101) == RUN.payload(101)
    parent.finish()


def test_a_fork_of_a_parent_that_died_early_says_so(tmp_path: Path) -> None:
    parent = Recorder(tmp_path / "parent")
    child = Recorder(tmp_path / "child", parent=parent.recording, template_count=3)
    parent.publish(Slot(templates=BLOCKS))
    parent.finish()
    assert "parent was not recorded completely" in child.finish().error


def test_a_fork_does_not_wait_for_a_parent_that_is_no_longer_written(tmp_path: Path) -> None:
    parent = Recorder(tmp_path / "parent", max_transitions=1)
    parent.publish(Slot([(1, 0, b"")], templates=BLOCKS))
    child = Recorder(tmp_path / "child", parent=parent.recording, template_count=3)
    assert "parent was not recorded completely" in child.finish().error
    assert not parent.recording.wait(0)
    parent.finish()


def test_mapped_files_are_told_once(tmp_path: Path) -> None:
    def mapping(path: bytes, protection: int) -> Record:
        return Record(MAP, struct.pack("<2Q2IQ", 0x40_0000, 4096, protection, 1, 0) + path)

    recorder = Recorder(tmp_path)
    records = [key_frame(), mapping(b"/bin/x", 5), mapping(b"[stack]", 3), mapping(b"/lib/y\0", 1)]
    recorder.publish(Slot(records=records))
    recorder.finish()
    files = recorder.recording.mapped_files()
    assert [(f.path, f.address, f.executable) for f in files] == [
        (b"/bin/x", 0x40_0000, True),
        (b"/lib/y", 0x40_0000, False),
    ]
    assert recorder.recording.mapped_files() == []


@pytest.mark.parametrize(
    ("slot", "message"),
    [
        (Slot([(7, 0, b"")]), "a template it has not sent"),
        (Slot([(1, 0, b"x")], templates=BLOCKS), "values do not match"),
        (Slot([(1, 3, b"")], templates=BLOCKS), "at an exit that it does not have"),
        (Slot(records=[signal(0, synchronous=False, after=0)]), "start with a key frame"),
        (Slot(records=[key_frame(), Record(99, b"")]), "unknown type 99"),
        (Slot(records=[key_frame(), Record(SIGNAL, b"")]), "wrong size"),
        (Slot(records=[key_frame(), key_frame(after=1)]), "out of order"),
        (Slot(templates={2: RUN}), "out of order"),
        (Slot(templates={1: Block(0, 1, exits=[(4, 0)])}), "belongs to no instruction"),
        (Slot(templates={1: Block(0, 1, slots=[3])}), "impossible size"),
        (Slot(templates={1: Block(0, 0)}), "too many or no parts"),
    ],
)
def test_a_wrong_stream_ends_the_trace_and_says_why(
    tmp_path: Path, slot: Slot, message: str
) -> None:
    recorder = Recorder(tmp_path)
    recorder.publish(Slot())
    recorder.publish(slot)
    recorder.publish(Slot([(9, 9, b"nothing more is looked at")]))
    status = recorder.finish()
    assert message in status.error
    assert len(_Store(str(tmp_path)).segments) == 1


FULL_DISK = """
import resource, sys
sys.path[:0] = {path!r}
from pathlib import Path
from tests.engine.record.stream import Block, Recorder, Slot
import random
recorder = Recorder(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
block = Block(0x1000, 1, [32])
for i in range(20):
    noise = [(1, 0, random.randbytes(32)) for _ in range(200)]
    recorder.publish(Slot(noise, templates={{}} if i else {{1: block}}))
status = recorder.finish()
print(status.transitions)
print(status.error)
"""


def test_a_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    script = FULL_DISK.format(path=[str(root), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "trace"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    transitions, error = done.stdout.splitlines()
    assert error.endswith("segments.bin failed: File too large")
    store = _Store(str(tmp_path / "trace"))
    assert store.problem == ""
    assert int(transitions) == 200 * len(store.segments) > 0
    for index in range(len(store.segments)):
        assert len(store.load(index)[2]) == 200
