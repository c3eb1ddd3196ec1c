# SPDX-License-Identifier: Apache-2.0
"""The reference names every command, option, error, constant and public name."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

import reven
from reven.cli import app
from reven.errors import CommandError

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"
EVENT_STREAM_HEADER = ROOT / "native" / "event_stream" / "event_stream.h"


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    context = typer.Context(group)
    names = group.list_commands(context)
    return {"reven": group} | {f"reven {name}": group.get_command(context, name) for name in names}


def section(page: Path, heading: str) -> str:
    """The text below `## heading`, up to the next heading of that level."""
    _, _, rest = page.read_text().partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_is_explained(name: str) -> None:
    text = one_line(section(REFERENCE / "commands.md", f"`{name}`"))
    for parameter in commands()[name].params:
        if parameter.param_type_name == "option":
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert f"`{option}" in text, option
            assert one_line(parameter.help) in text, parameter.opts
        else:
            assert parameter.metavar in text, parameter.name


def test_no_command_is_explained_that_does_not_exist() -> None:
    page = (REFERENCE / "commands.md").read_text()
    assert set(re.findall(r"^## `(reven[^`]*)`$", page, re.MULTILINE)) == set(commands())


def error_classes(base: type[Exception]) -> set[type[Exception]]:
    return {base}.union(*(error_classes(one) for one in base.__subclasses__()))


def test_every_error_is_explained() -> None:
    for module in pkgutil.walk_packages(reven.__path__, "reven."):
        import_module(module.name)
    page = (REFERENCE / "errors.md").read_text()
    missing = {
        error.__name__
        for error in error_classes(CommandError)
        if not re.search(rf"^### `{error.__name__}`", page, re.MULTILINE)
    }
    assert missing == set()


@pytest.mark.parametrize("script", ["python_reference", "architecture", "system_calls"])
def test_what_a_script_writes_is_current(script: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_record_node_and_event_of_the_event_stream_is_explained() -> None:
    page = (ROOT / "docs" / "event-stream.md").read_text()
    header = re.sub(r"/\*.*?\*/", "", EVENT_STREAM_HEADER.read_text(), flags=re.DOTALL)
    names = set(re.findall(r"\bREVEN_[A-Z0-9_]+", header)) - {"REVEN_EVENT_STREAM_H"}
    # Registers and plumbing follow from the header; operations are listed without prefix.
    named = re.compile(r"REVEN_(NODE|EVENT|EXIT|JUMP|MAP|CAUSE|END)_")
    missing = {name for name in names if named.match(name) and name not in page}
    operations = {name.removeprefix("REVEN_OP_") for name in names if "_OP_" in name}
    missing |= {name for name in operations - {"COUNT"} if f"`{name}`" not in page}
    assert missing == set()
