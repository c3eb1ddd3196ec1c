# SPDX-License-Identifier: Apache-2.0
"""Everything that is written can be read: WCAG 2 AA, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

THEME = Path(__file__).parents[2] / "axion" / "src" / "style" / "theme.css"
LEAST = 4.5
WRITTEN = (
    *("text", "strong", "dim", "accent", "changed", "read", "written", "other"),
    *("token-register", "token-number", "token-address"),
)
BELOW = ("ground", "panel", "raised", "hover", "selected", "selected-soft")


def colours(theme: str) -> dict[str, str]:
    block = re.search(rf'data-theme="{theme}"\] \{{(.*?)\}}', THEME.read_text(), re.DOTALL)
    assert block is not None
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_contrast(theme: str) -> None:
    known = colours(theme)
    pairs = [(name, below) for name in WRITTEN for below in BELOW]
    pairs += [(name, f"{name}-soft") for name in ("changed", "read", "written")]
    pairs += [("faint", "panel"), ("on-accent", "accent")]
    poor = {
        pair: round(contrast(known[pair[0]], known[pair[1]]), 2)
        for pair in pairs
        if contrast(known[pair[0]], known[pair[1]]) < LEAST
    }
    assert poor == {}
