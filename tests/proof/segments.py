# SPDX-License-Identifier: Apache-2.0
"""Change what a trace says without breaking its checksums: what only a replay can notice."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

# native/engine/format.h
_FILE_HEADER = 16
_FRAME = struct.Struct("<IIII")  # magic, kind, payload length, CRC-32C
_SEGMENT = struct.Struct("<QQ10I")

HEADERS, CONTROL, COLUMNS = range(3)
"""The parts of a segment."""


def _table() -> list[int]:
    made = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        made.append(crc)
    return made


_TABLE = _table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _frames(data: bytes) -> Iterator[tuple[int, int]]:
    at = _FILE_HEADER
    while at < len(data):
        end = at + _FRAME.size + _FRAME.unpack_from(data, at)[2]
        yield at, end
        at = end


def _parts(data: bytes, at: int) -> tuple[list[int], list[bytes]]:
    """Of the segment in the frame at `at`: its header, and its parts, decompressed."""
    header = list(_SEGMENT.unpack_from(data, at + _FRAME.size))
    start = at + _FRAME.size + _SEGMENT.size
    parts = []
    for size, packed in zip(header[6::2], header[7::2], strict=True):
        frame = data[start : start + packed]
        parts.append(zstandard.ZstdDecompressor().decompress(frame, max_output_size=size))
        start += packed
    return header, parts


def rewrite(
    trace: Path, part: int, change: Callable[[bytearray], None], holding: bytes = b""
) -> None:
    """Apply `change` to a part of a segment, as it is before compression: to the largest
    such part that has `holding` in it."""
    file = trace / "segments.bin"
    data = file.read_bytes()
    candidates = []
    for at, end in _frames(data):
        header, parts = _parts(data, at)
        if holding in parts[part]:
            candidates.append((len(parts[part]), at, end))
    _, at, end = max(candidates)
    header, parts = _parts(data, at)
    plain = bytearray(parts[part])
    change(plain)
    parts[part] = bytes(plain)
    packed = [zstandard.ZstdCompressor(level=1).compress(each) for each in parts]
    header[6::2] = [len(each) for each in parts]
    header[7::2] = [len(each) for each in packed]
    payload = _SEGMENT.pack(*header) + b"".join(packed)
    magic, kind, _, _ = _FRAME.unpack_from(data, at)
    frame = struct.pack("<III", magic, kind, len(payload))
    frame += struct.pack("<I", crc32c(frame + payload)) + payload
    file.write_bytes(data[:at] + frame + data[end:])
    # Without its entries the directory is made again from the segments.
    directory = trace / "directory.bin"
    directory.write_bytes(directory.read_bytes()[:_FILE_HEADER])
