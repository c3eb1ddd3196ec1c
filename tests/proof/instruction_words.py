# SPDX-License-Identifier: Apache-2.0
"""Lists of mnemonics and register names, readable."""

from __future__ import annotations


def words(text: str) -> list[str]:
    """What stands between white space."""
    return text.split()
