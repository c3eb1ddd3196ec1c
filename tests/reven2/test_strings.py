# SPDX-License-Identifier: Apache-2.0
"""Strings, as the client API gives them."""

from __future__ import annotations

import reven2
from reven2.memory_range import MemoryRange
from reven2.types import Encoding


def test_a_string_says_what_it_is_and_where(values: reven2.OpenTrace) -> None:
    [symbol] = values.ossi.symbols("^ready$")
    context = next(values.trace.search.symbol(symbol))
    at = context.read(reven2.arch.x64.rdi)
    found = {
        string.address.offset - at: string
        for string in values.trace.strings("h\xe9llo")
        if string.address.offset > at
    }
    # The number right before it happens to end in a letter's bytes.
    [(_, string)] = found.items()
    data = string.data
    assert data == str(string)
    assert data.endswith("héllo")
    assert string.size == len(data.encode())
    assert string.encoding is Encoding.Utf8
    assert string.address_range == MemoryRange(string.address, string.size)
    assert context.read(string.address, string.size, raw=True).decode() == data
    assert string.first_access < context.transition_before()
    accesses = list(string.memory_accesses())
    assert accesses[0].transition == string.first_access
    assert accesses[-1].transition == string.last_access
    assert list(string.memory_accesses(string.last_access + 1)) == []
    assert f"<code>{data}</code>" in string.format_as_html() == string._repr_html_()
    assert repr(string) == (
        f"String(id={string.id}, address={string.address!r}, size={string.size}, data={data!r})"
    )


def test_strings_are_found_by_a_part_of_them(values: reven2.OpenTrace) -> None:
    strings = list(values.trace.strings())
    assert [string.id for string in strings] == list(range(len(strings)))
    assert len({string.id for string in strings}) == values.trace.strings().count()
    for string in values.trace.strings("libc"):
        assert "libc" in string.data
        assert string == strings[string.id]
        assert 5 <= len(string.data) <= 128
    assert next(values.trace.strings("no such string"), None) is None
    assert next(values.trace.strings(".*"), None) is None
