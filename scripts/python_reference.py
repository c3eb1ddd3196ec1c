# SPDX-License-Identifier: Apache-2.0
"""Write docs/reference/python/: a page for each public module of `reven2`, from its docstrings.

scripts/python_reference.py            write the pages
scripts/python_reference.py --check    say which are not what the docstrings say, and exit 1
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe
from griffe2md import ConfigDict, render_object_docs

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference" / "python"
INDEX = """\
# Python API

A page for each module, written by `scripts/python_reference.py` from the docstrings:
change those. [Using a trace from Python](../../how-to/python.md) is the place to begin.

| module | what it is for |
| --- | --- |
"""
_OPTIONS: ConfigDict = {
    "filters": ["!^_"],
    "heading_level": 1,
    "inherited_members": False,
    "line_length": 100,
    "docstring_section_style": "list",
    "show_submodules": False,
    "show_if_no_docstring": True,
    "signature_crossrefs": False,
    "summary": False,
}


def public_modules(module: griffe.Module) -> Iterator[griffe.Module]:
    """A module and those below it whose names do not begin with an underscore, by name."""
    yield module
    for name, below in sorted(module.modules.items()):
        if not name.startswith("_") and not below.is_alias:
            yield from public_modules(below)


def page(module: griffe.Module) -> str:
    """The page of one module."""
    text = render_object_docs(module, _OPTIONS)
    # Links to names that have no page, and the type names that they wrap, as plain text.
    text = re.sub(r"<code>(.*?)</code>", lambda match: f"`{_plain(match[1])}`", text)
    text = re.sub(r"::$", ":", text, flags=re.MULTILINE)
    return "<!-- Written by scripts/python_reference.py. -->\n\n" + text.rstrip() + "\n"


def pages() -> dict[str, str]:
    """All pages by file name."""
    logging.getLogger("griffe").setLevel(logging.ERROR)
    root = griffe.load(
        "reven2", search_paths=[str(ROOT / "src")], docstring_parser="google", submodules=True
    )
    assert isinstance(root, griffe.Module)
    made, rows = {}, []
    for module in public_modules(root):
        name = f"{module.path}.md"
        made[name] = page(module)
        summary = module.docstring.value.split("\n\n")[0] if module.docstring else ""
        rows.append(f"| [`{module.path}`]({name}) | {' '.join(summary.split())} |\n")
    made["README.md"] = INDEX + "".join(rows)
    return made


def _plain(text: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("\\", "")


def main() -> int:
    made = pages()
    present = {file.name: file.read_text("utf-8") for file in PAGES.glob("*.md")}
    if "--check" in sys.argv[1:]:
        stale = sorted(
            name for name in made.keys() | present.keys() if made.get(name) != present.get(name)
        )
        if stale:
            print(f"run scripts/python_reference.py: {', '.join(stale)}", file=sys.stderr)
        return 1 if stale else 0
    PAGES.mkdir(exist_ok=True)
    for name in present.keys() - made.keys():
        (PAGES / name).unlink()
    for name, text in made.items():
        if present.get(name) != text:
            (PAGES / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
