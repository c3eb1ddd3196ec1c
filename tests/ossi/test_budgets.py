# SPDX-License-Identifier: Apache-2.0
"""A few kilobytes that stand for gigabytes: not unpacked, and said."""

from __future__ import annotations

import json
import lzma
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from reven.ossi import ElfImage
from reven.ossi.demangle import demangle, is_too_large
from reven.ossi.linux.debug_files import decompress_xz
from reven.ossi.linux.elf_header import TooLargeError
from reven.record import record
from reven.service.local import LocalService

SOURCE = "int main(void) { return 0; }"


def bomb(depth: int) -> str:
    """A name whose argument types double with each level: `A<A<B,B>,A<B,B>>` …"""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def reference(number: int) -> str:
        text = ""
        while number or not text:
            number, digit = divmod(number, 36)
            text = digits[digit] + text
        return f"S{text}_"

    levels = "".join(f"S_I{reference(at)}{reference(at)}E" for at in range(1, depth))
    return f"_Z1f1AI1B1BE{levels}"


def test_a_name_that_stands_for_gigabytes_stays_as_it_is() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert demangle(bomb(5)) is not None
    huge = bomb(60)
    assert len(huge) < 700
    assert demangle(huge) is None
    assert is_too_large([huge])
    assert not is_too_large([bomb(5), "main"])
    assert demangle("_ZN3foo3barEi") == "foo::bar(int)"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


@pytest.mark.parametrize("name", ["_Z", "_Z\n1fv", "_Z1f\0v", "_Z" + "1" * 20_000, "_Z\udcff", ""])
def test_what_is_no_name_is_none(name: str) -> None:
    assert demangle(name) is None
    assert demangle("_Z1gj") == "g(unsigned int)"


def test_two_processes_ask_at_once() -> None:
    assert demangle("_Z1hi") == "h(int)"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = [demangle(f"_Z2h{number}i") for number in range(10)]
        os.write(writing, b"1" if found == [f"h{number}(int)" for number in range(10)] else b"0")
        os._exit(0)
    assert [demangle(f"_Z2k{number}i") for number in range(10)] == [
        f"k{number}(int)" for number in range(10)
    ]
    os.waitpid(child, 0)
    os.close(writing)
    assert os.read(reading, 1) == b"1"
    os.close(reading)


def test_a_compressed_section_that_becomes_too_much_is_left_out(
    compile_program: Callable[..., Path], tmp_path: Path
) -> None:
    zeros, program = tmp_path / "zeros", tmp_path / "program"
    with zeros.open("wb") as file:
        file.truncate(100 << 20)
    plain = compile_program(SOURCE, "-g0")
    added = [f"--add-section=.debug_{name}={zeros}" for name in ("info", "line")]
    subprocess.run(["objcopy", *added, plain, program], check=True)
    subprocess.run(["objcopy", "--compress-debug-sections=zlib", program], check=True)
    assert program.stat().st_size < 1 << 20
    image = ElfImage.open(program)
    assert image.symbol_table.named("main")
    assert image.line_table is None
    assert any("too many to be read" in said for said in image.left_out)


def test_an_xz_stream_that_becomes_too_much_is_refused() -> None:
    with pytest.raises(TooLargeError):
        decompress_xz(lzma.compress(bytes(65 << 20), preset=0))


def test_a_copy_of_a_binary_is_not_as_large_as_the_manifest_says(tmp_path: Path) -> None:
    trace = tmp_path / "a.reven"
    record(["/bin/true"], trace)
    manifest = json.loads((trace / "manifest.json").read_text())
    entry = next(one for one in manifest["binaries"] if one["path"].endswith("true"))
    copy = trace / "binaries" / f"{entry['sha256']}.zst"
    data = zstandard.ZstdDecompressor().decompress(copy.read_bytes())
    compressor = zstandard.ZstdCompressor().compressobj()
    with copy.open("wb") as file:
        file.write(compressor.compress(data))
        for _ in range(200):
            file.write(compressor.compress(bytes(1 << 20)))
        file.write(compressor.flush())
    entry["size"] = len(data) + (200 << 20)
    (trace / "manifest.json").write_text(json.dumps(manifest))
    service = LocalService(trace)
    try:
        assert service.transition_count() > 0
        number = next(one.id for one in service.binaries() if one.path == entry["path"])
        assert (
            service.symbols(number, "", case_sensitive=True, kind="", start=0, limit=10).symbols
            == []
        )
        assert any("would take" in said for said in service.notices())
    finally:
        service.close()
    shutil.rmtree(trace)
