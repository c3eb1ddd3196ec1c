# SPDX-License-Identifier: Apache-2.0
"""Every example in a docstring of `reven2` stands on its page of the reference, and runs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import griffe
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char** argv) {
    char* copy = strdup(argv[0]);
    printf("%zu\\n", strlen(copy) + argc);
    copy[strlen(copy) + 1] = 1;
    free(copy);
    return 0;
}
"""
PREPARED = """
import threading
import time
import reven2
import reven2.preview.taint
import reven2.preview.prototypes
from reven2.preview import bugs
server = reven2.RevenServer("localhost", 13370)
trace = server.trace
context = trace.context_before(100)

def publish_when_one_listens(colleague=reven2.RevenServer("localhost", 13370)):
    while not colleague.sessions.publish_transition(colleague.trace.transition(7)):
        time.sleep(0.05)

threading.Thread(target=publish_when_one_listens, daemon=True).start()
"""
"""What an example takes for granted."""


def objects(parent: griffe.Object) -> Iterator[griffe.Object]:
    yield parent
    for name, member in parent.members.items():
        if not member.is_alias and not name.startswith("_"):
            assert isinstance(member, griffe.Object)
            yield from objects(member)


def examples() -> dict[str, str]:
    """The indented Python of every public docstring, by where it stands."""
    root = griffe.load("reven2", search_paths=[str(ROOT / "src")], submodules=True)
    assert isinstance(root, griffe.Module)
    found = {}
    for described in objects(root):
        paragraphs = described.docstring.value.split("\n\n") if described.docstring else []
        code = "\n\n".join(text for text in paragraphs if text.startswith("    "))
        if code and "──" not in code:  # a drawing
            found[described.path] = textwrap.dedent(code)
    return found


EXAMPLES = examples()


def test_examples_are_found() -> None:
    assert {"reven2", "reven2.session", "reven2.preview.taint"} <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_stands_in_the_reference(name: str) -> None:
    pages = [page.read_text() for page in (ROOT / "docs/reference/python").glob("*.md")]
    assert any(textwrap.indent(EXAMPLES[name], "    ").rstrip() in page for page in pages)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(
    name: str,
    record_program: Callable[..., Path],
    serve_traces: Callable[..., int],
    tmp_path: Path,
) -> None:
    trace = record_program(PROGRAM, "-O0", "-fno-builtin")
    (tmp_path / "crash.reven").symlink_to(trace)
    script = (PREPARED + EXAMPLES[name]).replace("13370", str(serve_traces(trace)))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "it shows nothing"
