# SPDX-License-Identifier: Apache-2.0
"""`docs/compatibility.md`: a table for each bridge, of what the tests saw its clients do."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
_HEAD = """# Other tools

What the tests have seen real clients do with [bridges](how-to/bridges.md) and with exported
files. The tests write this page (`make compatibility`) and hold it to what they see.
"""
_COLUMNS = "| client | version | works | does not |\n|---|---|---|---|\n"


class Claims:
    """What the tests of a module saw."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[str, list[str], list[str]]] = {}

    def works(self, bridge: str, client: str, version: str, what: str) -> None:
        """The client did it."""
        self._row(bridge, client, version)[1].append(what)

    def lacks(self, bridge: str, client: str, version: str, what: str) -> None:
        """The client could not do it."""
        self._row(bridge, client, version)[2].append(what)

    def _row(self, bridge: str, client: str, version: str) -> tuple[str, list[str], list[str]]:
        return self.rows.setdefault((bridge, client), (version, [], []))


def compare(claims: Claims) -> None:
    """Raises AssertionError if the page does not say what was seen."""
    said = _read()
    for key, (_, works, lacks) in claims.rows.items():
        assert key in said, f"{PAGE.name} has no row for {key}: run make compatibility"
        for what in works:
            assert what in said[key][1], f"{PAGE.name} does not say that {key} has {what!r}"
        for what in lacks:
            assert what in said[key][2], f"{PAGE.name} does not say that {key} lacks {what!r}"


def write(claims: Claims) -> None:
    """Put what was seen into the page; rows of other modules stay."""
    said = _read()
    for key, (version, works, lacks) in claims.rows.items():
        said[key] = (version, "; ".join(works), "; ".join(lacks))
    parts = [_HEAD]
    for bridge in sorted({bridge for bridge, _ in said}):
        parts.append(f"\n## {bridge}\n\n{_COLUMNS}")
        parts += [
            f"| {client} | {version} | {works} | {lacks} |\n"
            for (of, client), (version, works, lacks) in sorted(said.items())
            if of == bridge
        ]
    PAGE.write_text("".join(parts))


def _read() -> dict[tuple[str, str], tuple[str, str, str]]:
    rows: dict[tuple[str, str], tuple[str, str, str]] = {}
    bridge = ""
    for line in PAGE.read_text().splitlines() if PAGE.exists() else []:
        if line.startswith("## "):
            bridge = line[3:]
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0] not in ("client", "---"):
            rows[bridge, cells[0]] = (cells[1], cells[2], cells[3])
    return rows
