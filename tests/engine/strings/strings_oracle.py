# SPDX-License-Identifier: Apache-2.0
"""The strings of a trace by their definition (docs/string-index-format.md), the slow way: what
stands where is read anew for every access, and found with regular expressions."""

from __future__ import annotations

import re
from typing import NamedTuple

from reven._engine import Trace

AROUND = 1200
LONGEST, BLOCK = 128, 128
TEXT = re.compile("[\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\uf900-\uffef\U00010000-\U0003ffff]{5,}")
WIDE = re.compile(rb"(?<![\t\x20-\x7e\x80-\xff])(?:[\t\x20-\x7e\xa0-\xff]\x00){5,}", re.DOTALL)


class Text(NamedTuple):
    address: int
    size: int
    is_utf16: bool
    text: str


def is_text_byte(byte: int) -> bool:
    return byte == 9 or 0x20 <= byte < 0x7F or byte >= 0x80


def texts_near(trace: Trace, context: int, address: int, size: int) -> list[Text]:
    """The strings that have a byte in a range at a context."""
    low = max(address - AROUND, 0)
    data, _ = trace.read_known_memory(context, low, address + size + AROUND - low)
    found = []
    decoded = data.decode("utf-8", "surrogateescape")
    for match in TEXT.finditer(decoded):
        start = low + len(decoded[: match.start()].encode("utf-8", "surrogateescape"))
        characters = [(character, len(character.encode())) for character in match[0]]
        found += pieces(start, characters, is_utf16=False)
    for wide in WIDE.finditer(data):
        characters = [(character, 2) for character in wide[0].decode("utf-16-le")]
        found += pieces(low + wide.start(), characters, is_utf16=True)
    return [t for t in found if t.address < address + size and address < t.address + t.size]


def pieces(start: int, characters: list[tuple[str, int]], is_utf16: bool) -> list[Text]:
    """A run as it is, or cut where a character starts in another block of addresses."""
    parts: dict[int, list[tuple[int, str, int]]] = {}
    at = start
    for character, size in characters:
        block = at // BLOCK if len(characters) > LONGEST else 0
        parts.setdefault(block, []).append((at, character, size))
        at += size
    return [
        Text(part[0][0], sum(size for _, _, size in part), is_utf16, "".join(c for _, c, _ in part))
        for part in parts.values()
        if len(part) >= 5
    ]


def strings_of(trace: Trace) -> dict[Text, tuple[int, int]]:
    """First and last access of every string."""
    count = trace.transition_count
    accesses = trace.accesses(0, count, limit=1 << 30)
    known: dict[Text, tuple[int, int]] = {}
    fresh: dict[int, int] = {}
    live: set[Text] = set()

    def recognise(text: Text, *times: int) -> None:
        written = [
            fresh.pop(i) for i in range(text.address, text.address + text.size) if i in fresh
        ]
        first, last = known.get(text, (count, 0))
        known[text] = min(first, *times, *written), max(last, *times, *written)
        live.add(text)

    for transition, address, size, is_write in zip(
        accesses.transition.tolist(),
        accesses.address.tolist(),
        accesses.size.tolist(),
        accesses.is_write.tolist(),
        strict=True,
    ):
        around, _ = trace.read_known_memory(transition, address - 1, size + 1)
        before = around[1:]
        if not is_write:
            # The high byte of a UTF-16 unit is no text by itself.
            if any(map(is_text_byte, around)):
                for text in texts_near(trace, transition, address, size):
                    recognise(text, transition)
            continue
        rewritten = [i for i in range(address, address + size) if i in fresh]
        if rewritten:
            for text in texts_near(trace, transition, address, size):
                covered = range(text.address, text.address + text.size)
                # What an instruction has half written when it goes on stood at no moment.
                is_half = any(fresh.get(i) == transition for i in covered)
                if not is_half and any(i in covered for i in rewritten):
                    recognise(text)
        after, _ = trace.read_known_memory(transition + 1, address, size)
        if before != after:
            near = range(address - 2, address + size + 2)
            live = {t for t in live if not overlaps(t, near)}
        standing = [t for t in live if overlaps(t, range(address, address + size))]
        for text in standing:
            known[text] = known[text][0], max(known[text][1], transition)
        for i, byte in enumerate(after, address):
            fresh.pop(i, None)
            if is_text_byte(byte) and not any(overlaps(t, range(i, i + 1)) for t in standing):
                fresh[i] = transition
    for i in sorted(fresh):
        if i in fresh:
            for text in texts_near(trace, count, i, 1):
                recognise(text)
    return known


def overlaps(text: Text, addresses: range) -> bool:
    return text.address < addresses.stop and addresses.start < text.address + text.size
