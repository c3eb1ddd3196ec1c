# SPDX-License-Identifier: Apache-2.0
"""What `make fuzz` begins with is built and read; a few seconds of it run with every test."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from reven.ossi import BinaryError, ElfImage
from reven.trace.manifest import read_manifest
from reven2.errors import RevenError
from tests.fuzz.corpora import FUZZERS, write_corpora
from tests.fuzz.targets import PARSERS, SEEDS

MUTATIONS = 300


def test_every_fuzzer_has_inputs_to_begin_with(tmp_path: Path) -> None:
    write_corpora(tmp_path)
    sources = Path(__file__).with_name("native").glob("fuzz_*.cpp")
    assert {source.stem.removeprefix("fuzz_") for source in sources} == set(FUZZERS)
    for name in FUZZERS:
        inputs = [file.read_bytes() for file in (tmp_path / name).iterdir()]
        assert len(inputs) > 1
        assert min(map(len, inputs)) > 16


def mutated(data: bytes, choose: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(choose.choice([1, 2, 8])):
        at = choose.randrange(len(changed))
        changed[at] = choose.choice([0, 1, 0x7F, 0x80, 0xFF, choose.randrange(256)])
    return bytes(changed)


def test_a_binary_that_is_changed_anywhere_is_read_or_refused() -> None:
    choose = random.Random(7)
    data = Path("/bin/true").read_bytes()
    read = 0
    for _ in range(MUTATIONS):
        # Where its headers are, every byte counts.
        changed = mutated(data[:1024], choose) + data[1024:-2048] + mutated(data[-2048:], choose)
        with contextlib.suppress(BinaryError):
            read += len(ElfImage(changed, "/fuzzed").symbols()) > 0
    assert read > 0


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_changed_anywhere_is_read_or_refused(name: str) -> None:
    """Some seconds of what `make fuzz` does for hours, the same ones each time."""
    choose = random.Random(11)
    for _ in range(MUTATIONS):
        data = choose.choice(SEEDS[name])
        kept = choose.randrange(len(data) + 1)
        other = choose.choice(SEEDS[name])
        joined = data[:kept] + other[choose.randrange(len(other)) :]
        PARSERS[name](mutated(joined or data, choose))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"null", b'{"program": null, "pid": 1}', b"[" * 100_000,
        b'{"program": "a", "pid": 1e300}', b'{"program": "a", "pid": -1}',
        b'{"program": "a", "pid": 1, "format": 99}', b'{"program": "a", "pid": 1, "format": 0}',
        b'{"program": "a", "pid": 1, "x": ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_001,
        b'{"program": "a", "pid": 1, "binaries": [{"path": "/a", "sha256": "../x", "size": 1}]}',
        b'{"program": "\xff", "pid": 1}', b"\0" * 100,
    ],
)  # fmt: skip
def test_a_manifest_of_nonsense_is_one_sentence(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(RevenError) as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
