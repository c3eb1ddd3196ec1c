# SPDX-License-Identifier: Apache-2.0
"""What the browser client paints holds nothing that browsers obey."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from reven.printable import printable, printable_lines
from reven.server.shown import shown_json
from reven2 import _printable

VALUES = st.recursive(
    st.text() | st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def texts(value):
    match value:
        case str():
            yield value
        case list():
            for one in value:
                yield from texts(one)
        case dict():
            yield from value
            for one in value.values():
                yield from texts(one)


@given(VALUES)
def test_every_text_of_an_answer_is_printable(value):
    shown = msgspec.json.decode(shown_json(msgspec.json.encode(value)))
    for text in texts(shown):
        hidden = [one for one in text if not one.isprintable() and one not in "\n\t"]
        # What has no glyph yet, or is another space, hides nothing.
        assert all(ord(one) >= 0xA0 and one not in "\u202e\u2066\u200f\u200b" for one in hidden)


@given(st.text())
def test_plain_answers_stay_as_they_are(text):
    plain = "".join(one for one in text if one.isprintable())
    data = msgspec.json.encode({plain: [plain, 1]})
    assert shown_json(data) == data


@given(st.text())
def test_text_from_outside_is_written_the_same_everywhere(text):
    assert printable(text) == _printable.printable(text)
    assert printable(text).isprintable()
    assert printable_lines(text).replace("\n", "").replace("\t", "").isprintable()
