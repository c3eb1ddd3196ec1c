# SPDX-License-Identifier: Apache-2.0
"""Write docs/reference/python.md: every public name of `reven2`, from its docstrings.

A public name is one in a public module's `__all__`, and a public member of such a
class. Run after a change of one: `.venv/bin/python scripts/python_reference.py`.
A test compares the file with what this makes.
"""

from __future__ import annotations

import enum
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import reven2

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "reference" / "python.md"
HEAD = """\
# Python API

Written by `scripts/python_reference.py` from the docstrings: change those.
[Using a trace from Python](../how-to/python.md) is the place to begin.
"""


def public_modules() -> Iterator[ModuleType]:
    """`reven2` and its public submodules, by name."""
    yield reven2
    for info in pkgutil.walk_packages(reven2.__path__, "reven2."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            yield import_module(info.name)


def own_names(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The public names that `module` or a private module of it defines."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        home = getattr(value, "__module__", module.__name__)
        is_own = home == module.__name__ or home.startswith(f"{module.__name__}._")
        if is_own and not inspect.ismodule(value):
            yield name, value


def members(cls: type) -> Iterator[tuple[str, object]]:
    """Public methods and properties that `cls` itself defines, in source order."""
    for name, value in vars(cls).items():
        if name.startswith("_") or issubclass(cls, enum.Enum):
            continue
        if isinstance(value, (staticmethod, classmethod)):
            yield name, value.__func__
        elif inspect.isfunction(value) or isinstance(value, property):
            yield name, value


class _Text(str):
    """A string that shows without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def signature(value: object) -> str:
    """Parameters and result of a function, without `self`."""
    try:
        found = inspect.signature(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    parameters = [
        parameter.replace(annotation=_unquoted(parameter.annotation))
        for parameter in found.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    found = found.replace(
        parameters=parameters, return_annotation=_unquoted(found.return_annotation)
    )
    return str(found)


def _unquoted(annotation: object) -> object:
    return _Text(annotation) if isinstance(annotation, str) else annotation


def docstring(value: object) -> str:
    text = inspect.getdoc(value) if "__doc__" in dir(value) else None
    return f"\n{text}\n" if text else ""


def describe(name: str, value: object) -> Iterator[str]:
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield f"### `{name}` (enum)\n{docstring(value)}"
        yield "\nMembers: " + ", ".join(f"`{member.name}`" for member in value) + "\n"
    elif isinstance(value, type):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"### `{name}`" + (f" ({bases})" if bases else "") + "\n" + docstring(value)
        for member_name, member in members(value):
            if isinstance(member, property):
                yield f"#### `{name}.{member_name}`\n{docstring(member)}"
            else:
                yield f"#### `{name}.{member_name}{signature(member)}`\n{docstring(member)}"
    elif callable(value):
        yield f"### `{name}{signature(value)}`\n{docstring(value)}"


def reference() -> str:
    """The text of the reference."""
    parts = [HEAD]
    for module in public_modules():
        described = [part for name, value in own_names(module) for part in describe(name, value)]
        parts += [f"## `{module.__name__}`\n{docstring(module)}", *described]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


if __name__ == "__main__":
    OUTPUT.write_text(reference())
