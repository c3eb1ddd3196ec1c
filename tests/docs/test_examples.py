# SPDX-License-Identifier: Apache-2.0
"""What the documentation tells people to type works.

Of every page: `console` blocks are run, each line that begins with `$ `, in one
directory that has `examples/`; `# exit N` after a command is the exit status
that it must have (0 without). Then the page's `python` blocks are run as one
script in the same directory.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (?P<command>.*?)(?: +# exit (?P<status>\d+))?$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


# The examples of docstrings, which stand in the reference, have a test of their own.
WRITTEN = ROOT / "docs" / "reference" / "python"
RUNNABLE = [page for page in PAGES if page.parent != WRITTEN and BLOCK.search(page.read_text())]


@pytest.fixture
def environment() -> dict[str, str]:
    scripts = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_does_what_it_says(page: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for block in blocks(page, "console"):
        for match in COMMAND.finditer(block):
            done = run(["bash", "-c", f"{match['command']}\nexit $?"], tmp_path, environment)
            assert done.returncode == int(match["status"] or 0), (
                f"$ {match['command']}\n{done.stdout}{done.stderr}"
            )
    script = "\n".join(blocks(page, "python"))
    done = run([sys.executable, "-W", "error", "-c", script], tmp_path, environment)
    assert done.returncode == 0, done.stderr


def run(
    command: list[str], directory: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
