# SPDX-License-Identifier: Apache-2.0
"""Regular expressions from outside are refused, or run within their time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven.patterns import LONGEST_PATTERN, Pattern
from reven2.errors import InvalidArgumentError

SLOW = "(a|aa)+$"
TEXT = "a" * 60 + "b"


@given(st.text(alphabet="ab.", max_size=8), st.text(alphabet="abAB", max_size=20), st.booleans())
def test_it_finds_what_re_finds(pattern: str, text: str, ignore_case: bool) -> None:
    expected = re.search(pattern, text, re.IGNORECASE if ignore_case else 0) is not None
    assert Pattern(pattern, ignore_case=ignore_case).is_in(text) == expected


@pytest.mark.parametrize(
    "pattern",
    ["(", "[", "a{2,1}", "*", "(" * 400 + ")" * 399, "(?P<n>a)(?P<n", "\\"],
)
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is no regular expression"):
        Pattern(pattern)


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="at most 1000 characters"):
        Pattern("(" * 20_000 + ")" * 20_000)
    Pattern("a" * LONGEST_PATTERN)


def test_what_takes_too_long_is_ended() -> None:
    pattern = Pattern(SLOW, seconds=0.05)
    with pytest.raises(InvalidArgumentError, match="takes too long"):
        pattern.is_in(TEXT)


def test_the_time_is_that_of_all_texts_together() -> None:
    pattern = Pattern(SLOW, seconds=0.05)
    with pytest.raises(InvalidArgumentError, match="takes too long"):
        # None of these takes long alone.
        [pattern.is_in("a" * 16 + "b") for _ in range(1_000_000)]
