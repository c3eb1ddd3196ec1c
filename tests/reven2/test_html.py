# SPDX-License-Identifier: Apache-2.0
"""What notebooks show: `_repr_html_` is `format_as_html`, and escapes what it embeds."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import reven2
from reven2._tables.html import table
from reven2.address import LinearAddress
from reven2.memory_range import MemoryRange


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def shown(server: reven2.OpenTrace) -> list[Any]:
    trace = server.trace
    return [
        trace.transition(4),
        trace.context_before(4),
        trace.last_context,
        LinearAddress(0x1000),
        MemoryRange(LinearAddress(0x1000), 16),
        next(trace.filter()),
    ]


def test_the_html_of_a_thing_says_what_its_text_says(bare: reven2.OpenTrace) -> None:
    for thing in shown(bare):
        html = thing._repr_html_()
        assert html == thing.format_as_html()
        is_transition = thing == bare.trace.transition(4)
        assert text_of(html) == ("#4" if is_transition else str(thing))


def test_an_access(values: reven2.OpenTrace) -> None:
    access = next(values.trace.memory_accesses(from_transition=100))
    assert text_of(access._repr_html_()) == (
        f"[{access.transition}]{access.operation.name} access at {access.virtual_address} "
        f"of size {access.size}"
    )


def test_lists_of_them_are_tables(bare: reven2.OpenTrace) -> None:
    html = table(shown(bare))
    assert html is not None
    assert html.count("<tr>") == 6
    assert table([LinearAddress(1), "something else"]) is None
