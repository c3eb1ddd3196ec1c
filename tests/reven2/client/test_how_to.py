# SPDX-License-Identifier: Apache-2.0
"""The prompts in the how-to pages print what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from .conftest import Served

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to"


@pytest.mark.parametrize("name", ["sessions.md", "notebooks.md", "bridges.md"])
def test_a_page_does_what_it_says(
    name: str, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (HOW_TO / name).read_text().replace("13370", str(served.port)).replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert test.examples
    result = doctest.DocTestRunner().run(test)
    assert result.failed == 0, capsys.readouterr().out
