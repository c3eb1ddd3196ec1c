# SPDX-License-Identifier: Apache-2.0
"""Contents that no writer makes, under right checksums: refused, or read without harm."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from reven._engine import TraceError, _Store
from tests.engine.record.stream import Block, Slot, end, key_frame, signal, switch, write_trace

FORGERIES = 1_500
FRAME = struct.Struct("<4I")
SEGMENT = struct.Struct("<2Q10I")
TRANSITIONS = 3  # in SEGMENT
GROUP = struct.Struct("<2IQ2I")


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def frame(kind: int, payload: bytes) -> bytes:
    start = struct.pack("<3I", 0x4D524652, kind, len(payload))
    return start + struct.pack("<I", crc32c(start + payload)) + payload


def forge(data: bytes, choose: random.Random) -> bytes:
    """`data` with some bytes changed, or a piece cut out or doubled."""
    changed = bytearray(data)
    for _ in range(choose.choice([1, 1, 2, 8])):
        if not changed:
            break
        at = choose.randrange(len(changed))
        match choose.randrange(8):
            case 0:
                del changed[at : at + choose.randrange(1, 9)]
            case 1:
                changed[at:at] = changed[at : at + choose.randrange(1, 9)]
            case 2:
                changed[at] = choose.choice([0, 1, 0x7F, 0x80, 0xFF])
            case _:
                changed[at] ^= 1 << choose.randrange(8)
    return bytes(changed)


def pack(data: bytes) -> bytes:
    return zstandard.compress(data)


def unpack(data: bytes, size: int) -> bytes:
    return zstandard.decompress(data, max_output_size=size)


def forge_segment(payload: bytes, choose: random.Random) -> bytes:
    fields = list(SEGMENT.unpack_from(payload))
    at, parts = SEGMENT.size, []
    for i in (6, 8, 10):
        parts.append(unpack(payload[at : at + fields[i + 1]], fields[i]))
        at += fields[i + 1]
    which = choose.randrange(4)
    if which < 3:
        parts[which] = forge(parts[which], choose)
    else:
        fields[choose.choice([2, 3, 4, 5])] += choose.choice([-1, 1, 1 << 20])
        fields = [max(0, field) for field in fields]
    packed = [pack(part) for part in parts]
    for i, part, small in zip((6, 8, 10), parts, packed, strict=True):
        fields[i : i + 2] = [len(part), len(small)]
    return SEGMENT.pack(*fields) + b"".join(packed)


def forge_heads(payload: bytes, choose: random.Random) -> bytes:
    first, count, offset, length, size = GROUP.unpack_from(payload)
    heads = unpack(payload[GROUP.size :], size)
    if choose.randrange(4):
        heads = forge(heads, choose)
    else:
        count += choose.choice([-1, 1])
        offset += choose.choice([0, 1, 1 << 40])
        length += choose.choice([0, -1, 1])
    return GROUP.pack(first, count, offset, length, len(heads)) + pack(heads)


def forge_bodies(payload: bytes, choose: random.Random) -> bytes:
    bodies = forge(unpack(payload[4:], struct.unpack_from("<I", payload)[0]), choose)
    return struct.pack("<I", len(bodies)) + pack(bodies)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("forged") / "trace"
    blocks = {1: Block(0x1000, 3, [8, 4], [(1, 0)]), 2: Block(0x2000, 2, [16, 1, 2])}
    executions = [
        (1 + i % 2, i % 6 == 0, bytes([i]) * (12 if i % 2 == 0 else 19)) for i in range(60)
    ]
    records = [
        key_frame(9),
        signal(0x1004, synchronous=True, after=7),
        switch(1, 2, 9),
        end(after=60),
    ]
    write_trace(directory, [Slot(executions, records, blocks)])
    return directory


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        ("segments", 2, forge_segment),
        ("templates", 3, forge_heads),
        ("bodies", 4, forge_bodies),
    ],
)
def test_forged_contents_do_no_harm(
    trace: Path,
    tmp_path: Path,
    name: str,
    kind: int,
    change: Callable[[bytes, random.Random], bytes],
) -> None:
    copy = shutil.copytree(trace, tmp_path / "copy")
    file = copy / f"{name}.bin"
    data = file.read_bytes()
    payload = data[16 + FRAME.size : 16 + FRAME.size + FRAME.unpack_from(data, 16)[2]]
    assert data[16:] == frame(kind, payload)
    (copy / "directory.bin").write_bytes((copy / "directory.bin").read_bytes()[:16])
    choose = random.Random(3)
    refused = 0
    for _ in range(FORGERIES):
        with file.open("r+b") as opened:
            opened.write(data[:16] + frame(kind, change(payload, choose)))
            opened.truncate()
        try:
            store = _Store(str(copy))
            for i in range(len(store.segments)):
                store.load(i)
            for i in range(1, store.template_count + 1):
                store.template(i)
            refused += store.problem != ""
        except TraceError:
            refused += 1
    assert refused > FORGERIES / 20


def test_any_segment_sizes_are_refused_before_memory_is_taken(trace: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trace, tmp_path / "copy")
    (copy / "directory.bin").write_bytes((copy / "directory.bin").read_bytes()[:16])
    file = copy / "segments.bin"
    data = file.read_bytes()
    payload = data[16 + FRAME.size :]
    for field in range(2, 12):
        fields = list(SEGMENT.unpack_from(payload))
        fields[field] = 0xFFFF_FFFF
        forged = SEGMENT.pack(*fields) + payload[SEGMENT.size :]
        file.write_bytes(data[:16] + frame(2, forged))
        store = _Store(str(copy))
        if field == TRANSITIONS:
            with pytest.raises(TraceError, match="as many transitions as it says"):
                store.load(0)
        else:
            assert store.segments == []
            assert "torn or damaged" in store.problem
