# SPDX-License-Identifier: Apache-2.0
"""What this machine can do at best, to set measurements against."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import zstandard

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SAMPLE = 16 << 20  # bytes of a trace's segments
_LARGEST_FRAME = 1 << 20  # bytes; larger ones are left out
_COPIED = 64 << 20  # bytes, beyond every cache
_COPIES = 10
_ROUND_TRIPS = 2000


def segment_decompression_seconds(trace: Path, segments: int) -> float:
    """Seconds that zstd alone takes for a segment of mean size of a trace."""
    file = trace / "segments.bin"
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(0, size - _SAMPLE) // 2)
        data = opened.read(_SAMPLE)
    decompressor = zstandard.ZstdDecompressor()
    frames = list(_zstd_frames(data))
    start = time.perf_counter()
    for frame in frames:
        decompressor.decompress(frame, max_output_size=_LARGEST_FRAME)
    seconds = time.perf_counter() - start
    return seconds / sum(map(len, frames)) * (size / segments)


def _zstd_frames(data: bytes) -> Iterator[bytes]:
    """The whole zstd frames in a part of a trace's segment file, wherever they begin."""
    view = memoryview(data)
    at = data.find(_ZSTD_MAGIC)
    while at >= 0:
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            frame.decompress(view[at : at + _LARGEST_FRAME])
        except zstandard.ZstdError:  # these bytes were no frame's beginning
            at = data.find(_ZSTD_MAGIC, at + 1)
            continue
        if not frame.eof:
            return
        end = min(at + _LARGEST_FRAME, len(data)) - len(frame.unused_data)
        yield data[at:end]
        at = data.find(_ZSTD_MAGIC, end)


def memory_copy_rate() -> float:
    """Bytes per second of memcpy between buffers larger than the caches."""
    source = np.ones(_COPIED, dtype=np.uint8)
    target = np.zeros_like(source)
    seconds = []
    for _ in range(_COPIES):
        start = time.perf_counter()
        np.copyto(target, source)
        seconds.append(time.perf_counter() - start)
    return _COPIED / median(seconds)


def loopback_round_trip() -> float:
    """Median seconds for a byte to another thread over TCP on loopback and back: the least
    that an answer by HTTP costs beyond one in process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    for end in (client, other):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def echo() -> None:
        with other:
            while data := other.recv(1):
                other.sendall(data)

    thread = threading.Thread(target=echo)
    thread.start()
    seconds = []
    with client:
        for _ in range(_ROUND_TRIPS):
            start = time.perf_counter()
            client.sendall(b"x")
            client.recv(1)
            seconds.append(time.perf_counter() - start)
    thread.join()
    return median(seconds)
