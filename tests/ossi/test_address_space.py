# SPDX-License-Identifier: Apache-2.0
"""Where addresses belong, with the dynamic linker (dladdr) of real processes as witness."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from reven.ossi import AddressSpace, BinaryEntry, BinaryError, ElfImage, StoredBinaries
from reven.ossi.address_space import _SpanIndex

from .programs import output_of

# Prints its own address space, and what the dynamic linker says of some addresses, before
# and after it replaces one plug-in by another.
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

char zeros[100000];
int number = 7;

void say(const char *what, void *address)
{
    Dl_info info = {0};
    dladdr(address, &info);
    printf("%s %lx %s %lx %s %lx\n", what, (long)address, info.dli_fname ? info.dli_fname : "-",
           (long)info.dli_fbase, info.dli_sname ? info.dli_sname : "-", (long)info.dli_saddr);
}

void dump(void)
{
    char line[1000];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        printf("map %s", line);
    fclose(maps);
}

int main(int argc, char **argv)
{
    void *anonymous = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int n = 1; n < argc; n++) {
        void *plugin = dlopen(argv[n], RTLD_NOW);
        printf("moment %d\n", n);
        say("plugin", dlsym(plugin, "work"));
        say("main", (void *)main);
        say("number", &number);
        say("zeros", zeros + 99999);
        say("libc", dlsym(RTLD_DEFAULT, "strtol"));
        say("libc", (char *)dlsym(RTLD_DEFAULT, "environ"));
        say("anonymous", anonymous);
        say("stack", &n);
        say("heap", malloc(10));
        dump();
        dlclose(plugin);
    }
}
"""


@dataclass(frozen=True)
class Piece:
    address: int
    size: int
    protection: int
    file_offset: int
    path: str
    first_context: int = 0
    last_context: int = 99


@dataclass(frozen=True)
class Said:
    """What the program says of an address."""

    address: int
    file: str
    base: int
    symbol: str
    symbol_address: int


def store(trace: Path, paths: Iterable[str]) -> StoredBinaries:
    """Copy binaries into a trace directory as the recorder does."""
    (trace / "binaries").mkdir(parents=True, exist_ok=True)
    entries = []
    for path in paths:
        data = Path(path).read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        (trace / "binaries" / f"{sha256}.zst").write_bytes(zstandard.compress(data))
        entries.append({"path": path, "sha256": sha256, "size": len(data), "build_id": None})
    return StoredBinaries(trace, msgspec.convert(entries, list[BinaryEntry]))


def read_map(line: str) -> Piece:
    words = line.split(maxsplit=6)
    low, high = (int(word, 16) for word in words[1].split("-"))
    protection = sum(bit for bit, letter in ((1, "r"), (2, "w"), (4, "x")) if letter in words[2])
    path = words[6].strip() if len(words) > 6 else ""
    return Piece(low, high - low, protection, int(words[3], 16), path)


def read_moments(output: str) -> tuple[list[Piece], list[dict[str, list[Said]]]]:
    """Mappings with the times they stand (moment n is context 10 * n), and what was said."""
    said: list[dict[str, list[Said]]] = []
    pieces: list[list[Piece]] = []
    for line in output.splitlines():
        kind, *words = line.split()
        if kind == "moment":
            said.append({})
            pieces.append([])
        elif kind == "map":
            pieces[-1].append(read_map(line))
        else:
            address, file, base, symbol, symbol_address = words
            said[-1].setdefault(kind, []).append(
                Said(int(address, 16), file, int(base, 16), symbol, int(symbol_address, 16))
            )
    timed: list[Piece] = []
    for moment, present in enumerate(pieces, 1):
        for piece in present:
            if timed and piece in {replace(one, first_context=0, last_context=99) for one in timed}:
                index = [replace(one, first_context=0, last_context=99) for one in timed].index(
                    piece
                )
                timed[index] = replace(timed[index], last_context=10 * moment + 4)
            else:
                timed.append(
                    replace(piece, first_context=10 * moment - 5, last_context=10 * moment + 4)
                )
    return timed, said


@pytest.fixture(params=["-pie", "-no-pie"])
def process(
    request: pytest.FixtureRequest, compile_program: Any, tmp_path: Path
) -> tuple[AddressSpace, list[dict[str, list[Said]]], Path, list[Path]]:
    program = compile_program(SOURCE, "-rdynamic", request.param)
    plugins = [
        compile_program(f"int work(void) {{ return {n}; }}\n", "-shared", "-fPIC") for n in (1, 2)
    ]
    pieces, said = read_moments(output_of(program, *plugins))
    binaries = {piece.path for piece in pieces if piece.path.startswith("/")}
    return AddressSpace(pieces, store(tmp_path, binaries)), said, program, plugins


def test_addresses_belong_where_the_dynamic_linker_says(process: Any) -> None:
    space, said, program, _ = process
    for moment, answers in enumerate(said, 1):
        for kind in ("plugin", "main", "number", "libc", "zeros"):
            for one in answers[kind]:
                location = space.locate(one.address, 10 * moment)
                assert location is not None
                assert Path(location.binary.path).resolve() == Path(one.file).resolve()
                assert location.base_address == one.base
                assert location.rva == one.address - one.base
                # dladdr takes any alias, so compare where the symbol is, not its name.
                assert location.symbol.rva + location.base_address == one.symbol_address
                assert space.binary_at(one.address, 10 * moment) == (location.binary, one.base)
        where = space.locate(answers["main"][0].address, 10 * moment)
        assert str(where) == "program!main"
        assert str(space.locate(where.base_address + where.rva + 4, 10)) == "program!main+0x4"
        assert where.file == str(program.with_suffix(".c"))
        start = SOURCE.splitlines().index("int main(int argc, char **argv)") + 1
        assert where.line in (start, start + 1)


