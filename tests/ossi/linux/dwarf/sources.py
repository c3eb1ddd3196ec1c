# SPDX-License-Identifier: Apache-2.0
"""Compiled sources, and their debug information."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reven.ossi import ElfImage
from reven.ossi.linux.dwarf.debug_info import DebugInfo, read_debug_info
from reven.ossi.linux.dwarf.types import Types
from reven2._service.source import TypeGraph


def library(folder: Path, source: str, *flags: str, language: str = "c") -> Path:
    """A shared library made of a source."""
    file, made = folder / f"source.{language}", folder / "library.so"
    file.write_text(source)
    compiler = "g++" if language == "cpp" else "gcc"
    command = [
        compiler,
        "-g",
        "-w",
        "-shared",
        "-fPIC",
        "-nostdlib",
        "-o",
        str(made),
        str(file),
        *flags,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made


@contextmanager
def debug_info(path: Path) -> Iterator[DebugInfo]:
    """The debug information of a file."""
    image = ElfImage.open(path)
    with image.lock:
        info = read_debug_info(image)
        assert info is not None
        yield info


class TypesOnly:
    """As much of a service as types ask for."""

    def __init__(self, types: Types) -> None:
        self.types = types

    def type_graph(self, binary: int, type: int) -> TypeGraph:
        return self.types.graph(type, binary=binary)


def bytes_of(image: ElfImage, name: str, size: int) -> bytes:
    """The bytes of a variable in the file."""
    symbol = image.symbol_table.named(name)[0]
    vaddr = symbol.rva + image.header.image_vaddr
    for segment in image.segments:
        if segment.vaddr <= vaddr < segment.vaddr + segment.memory_size:
            begin = segment.offset + vaddr - segment.vaddr
            held = min(size, max(0, segment.vaddr + segment.file_size - vaddr))
            return bytes(image.data[begin : begin + held]).ljust(size, b"\0")
    raise AssertionError(name)
