# SPDX-License-Identifier: Apache-2.0
"""Mapped binaries are copied into the trace whole, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from reven.record.binaries import BinaryCopier
from tests.record import programs

TRUE = Path("/bin/true").resolve()


def contents(file: Path) -> bytes:
    return zstandard.ZstdDecompressor().decompress(file.read_bytes())


def test_a_binary_is_copied_under_its_hash(tmp_path: Path) -> None:
    data = TRUE.read_bytes()
    copied = BinaryCopier().copy(str(TRUE), tmp_path)
    assert copied is not None
    entry = copied.binary
    assert (entry.path, entry.size) == (str(TRUE), len(data))
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    assert contents(tmp_path / "binaries" / f"{entry.sha256}.zst") == data


def test_each_trace_of_a_session_gets_it(tmp_path: Path) -> None:
    copier = BinaryCopier()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        copied = copier.copy(str(TRUE), tmp_path / name)
        assert copied is not None
        copy = tmp_path / name / "binaries" / f"{copied.binary.sha256}.zst"
        assert contents(copy) == TRUE.read_bytes()


def test_other_files_are_not_copied(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    for name in (tmp_path / "text", tmp_path / "absent", tmp_path):
        assert BinaryCopier().copy(str(name), tmp_path) is None
    assert not (tmp_path / "binaries").exists()


def test_its_build_id_is_the_linkers(tmp_path: Path, compile_program: Callable[..., Path]) -> None:
    copier = BinaryCopier()
    for flag, expected in (("0x0123456789abcdef", "0123456789abcdef"), ("none", None)):
        program = compile_program(programs.HELLO, f"-Wl,--build-id={flag}")
        copied = copier.copy(str(program), tmp_path)
        assert copied is not None
        assert copied.binary.build_id == expected


@settings(deadline=None)
@given(noise=st.binary(max_size=200), position=st.integers(4, 4000))
def test_a_damaged_binary_is_copied_all_the_same(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, position: int
) -> None:
    folder = tmp_path_factory.mktemp("trace")
    data = bytearray(TRUE.read_bytes())
    data[position : position + len(noise)] = noise
    (folder / "binary").write_bytes(data)
    copied = BinaryCopier().copy(str(folder / "binary"), folder)
    assert copied is not None
    assert contents(folder / "binaries" / f"{copied.binary.sha256}.zst") == data