def test_an_address_belongs_to_one_binary_now_and_to_another_later(process: Any) -> None:
    space, said, _, plugins = process
    first, second = (answers["plugin"][0] for answers in said)
    assert space.locate(first.address, 10).binary.path == str(plugins[0])
    assert space.locate(second.address, 20).binary.path == str(plugins[1])
    later = space.locate(first.address, 20)
    assert later is None or later.binary.path == str(plugins[1])
    by_path = {binary.path: binary for binary in space.binaries()}
    (load,) = space.loads_of(by_path[str(plugins[0])])
    assert (load.first_context, load.last_context) == (5, 14)


def test_memory_outside_of_files(process: Any) -> None:
    space, said, _, _ = process
    assert str(space.locate(said[0]["stack"][0].address, 10)).startswith("[stack]+0x")
    heap = space.locate(said[0]["heap"][0].address, 10)
    assert (heap.binary, heap.symbol, heap.file, heap.line, heap.region) == (
        None,
        None,
        None,
        None,
        "[heap]",
    )
    assert space.locate(said[0]["anonymous"][0].address, 10) is None
    assert space.locate(0x10, 10) is None
    assert space.locate(said[0]["main"][0].address, 98) is None


def test_threads_may_ask_at_once(process: Any) -> None:
    space, said, _, _ = process
    addresses = [one.address for kind in ("main", "libc", "plugin") for one in said[0][kind]] * 4

    def ask(address: int) -> tuple[str, str | None, int | None, str | None]:
        where = space.locate(address, 10)
        return str(where), where.file, where.line, where.binary.image.build_id

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, addresses))
    assert answers == [ask(address) for address in addresses]


def test_symbols_have_absolute_addresses(process: Any) -> None:
    space, said, program, _ = process
    binary = next(one for one in space.binaries() if one.path == str(program))
    symbol = next(symbol for symbol in binary.symbols() if symbol.name == "number")
    assert space.symbol_addresses(binary, symbol) == [said[0]["number"][0].address]


def test_binaries_come_in_load_order_with_their_code(process: Any) -> None:
    space, said, program, plugins = process
    paths = [binary.path for binary in space.binaries()]
    assert str(program) in paths
    assert paths[-1] == str(plugins[1])
    assert len(paths) == len(set(paths))
    main = said[0]["main"][0].address
    for load in space.loads():
        assert load.executable_ranges
        for low, high in load.executable_ranges:
            assert load.base_address <= low < high <= load.base_address + load.size
            assert (low <= main < high) == (load.binary.path == str(program))


def test_a_file_mapped_as_data_is_no_binary(tmp_path: Path, compile_program: Any) -> None:
    program = str(compile_program("int main(void) { return 0; }\n"))
    space = AddressSpace([Piece(0x5000, 0x3000, 1, 0, program)], store(tmp_path, [program]))
    assert space.binaries() == []
    location = space.locate(0x5010, 0)
    assert location is not None
    assert (location.binary, location.region, location.rva) == (None, program, 0x10)


def test_a_binary_that_the_trace_has_no_copy_of(tmp_path: Path) -> None:
    pieces = [
        Piece(0x5000, 0x1000, 1, 0, "/bin/gone"),
        Piece(0x6000, 0x1000, 5, 0x1000, "/bin/gone"),
    ]
    space = AddressSpace(pieces, StoredBinaries(tmp_path, []))
    location = space.locate(0x6010, 0)
    assert str(location) == "gone+0x1010"
    (binary,) = space.binaries()
    assert (binary.image, binary.sha256, binary.symbols()) == (None, None, [])


def test_stored_copies_are_verified(tmp_path: Path, compile_program: Any) -> None:
    program = str(compile_program("int main(void) { return 0; }\n"))
    stored = store(tmp_path, [program])
    image = stored.image(program)
    assert image is not None
    assert bytes(image.data) == Path(program).read_bytes()
    assert stored.header(program) == ElfImage.open(program).header
    assert stored.image("/other") is None
    assert stored.header("/other") is None

    (copy,) = (tmp_path / "binaries").iterdir()
    entry = stored.entry(program)
    assert entry is not None
    whole = copy.read_bytes()
    copy.write_bytes(zstandard.compress(Path(program).read_bytes() + b"\0"))
    other = StoredBinaries(tmp_path, [BinaryEntry(program, entry.sha256, entry.size + 1)])
    with pytest.raises(BinaryError, match="is damaged; record again"):
        other.image(program)
    copy.write_bytes(b"nonsense")
    with pytest.raises(BinaryError, match="is damaged; record again"):
        stored.header(program)
    copy.write_bytes(whole[:-20])
    with pytest.raises(BinaryError, match="is damaged; record again"):
        stored.image(program)
    copy.unlink()
    with pytest.raises(BinaryError, match=r"cannot be read: .*No such file"):
        stored.image(program)


spans = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 15), st.integers(0, 9), st.integers(0, 9)),
    max_size=10,
).map(sorted)


@given(spans, st.integers(0, 40), st.integers(0, 10))
def test_spans_hold_what_brute_force_says(
    spans: list[tuple[int, int, int, int]], address: int, context: int
) -> None:
    found = list(_SpanIndex(spans).holding(address, context))
    assert sorted(found) == [
        index
        for index, (low, size, first, last) in enumerate(spans)
        if low <= address < low + size and first <= context <= last
    ]
    assert found == sorted(found, reverse=True)
