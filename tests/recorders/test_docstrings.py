# SPDX-License-Identifier: Apache-2.0
"""The examples in the docstrings of the seams do what they show."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "reven.recorders",
        "reven.recorders.kit.template",
        "reven.modules",
        "reven.importers.tenet.known_memory",
    ],
)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
