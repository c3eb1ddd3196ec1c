# SPDX-License-Identifier: Apache-2.0
"""Tables, for the terminal and for Markdown; figures and budgets as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table as RichTable


@dataclass
class Table:
    """A table and what is to be said about it."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """As Markdown, under a heading of the second level."""
        lines = [f"## {self.title}", ""]
        lines += [f"{note}\n" for note in self.notes]
        lines.append(_row(self.columns))
        # All but the first column hold figures, which align at the right.
        lines.append(_row([":--", *["--:"] * (len(self.columns) - 1)]))
        lines += [_row(row) for row in self.rows]
        return "\n".join(lines) + "\n"

    def show(self, console: Console) -> None:
        """On the terminal; when piped, as Markdown."""
        if not console.is_terminal:
            console.out(self.markdown(), highlight=False)
            return
        table = RichTable(title=self.title, title_justify="left")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(note, style="dim")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def verdict(value: float, budget: float, unit: str = "", *, at_least: bool = False) -> str:
    """Whether a value keeps within a budget, in the value's own unit."""
    met = value >= budget if at_least else value <= budget
    return f"{'≥' if at_least else '≤'} {budget:g}{unit}: {'met' if met else 'missed'}"


def count(value: float) -> str:
    """A large count: 1.34 G."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def mebibytes(value: float) -> str:
    """Bytes as MiB."""
    return f"{value / (1 << 20):.0f} MiB"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.3g} ms"
    if seconds >= 1e-6:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1e9:.3g} ns"
