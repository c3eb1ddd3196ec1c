# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from reven.cli.shared.console import duration_text, plural, rate_text, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (2.5e12, "2.5 TB")],
)
def test_sizes(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.5, "0.5/s"), (1500, "1.5 k/s"), (105.2e6, "105.2 M/s"), (2e9, "2.0 G/s")],
)
def test_rates(rate, text):
    assert rate_text(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.421, "0.42 s"), (12.34, "12.3 s"), (65, "1 min 05 s"), (7380, "2 h 03 min")],
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def test_one_is_singular():
    assert (plural(1, "thread"), plural(1234, "thread")) == ("1 thread", "1,234 threads")
