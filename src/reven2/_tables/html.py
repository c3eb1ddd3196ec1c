# SPDX-License-Identifier: Apache-2.0
"""Tables of what is shown with links in notebooks: transitions, addresses, bookmarks …"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from reven2._printable import escape
from reven2.memhist import MemoryAccess
from reven2.trace import Transition

__all__ = ["MOST_ROWS", "show_lists_as_tables", "table"]

MOST_ROWS = 50


def table(items: Sequence[Any], total: int | None = None) -> str | None:
    """HTML of a table with a row for each item; None if there is none, or something else
    among them.

    Parameters:
        items: what to show; at most 50 are.
        total: how many there are in all, if more.
    """
    shown = list(items[:MOST_ROWS])
    rows = [_row(item) for item in shown]
    if not rows or any(row is None for row in rows):
        return None
    total = len(items) if total is None else total
    more = total - len(shown)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in row or ()) + "</tr>"
        for row in rows
    )
    note = f"<p>… and {more:,} more</p>" if more > 0 else ""
    return f'<table class="reven-table"><tbody>{body}</tbody></table>{note}'


def show_lists_as_tables() -> None:
    """In IPython, show lists and tuples of these as tables from now on."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["text/html"]
    for kind in (list, tuple):
        formatter.for_type(kind, table)


def _row(item: Any) -> tuple[str, ...] | None:
    if isinstance(item, Transition):
        text = str(item).partition(" ")[2]
        return item.format_as_html(), f"<code>{escape(text)}</code>"
    if isinstance(item, MemoryAccess):
        return (
            item.transition.format_as_html(),
            item.operation.value,
            item.virtual_address.format_as_html(),
            f"{item.size} B",
        )
    if hasattr(item, "format_as_html"):
        return (item.format_as_html(),)
    return None
