# SPDX-License-Identifier: Apache-2.0
"""Draw the folders and their arrows into docs/architecture.md.

    scripts/architecture.py            write the diagrams
    scripts/architecture.py --check    say what is not as drawn, and exit 1

A folder of the source is a room; an import is an arrow. Rooms are drawn from the top floor
down, and every arrow must lead to a lower floor: where two rooms need each other, their
common part belongs into a third one. Imports for annotations only are no arrows.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
Arrows = dict[str, set[str]]

_INCLUDE = re.compile(r'^#include "(\w+)/', re.MULTILINE)
_TYPESCRIPT = re.compile(r'^(?:import|export) (?!type )[^"]*from "(\.{1,2}/[^"]+)"', re.MULTILINE)


class CircleError(Exception):
    """Rooms that need each other."""


def python_rooms(package: Path) -> Arrows:
    """Which of a package's modules and folders imports which, when they are loaded or later."""
    arrows: Arrows = {room.stem: set() for room in package.iterdir() if _is_python(room)}
    arrows.pop("__init__", None)
    for file in sorted(package.rglob("*.py")):
        room = Path(file.relative_to(package).parts[0]).stem
        if room != "__init__":
            found = {name for name in _imported(file) if name.startswith(f"{package.name}.")}
            arrows[room] |= {name.split(".")[1] for name in found} & arrows.keys() - {room}
    return arrows


def engine_rooms(engine: Path) -> Arrows:
    """Which folder of the engine includes from which."""
    arrows: Arrows = {folder.name: set() for folder in engine.iterdir() if folder.is_dir()}
    for file in [*engine.rglob("*.h"), *engine.rglob("*.cpp")]:
        room = file.relative_to(engine).parts[0]
        arrows[room] |= set(_INCLUDE.findall(file.read_text("utf-8"))) & arrows.keys() - {room}
    return arrows


def axion_rooms(source: Path) -> Arrows:
    """Which folder of Axion's source imports from which; its single files are rooms too."""
    arrows: Arrows = {
        room.stem: set()
        for room in source.iterdir()
        if room.is_dir() or room.suffix in (".ts", ".tsx")
    }
    for file in [*source.rglob("*.ts"), *source.rglob("*.tsx")]:
        if ".test." in file.name:
            continue
        room = Path(file.relative_to(source).parts[0]).stem
        for path in _TYPESCRIPT.findall(file.read_text("utf-8")):
            target = (file.parent / path).resolve()
            if target.is_relative_to(source):
                arrows[room].add(Path(target.relative_to(source).parts[0]).stem)
        arrows[room] &= arrows.keys() - {room}
    return arrows


def floors(arrows: Arrows) -> list[list[str]]:
    """The rooms from the top floor down: each as low as what it needs lets it be.

    Raises CircleError.
    """
    height: dict[str, int] = {}
    while len(height) < len(arrows):
        ready = [room for room in arrows if room not in height and arrows[room] <= height.keys()]
        if not ready:
            circle = sorted(arrows.keys() - height.keys())
            raise CircleError(f"these need each other: {', '.join(circle)}")
        height |= {
            room: 1 + max((height[below] for below in arrows[room]), default=-1) for room in ready
        }
    return [
        sorted(room for room in height if height[room] == floor)
        for floor in range(max(height.values(), default=-1), -1, -1)
    ]


def drawing(arrows: Arrows) -> str:
    """The rooms a line each, from the top floor down, with what each needs."""
    width = max(map(len, arrows))
    above_to_below = [room for floor in floors(arrows) for room in floor]
    lines = []
    for floor in floors(arrows):
        for room in floor:
            needs = [other for other in above_to_below if other in arrows[room]]
            lines.append(f"    {room:{width}}  → {' '.join(needs)}" if needs else f"    {room}")
    return "\n".join(lines)


DRAWINGS: dict[str, Callable[[], Arrows]] = {
    "src/reven": lambda: python_rooms(ROOT / "src" / "reven"),
    "native/engine": lambda: engine_rooms(ROOT / "native" / "engine"),
    "axion/src": lambda: axion_rooms(ROOT / "axion" / "src"),
}
"""What is drawn, by the comment in the page that the drawing follows."""


def drawn(page: str) -> str:
    """The page with every drawing made anew."""
    for name, rooms in DRAWINGS.items():
        mark = f"<!-- rooms of {name} -->\n"
        before, _, after = page.partition(mark)
        rest = re.sub(r"\A\n(?:    .*\n)*", "", after)
        page = f"{before}{mark}\n{drawing(rooms())}\n\n{rest.lstrip()}"
    return page


def _is_python(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))


def _imported(file: Path) -> Iterator[str]:
    """Names of modules that a file imports, and of what it takes from them."""
    pending: list[ast.AST] = [ast.parse(file.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        pending += ast.iter_child_nodes(node)


def main() -> int:
    page = PAGE.read_text("utf-8")
    try:
        new = drawn(page)
    except CircleError as error:
        print(f"architecture: {error}", file=sys.stderr)
        return 1
    if "--check" in sys.argv[1:] and new != page:
        print(
            "docs/architecture.md does not show the folders as they are: "
            "run scripts/architecture.py and look at what changed.",
            file=sys.stderr,
        )
        return 1
    if new != page:
        PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
