# SPDX-License-Identifier: Apache-2.0
"""The notebooks in `examples/` run and tell what they promise."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def test_the_notebook_finds_the_bug(
    compile_program: Callable[..., Path],
    record_command: Callable[..., Path],
    serve_traces: Callable[..., int],
    tmp_path: Path,
) -> None:
    program = compile_program((EXAMPLES / "weather.c").read_text(), "-O0")
    port = serve_traces(record_command([program, EXAMPLES / "weather.txt"]))
    notebook = tmp_path / "weather.ipynb"
    shutil.copy(EXAMPLES / "weather.ipynb", notebook)
    notebook.write_text(notebook.read_text().replace("13370)", f"{port})"))
    command = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = "".join(
        json.dumps(output)
        for cell in json.loads(notebook.read_text())["cells"]
        for output in cell.get("outputs", ())
    )
    assert "no address at all" in shown
    assert "copy_word, program.c:" in shown
    assert shown.count("onclick") > 10


def test_the_bugs_are_found_and_explained(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "bugs", tmp_path / "bugs")
    notebook = tmp_path / "bugs.ipynb"
    shutil.copy(EXAMPLES / "bugs.ipynb", notebook)
    command = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(notebook)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = "".join(
        json.dumps(output)
        for cell in json.loads(notebook.read_text())["cells"]
        for output in cell.get("outputs", ())
    )
    for file in (EXAMPLES / "bugs").iterdir():
        assert f"{file.name}: " in shown
    assert "freed by realloc" in shown
    assert "was loaded from" in shown
    assert "'uninitialized'" in shown
