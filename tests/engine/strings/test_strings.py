# SPDX-License-Identifier: Apache-2.0
"""The strings that a trace accesses equal those found by their definition, the slow way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from reven._engine import FoundStrings, Strings, Trace, TraceError

from .strings_oracle import Text, strings_of

BARE = ("-nostdlib", "-static", "-no-pie", "-O1", "-fno-builtin", "-fno-stack-protector")

# Strings in every way of coming about, without a library that has its own.
TEXTS = r"""
#include <stdint.h>
static char buffer[4096 * 3] __attribute__((aligned(4096)));
static uint16_t wide[64];
static const char constant[] = "read in place, caf\xc3\xa9 \xe2\x82\xac";
static volatile char sink;

static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}
static void copy(char *to, const char *from) { while ((*to++ = *from++)) {} }
static void look(const char *at) { while (*at) sink = *at++; }
static void words(char *to, const char *from, int count) {
    for (int i = 0; i < count; i++) ((volatile uint64_t *)to)[i] = ((const uint64_t *)from)[i];
}

void _start(void) {
    look(constant);                               // in place
    copy(buffer, "written bytewise");             // never read
    copy(buffer, "over it");                      // another version, then the rest of the first
    look(buffer + 8);
    copy(buffer + 4090, "across the pages");      // over a page's end
    look(buffer + 4090);
    __asm__ volatile("rep movsb" ::"D"(buffer + 200), "S"("moved by rep"), "c"(12) : "memory");
    words(buffer + 512, "eight by eight bytes of text...", 4);
    buffer[512] = 'E';                            // a changed letter
    look(buffer + 512);
    for (int i = 0; i < 300; i++) buffer[1000 + i] = 'a' + i % 26;    // too long: cut
    look(buffer + 1000);
    for (int i = 0; i < 9; i++) wide[i] = "UTF-16 \xe9\xdf"[i] & 0xff;
    for (int i = 0; wide[i]; i++) sink = wide[i];
    for (int i = 0; i < 9; i++) buffer[2000 - i] = '0' + i;           // backward
    copy(buffer + 2100, "four");
    look(buffer + 2100);
    buffer[2104] = '!';                           // now it is five
    buffer[2204] = 'x'; buffer[2203] = '\xc3'; buffer[2205] = 'y';    // broken UTF-8
    for (int i = 0; i < 5; i++) buffer[2206 + i] = 'k';
    look(buffer + 2200);
    int pipe[2];
    call(22, (long)pipe, 0, 0);
    call(1, pipe[1], (long)"from the kernel\nsecond line", 27);
    call(0, pipe[0], (long)buffer + 3000, 27);    // written by the kernel
    copy(buffer + 3000, "from the kernel");       // the same once more
    call(60, 0, 0, 0);
}
"""


# Reads its file into memory, and lets it say what to read and write there.
DRIVEN = r"""
#include <stdint.h>
static uint8_t input[1 << 14], memory[3 * 4096] __attribute__((aligned(4096)));
static volatile uint8_t sink;
static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}
__attribute__((used)) void run(const long *stack) {
    const char *name = (const char *)stack[2];
    long file = call(2, (long)name, 0, 0);
    long count = call(0, file, (long)input, sizeof input);
    call(0, file, (long)memory, sizeof memory);
    for (long i = 0; i + 24 <= count; i += 24) {
        volatile uint8_t *at = memory + 3800 + (input[i] | (input[i + 1] & 1) << 8);
        int size = input[i + 2] % 20 + 1;
        switch (input[i + 3] % 4) {
        case 0: for (int k = 0; k < size; k++) sink = at[k]; break;
        case 1: for (int k = 0; k < size; k++) at[k] = input[i + 4 + k]; break;
        case 2: *(volatile uint64_t *)at = *(uint64_t *)(input + i + 4); break;
        case 3: for (int k = size; k-- > 0;) at[k] = input[i + 4 + k]; break;
        }
    }
    call(60, 0, 0, 0);
}
__asm__(".globl _start\n_start: mov %rsp, %rdi\nand $-16, %rsp\ncall run\n");
"""


def text_like(random: Random, size: int) -> bytes:
    """Bytes of which much is text, or nearly."""
    pieces = [
        lambda: bytes([random.choice(b"abcXYZ 09~\t")]) * random.randrange(1, 9),
        lambda: random.choice("é€😀Ωж\u2028\ue000").encode(),
        lambda: random.choice("é€😀Ω").encode()[:-1],
        lambda: random.randbytes(1),
        lambda: bytes(random.randrange(1, 4)),
        lambda: "wide éÿ".encode("utf-16-le")[: random.randrange(15)],
        lambda: b"long" * random.randrange(40),
    ]
    weights = [20, 4, 1, 2, 3, 3, 0.3]
    data = b""
    while len(data) < size:
        data += random.choices(pieces, weights)[0]()
    return data[:size]


def rows(found: FoundStrings) -> list[tuple[Text, int, int]]:
    return [
        (Text(address, size, bool(is_utf16), text), first, last)
        for address, size, is_utf16, text, first, last in zip(
            found.address.tolist(),
            found.size.tolist(),
            found.is_utf16.tolist(),
            found.text,
            found.first_access.tolist(),
            found.last_access.tolist(),
            strict=True,
        )
    ]


@pytest.fixture
def path(record_program: Callable[..., Path], tmp_path: Path) -> Path:
    """A trace whose index of strings does not exist yet."""
    path = tmp_path / "texts.reven"
    shutil.copytree(record_program(TEXTS, *BARE), path)
    (path / "strings.bin").unlink(missing_ok=True)
    return path


def assert_same(path: Path) -> list[tuple[Text, int, int]]:
    trace = Trace(str(path))
    expected = strings_of(trace)
    found = rows(Strings(trace).find("", limit=1 << 30))
    assert {text: (first, last) for text, first, last in found} == expected
    assert len(found) == len(expected)
    return found


def test_every_string_is_found_with_its_first_and_last_access(path: Path) -> None:
    texts = [text.text for text, _, _ in assert_same(path)]
    for text in (
        "read in place, café €",
        "written bytewise",
        "over it",
        "bytewise",
        "across the pages",
        "moved by rep",
        "Eight by eight bytes of text...",
        "UTF-16 éß",
        "876543210",
        "four!",
        "xykkkkk",
        "from the kernel",
        "second line",
    ):
        assert text in texts, text
    assert not [text for text in texts if text.startswith(("over itt", "oritten", "ovitten"))]
    assert max(map(len, texts)) <= 128


def test_strings_of_a_program_with_a_library(record_program: Callable[..., Path]) -> None:
    source = '#include <stdio.h>\nint main(int n, char **v) { printf("%d: %s\\n", n, v[1]); }'
    found = assert_same(record_program(source, arguments=["argument"]))
    assert "2: argument" in [text.text for text, _, _ in found]


@pytest.mark.parametrize("seed", range(2))
def test_strings_of_a_program_that_does_anything(
    record_program: Callable[..., Path], tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    file = tmp_path / "input"
    orders = b"".join(random.randbytes(4) + text_like(random, 20) for _ in range(150))
    file.write_bytes(orders.ljust(1 << 14, b"\0") + text_like(random, 3 * 4096))
    flags = (*BARE, "-fno-tree-vectorize", "-fno-tree-loop-distribute-patterns")
    found = assert_same(record_program(DRIVEN, *flags, arguments=[str(file)]))
    assert len(found) > 100


def test_a_pattern_is_a_part_of_the_text(path: Path) -> None:
    strings = Strings(Trace(str(path)))
    everything = strings.find("", limit=1 << 30)
    assert strings.count() == len(everything)
    for pattern in ("by", "café", "€", "éß", "A*", "."):
        expected = [i for i, text in enumerate(everything.text) if pattern in text]
        assert strings.find(pattern).id.tolist() == expected
    assert strings.find("\0").text == []


def test_strings_come_page_by_page(path: Path) -> None:
    strings = Strings(Trace(str(path)))
    pages, first = [], 0
    while len(page := strings.find("e", first, 2)):
        pages += page.id.tolist()
        first = pages[-1] + 1
    assert pages == strings.find("e", limit=1 << 30).id.tolist()


def test_little_memory_suffices(record_program: Callable[..., Path], tmp_path: Path) -> None:
    """Pages that are let go between segments come back as they were."""
    source = r"""
    #include <stdio.h>
    #include <stdlib.h>
    int main(void) {
        char *block = malloc(1 << 20);
        for (int round = 0; round < 3; ++round)
            for (int i = 0; i < 1500; ++i) sprintf(block + i * 650, "text %d in %d", i, round / 2);
        return 0;
    }"""
    found = []
    for most_pages in (16, 1 << 20):
        path = tmp_path / f"{most_pages}.reven"
        shutil.copytree(record_program(source), path)
        trace = Trace(str(path))
        assert trace.segment_count > 10
        found.append({row[0] for row in rows(Strings(trace, most_pages).find("text", limit=9999))})
    assert found[0] == found[1]
    assert len({text.text for text in found[0] if text.text.endswith(" in 1")}) == 1500


def test_the_index_is_kept_and_made_anew_when_damaged(path: Path) -> None:
    trace = Trace(str(path))
    found = rows(Strings(trace).find(""))
    file = path / "strings.bin"
    whole = file.read_bytes()
    assert rows(Strings(trace).find("")) == found
    assert file.read_bytes() == whole
    for damaged in (
        whole[:-1],
        whole[:40],
        b"",
        whole[:-60] + bytes([whole[-60] ^ 1]) + whole[-59:],
    ):
        file.write_bytes(damaged)
        assert rows(Strings(trace).find("")) == found
        assert file.read_bytes() == whole


def test_a_damaged_part_is_reported(path: Path) -> None:
    trace = Trace(str(path))
    Strings(trace).count()
    file = path / "strings.bin"
    whole = bytearray(file.read_bytes())
    whole[10] ^= 1
    file.write_bytes(whole)
    with pytest.raises(TraceError, match=r"strings\.bin is damaged\. Delete it"):
        Strings(trace).find("")


def test_making_the_index_can_be_cancelled(path: Path) -> None:
    strings = Strings(Trace(str(path)))
    with pytest.raises(Exception, match="cancelled"):
        strings.find("", progress=lambda done, total: False)
    assert strings.count() > 10
