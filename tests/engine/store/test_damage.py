# SPDX-License-Identifier: Apache-2.0
"""A damaged trace gives what is whole, or a typed error: never other data, never a crash."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reven._engine import TraceError, _Store
from tests.engine.record.stream import Block, Slot, end, key_frame, signal, switch, write_trace

FILES = ("directory.bin", "segments.bin", "templates.bin", "bodies.bin")
FLIPS = 10_000

Contents = tuple[list[Any], list[bytes]]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("damage") / "trace"
    choose = random.Random(2)
    blocks = {
        1: Block(0x1000, 3, [8, 4], [(1, 0)]),
        2: Block(0x2000, 1, [1]),
        3: Block(0x7FFF_0000_1000, 2, [16, 2]),
    }
    slots = []
    for index in range(4):
        numbers = [choose.choice([1, 2, 1 + index % 3]) for _ in range(40)]
        executions = [(n, 0, choose.randbytes(blocks[n].values_size)) for n in numbers]
        records = [key_frame(index), signal(0x1004, synchronous=False, after=7), switch(1, 1, 9)]
        if index == 3:
            records.append(end(after=40))
        slots.append(Slot(executions, records, {k: v for k, v in blocks.items() if k == index + 1}))
    blocks_known = [blocks.keys() & range(1, i + 2) for i in range(4)]
    for slot, known in zip(slots, blocks_known, strict=True):
        slot.executions = [e if e[0] in known else (1, 0, bytes(12)) for e in slot.executions]
    write_trace(directory, slots)
    return directory


def read(directory: Path) -> Contents:
    """What there is. Raises TraceError for what is damaged once it is asked for."""
    store = _Store(str(directory))
    segments = [(store.segments[i], store.load(i)) for i in range(len(store.segments))]
    return segments, [store.template(i) for i in range(1, store.template_count + 1)]


def assert_prefix(found: Contents, whole: Contents) -> None:
    for part, all_of_it in zip(found, whole, strict=True):
        assert part == all_of_it[: len(part)]


@pytest.mark.parametrize("name", FILES)
def test_cut_at_any_byte(trace: Path, tmp_path: Path, name: str) -> None:
    whole = read(trace)
    copy = shutil.copytree(trace, tmp_path / "copy")
    data = (trace / name).read_bytes()
    counts = set()
    for size in range(len(data) - 1, -1, -1):
        with (copy / name).open("r+b") as file:
            file.truncate(size)
        try:
            found = read(copy)
        except TraceError:
            assert name == "bodies.bin"
            continue
        assert_prefix(found, whole)
        counts.add(len(found[0]))
    if name == "segments.bin":
        assert counts == {0, 1, 2, 3}
    elif name == "directory.bin":
        assert counts == {4}  # the segments themselves say everything
    elif name == "templates.bin":
        assert counts >= {0, 1, 2}


@pytest.mark.parametrize("name", FILES)
def test_without_a_file(trace: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(trace, tmp_path / "copy")
    (copy / name).unlink()
    with pytest.raises(TraceError, match=f"is not a trace: it has no {name}"):
        _Store(str(copy))


def test_flipped_bits(trace: Path, tmp_path: Path) -> None:
    whole = read(trace)
    copy = shutil.copytree(trace, tmp_path / "copy")
    choose = random.Random(1)
    data = {name: (trace / name).read_bytes() for name in FILES}
    sizes = [len(data[name]) for name in FILES]
    for _ in range(FLIPS):
        (name,) = choose.choices(FILES, sizes)
        at, bit = choose.randrange(len(data[name])), choose.randrange(8)
        with (copy / name).open("r+b", buffering=0) as file:
            file.seek(at)
            file.write(bytes([data[name][at] ^ 1 << bit]))
            with suppress(TraceError):
                assert_prefix(read(copy), whole)
            file.seek(at)
            file.write(data[name][at : at + 1])
    assert read(copy) == whole


def test_a_damaged_segment_is_named_and_the_others_read(trace: Path, tmp_path: Path) -> None:
    whole = read(trace)
    copy = shutil.copytree(trace, tmp_path / "copy")
    file = copy / "segments.bin"
    data = bytearray(file.read_bytes())
    data[16 + 16 + 70] ^= 1
    file.write_bytes(data)
    store = _Store(str(copy))
    assert store.problem == ""
    with pytest.raises(TraceError, match=r"Segment 0 of .*segments\.bin is damaged: its checksum"):
        store.load(0)
    assert store.load(1) == whole[0][1][1]


def test_what_is_cut_off_is_told(trace: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trace, tmp_path / "copy")
    file = copy / "segments.bin"
    file.write_bytes(file.read_bytes()[:-1])
    store = _Store(str(copy))
    assert len(store.segments) == 3
    transitions = sum(segment[3] for segment in store.segments)
    assert f"cut at transition {transitions}" in store.problem
