# SPDX-License-Identifier: Apache-2.0
"""What Axion believes of the API is what the server says of it."""

from __future__ import annotations

from scripts import axion_types


def test_the_types_are_those_of_the_api() -> None:
    assert axion_types.TARGET.read_text() == axion_types.typescript(), (
        "run: python scripts/axion_types.py"
    )
