# SPDX-License-Identifier: Apache-2.0
"""docs/reference/compatibility.md lists exactly the names that the tests ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .documented_names import MEMBERS, MODULES, PARAMETERS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compatibility.md"
STATES = ("done", "different", "Windows-only")


def sections(title: str) -> dict[str, list[tuple[list[str], str, list[str]]]]:
    """Rows (names, state, the rest) by heading, of a part of the page."""
    part = PAGE.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    found: dict[str, list[tuple[list[str], str, list[str]]]] = {}
    for section in re.split(r"^### ", part, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        found[re.sub("^an? ", "", heading)] = list(rows(text))
    return found


def rows(text: str) -> Iterator[tuple[list[str], str, list[str]]]:
    for line in text.splitlines():
        if line.startswith("| `"):
            names, state, *rest = (cell.strip() for cell in line.strip("|").split("|"))
            yield re.findall("`([^`]+)`", names), state, rest


def done(found: list[tuple[list[str], str, list[str]]]) -> set[str]:
    return {name for names, state, _ in found if state == "done" for name in names}


def test_the_page_has_the_modules_and_members_that_are_tested() -> None:
    for title, tested in (("Modules and classes", MODULES), ("Members", MEMBERS)):
        listed = sections(title)
        assert {heading for heading in listed if done(listed[heading])} == set(tested)
        for heading, names in tested.items():
            assert done(listed[heading]) == set(names.split()), heading


def test_the_page_has_the_parameters_that_are_tested() -> None:
    part = PAGE.read_text().split("\n## Parameters that scripts give by name\n")[1]
    found = {
        name.strip("` "): re.findall("`([^`]+)`", parameters)
        for name, parameters in re.findall(
            r"^\| (`[^`]+`) \| (.*?) \| done \|$", part, re.MULTILINE
        )
    }
    assert found == {path: names.split() for path, names in PARAMETERS.items()}


def test_every_name_has_a_state_and_a_source() -> None:
    known = set(re.findall(r"^\| ([A-Z]\d*) \| ", PAGE.read_text(), re.MULTILINE))
    assert len(known) > 15
    for title in ("Modules and classes", "Members"):
        for found in sections(title).values():
            for names, state, rest in found:
                assert state.startswith(STATES), names
                # What is different says why.
                assert state in STATES[::2] or ": " in state, names
                assert set(rest[0].split()) <= known, names
                assert rest[0], names
