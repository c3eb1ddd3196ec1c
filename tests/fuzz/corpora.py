# SPDX-License-Identifier: Apache-2.0
"""What fuzzers begin with, built of small things: `corpora.py FOLDER` writes a folder for each
fuzzer. Its inputs are parts with a length before each, which native/input.h takes apart."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import zstandard
from elftools.elf.elffile import ELFFile

from reven import _engine
from reven.recorders.kit import EventKind, RecordType, event, node, record
from reven.recorders.kit.constants import Operation
from reven.service.local import LocalService
from tests.engine.record.stream import (
    NODE_BINARY,
    NODE_REGISTER,
    SYSCALL_EXIT,
    Block,
    Record,
    Slot,
    end,
    key_frame,
    signal,
    switch,
    write_trace,
)

FRAME = struct.Struct("<4I")
SEGMENT = struct.Struct("<2Q10I")
GROUP = struct.Struct("<2IQ2I")
CHUNK = struct.Struct("<2IQ4I")
SECTIONS = ("info", "abbrev", "str", "line_str", "str_offsets", "addr", "ranges", "rnglists")

SOURCE = """
namespace space {
struct Point { int x, y; long sum() const; };
long Point::sum() const { return x + y; }
template <class T> T twice(T value) { return value + value; }
}
static inline __attribute__((always_inline)) int inner(int x) { return x * 3; }
enum Colour { RED, GREEN };
union Either { float f; int i; };
int number = 42;
static const char* const names[] = {"one", "two"};
int main(int count, char** words) {
    space::Point point = {count, inner(count)};
    Either either; either.i = number;
    if (words[0] == names[1]) return GREEN;
    return int(point.sum() + space::twice(either.i)) & 1;
}
"""


def part(data: bytes) -> bytes:
    """`data` as input.h takes it off."""
    return struct.pack("<I", len(data)) + data


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def blocks() -> list[Block]:
    """Blocks of different kinds: values of every size, registers, stores, exits."""
    return [
        Block(0x1000, 1, [1]),
        Block(0x1010, 2, [2, 4], exits=[(0, 1)]),
        Block(
            0x1020,
            2,
            [8],
            nodes=[node(NODE_REGISTER, 8, a=0), node(NODE_BINARY, 8, op=Operation.ADD, a=1, b=2)],
            sets=[(0, 8, 3)],
            effects=[(1, event(EventKind.STORE, 1, size=8, address=0, value=3))],
        ),
        Block(0x1030, 3, [16, 32]),
    ]


def records(count: int) -> list[Record]:
    return [
        key_frame(),
        Record(RecordType.MAP, struct.pack("<2Q2IQ", 0, 4096, 3, 1, 0) + b"/bin/x"),
        Record(RecordType.MEMORY, struct.pack("<Q2I", 64, 1, 0) + b"abcdefg\0"),
        signal(0x1010, synchronous=False, after=count // 2),
        switch(1, 2, count // 2),
        Record(SYSCALL_EXIT, struct.pack("<Qq", 0, 1), count // 2, 2),
        end(after=count),
    ]


def control_of(records: list[Record]) -> bytes:
    return b"".join(record(one.type, one.thread, one.after, one.payload) for one in records)


def sound_records(count: int) -> list[Record]:
    """Those that a writer takes, tried one by one."""
    kept: list[Record] = [key_frame()]
    for one in records(count)[1:]:
        with tempfile.TemporaryDirectory() as folder:
            slot = Slot([(1, 0, b"a")] * count, [*kept, one], {1: Block(0x1000, 1, [1])})
            if not write_trace(Path(folder), [slot]).error:
                kept.append(one)
    return kept


def a_trace(folder: Path) -> Path:
    """A small one of all blocks, with its indexes."""
    made = dict(enumerate(blocks(), 1))
    executions = [
        (number, 0, bytes(range(made[number].values_size))) for number in (1, 2, 3, 4) * 8
    ]
    trace = folder / "small.reven"
    write_trace(trace, [Slot(executions, sound_records(32), made), Slot(executions)])
    (trace / "manifest.json").write_bytes(b'{"program": "small", "pid": 1, "complete": true}')
    _engine.Trace(str(trace)).build_index()
    service = LocalService(trace)
    service.build_calls(None)
    service.strings("", first=0, limit=10)
    service.close()
    return trace


def of_templates(_trace: Path) -> Iterator[bytes]:
    for number, block in enumerate(blocks(), 1):
        yield part(block.payload(number)) + part(b"") + part(b"")
    heads, bodies = (
        unpacked((_trace / name).read_bytes()[16:], skip)
        for name, skip in (("templates.bin", GROUP.size), ("bodies.bin", 4))
    )
    yield part(b"") + part(heads) + part(bodies) + numbers(len(blocks()))


def unpacked(frame: bytes, skip: int) -> bytes:
    """The zstd frame behind the header of a frame of the trace and `skip` bytes."""
    _, _, length, _ = FRAME.unpack_from(frame)
    packed = frame[FRAME.size + skip : FRAME.size + length]
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


def of_segment(_trace: Path) -> Iterator[bytes]:
    sizes = (1, 2, 4, 8, 16, 32)
    made = {number: Block(0x1000 + 16 * number, 1, [size]) for number, size in enumerate(sizes, 1)}
    for count in (0, 1, 6, 40):
        with tempfile.TemporaryDirectory() as folder:
            executions = [(1 + i % 6, 0, bytes([i]) * sizes[i % 6]) for i in range(count)]
            write_trace(Path(folder), [Slot(executions, [key_frame(7)], made)])
            payload = (Path(folder) / "segments.bin").read_bytes()[16 + FRAME.size :]
        fields = SEGMENT.unpack_from(payload)
        first, _, *counts = fields
        at = SEGMENT.size
        sections = []
        for packed in (counts[5], counts[7], counts[9]):
            found = (
                zstandard.ZstdDecompressor().decompressobj().decompress(payload[at : at + packed])
            )
            sections.append(found)
            at += packed
        yield numbers(first, counts[0], counts[1], counts[3], counts[2]) + b"".join(
            map(part, sections)
        )


def of_trace(_trace: Path) -> Iterator[bytes]:
    payloads = b"".join(part(block.payload(number)) for number, block in enumerate(blocks(), 1))
    for ids in ((1,), (1, 2, 3, 4), (3, 3, 2) * 6):
        headers = b"".join(bytes([number, 0]) for number in ids)
        control = control_of(sound_records(len(ids)))
        yield numbers(len(blocks())) + payloads + part(headers) + part(b"abcdefgh") + part(control)


def of_index(trace: Path) -> Iterator[bytes]:
    for name, kind in (("index.bin", 1), ("calls.bin", 2)):
        data = (trace / name).read_bytes()
        fields = CHUNK.unpack_from(data)
        head = (
            zstandard.ZstdDecompressor()
            .decompressobj()
            .decompress(data[CHUNK.size : CHUNK.size + fields[3]])
        )
        yield numbers(kind) + part(head)
        if kind == 2:
            body = data[CHUNK.size + fields[3] : fields[2]]
            block = zstandard.ZstdDecompressor().decompressobj().decompress(body)
            yield numbers(3, 0, 1, 0) + part(block)
    # An entry each: segments of a block, a page that one segment wrote, no system calls.
    entries = numbers(1) + part(b"\0\1"), numbers(1) + part(b"\1\0\1\0\3\0\0\0"), numbers(0)
    yield numbers(0, 0, 2) + b"".join(entries) + part(b"")


def of_strings(_trace: Path) -> Iterator[bytes]:
    columns = b"\x80\x01\x00\x00\x0a"
    yield numbers(1, 0, 1, 0) + part(b"hello\0") + part(columns) + numbers(1)
    yield (
        numbers(2, 0, 2, 0)
        + part(b"password\0second\0")
        + part(columns * 2)
        + numbers(2, 1, 0)
        + part(b"third\0")
        + part(columns)
        + numbers(3)
    )


def of_dwarf(_trace: Path) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "small.cpp"
        source.write_text(SOURCE)
        for options in (
            ["-gdwarf-4"], ["-gdwarf-5"], ["-gdwarf-5", "-O2"],
            ["-gdwarf-4", "-fdebug-types-section"], ["-gdwarf-2", "-gstrict-dwarf"],
        ):  # fmt: skip
            program = source.with_suffix("")
            subprocess.run(["g++", "-w", *options, source, "-o", program], check=True)
            with program.open("rb") as file:
                elf = ELFFile(file)
                found = [elf.get_section_by_name(f".debug_{name}") for name in SECTIONS]
                yield b"".join(part(one.data() if one else b"") for one in found) + part(b"")


FUZZERS = {
    "templates": of_templates,
    "segment": of_segment,
    "trace": of_trace,
    "index": of_index,
    "strings": of_strings,
    "dwarf": of_dwarf,
}


def write_corpora(folder: Path) -> None:
    """A folder of inputs for each fuzzer."""
    with tempfile.TemporaryDirectory() as temporary:
        trace = a_trace(Path(temporary))
        for name, inputs in FUZZERS.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number, data in enumerate(inputs(trace)):
                (folder / name / f"{number}").write_bytes(data)


if __name__ == "__main__":
    write_corpora(Path(sys.argv[1]))
