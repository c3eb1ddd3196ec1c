# SPDX-License-Identifier: Apache-2.0
"""A program whose names obey terminals and browsers: nothing that REVEN prints does."""

from __future__ import annotations

import ast
import contextlib
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import reven2
from reven.cli import command_modules
from reven.record import record
from reven2.errors import RevenError
from tests.cli.conftest import REVEN

# What sets a title, clears the screen, rings, goes back over the line, is one control character
# of C1, turns the writing around, is markup of rich, HTML, and a formula of a table program.
HOSTILE = (
    "ev\x1b]0;TITLE\x07\x1b[2J\b\r\x9b31m\u202e\u2066\u2028[red][/]\\[bold]"
    "<img src=x onerror=alert(1)>=1+1;\x7f\n|END"
)
SPELLED = "ev\\x1b]0;TITLE\\x07"
SIZE = len(HOSTILE.encode())
NAME, FILE, TEXT = (f"{kind}{'A' * (SIZE - 2)}" for kind in ("na", "fi", "te"))
SOURCE = f"""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct T{NAME} {{ int member; }};
char text[] = "{TEXT}";
char copy[sizeof text];
#line 1 "/{FILE}.c"
__attribute__((noinline)) long {NAME}(struct T{NAME} *pointer) {{
    memcpy(copy, text, sizeof text);
    return write(-1, copy, strlen(copy)) + pointer->member;
}}
int main(int count, char **words) {{
    struct T{NAME} *one = malloc(sizeof *one);
    one->member = count;
    free(one);
    long got = {NAME}(one) + access(words[1], 0);
    return {NAME}((struct T{NAME} *) (got & 1));
}}
"""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Recorded in a folder of that name, and itself of that name; with a bookmark."""
    folder = tmp_path_factory.mktemp("hostile") / HOSTILE.replace("/", "")
    folder.mkdir()
    source, program = folder / "program.c", folder / "ev\x1b[2Jprogram"
    source.write_text(SOURCE)
    subprocess.run(["gcc", "-g", "-O1", "-w", source, "-o", program], check=True)
    data = program.read_bytes()
    assert all(name.encode() in data for name in (NAME, FILE, TEXT))
    for name in (NAME, FILE, TEXT):
        data = data.replace(name.encode(), HOSTILE.encode())
    program.write_bytes(data)
    made = folder / "ev\x1b[2J\u202e[red].reven"
    record([str(program), HOSTILE.replace("\0", "")], made)
    with reven2.open(made) as server:
        server.bookmarks.add(0, HOSTILE)
    yield made
    shutil.rmtree(folder)


def commands(trace: Path, folder: Path) -> dict[str, list[list[str]]]:
    """What each command is run with; one that is not here, with the trace alone."""
    name = str(trace)
    return {
        "bookmarks": [[name], [name, "--add", "1", "--note", HOSTILE]],
        "calls": [[name, "--least", "0"], [name, "--folded"], [name, "--symbol", "^ev"]],
        "doctor": [[]],
        "export": [[name, "-o", str(folder / "ev\x1b[2J.tenet"), "-f", "tenet", "--until", "9"]],
        "find": [["all", name]],
        "import": [[str(folder / "ev\x1b[2J.tenet"), "-o", str(folder / "ev\x9b.reven")]],
        "listen": [["--port", "1"]],
        "bridge": [[HOSTILE, name]],
        "link": [["--port", "1"]],
        "mcp": [["--setup", name]],
        "queries": [["--port", "1"]],
        "output": [[name, "--lines"]],  # else it is the program's own bytes, for a pipe
        "origin": [[name, "last", "rip"], [name, "last", HOSTILE]],
        "publish": [["0", "--port", "1", "--session", HOSTILE]],
        "record": [
            ["-o", str(folder / "a\x1b[2J.reven"), str(trace.parent / "ev\x1b[2Jprogram")],
            ["-o", str(trace), "/bin/true"],
            ["-o", str(folder / "b.reven"), HOSTILE],
        ],
        "search": [
            [name, "symbol", r"ev[\s\S]*"],
            [name, "string", "ev"],
            [name, "memory", "END"],
            [name, "symbol", HOSTILE],
        ],
        "serve": [[str(folder / HOSTILE.replace("/", "")), "--port", "0"]],
        "show": [[name], [name, "-n", "2000"], [name, "--at", HOSTILE]],
        "stop": [["--port", "1"]],
        "taint": [[name, "rax", "--from", "last"], [name, HOSTILE]],
    }


# Without it nothing of the program is in the answer, and nothing is shown.
SHOWING = {"bookmarks", "calls", "find", "info", "search", "show"}


def is_safe(output: str) -> bool:
    return all(one.isprintable() or one == "\n" for one in output)


@pytest.mark.parametrize("command", sorted(command_modules()))
def test_no_command_prints_what_a_terminal_obeys(
    command: str,
    trace: Path,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["reven"])
    if command == "import":
        (tmp_path / "ev\x1b[2J.tenet").write_text("rax=0x1,rip=0x1000\nrax=0x2,rip=0x1004\n")
    everything = ""
    for words in commands(trace, tmp_path).get(command, [[str(trace)]]):
        for form in ([], ["--json"]):
            with contextlib.suppress(SystemExit):
                run([command, *form, *words] if command == "record" else [command, *words, *form])
            out, err = (part.decode() for part in capfdbinary.readouterr())
            assert is_safe(out), (words, form)
            assert is_safe(err), (words, form)
            assert "Traceback" not in err
            everything += out
            if form and out.startswith(("[", "{")):
                json.loads(out)
    if command in SHOWING:
        assert SPELLED in everything


def run(words: list[str]) -> None:
    from reven.cli import main

    sys.argv = ["reven", *words]
    main()


def test_colours_are_all_that_a_terminal_gets(trace: Path) -> None:
    done = subprocess.run(
        [REVEN, "show", trace, "-n", "300"],
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        check=True,
    )
    text = done.stdout.decode()
    assert "\x1b[" in text
    assert is_safe(re.sub(r"\x1b\[[0-9;]*m", "", text))
    assert "\\x1b[2J" in text


class Tags(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


def objects(server: reven2.OpenTrace) -> Iterator[object]:
    """Everything of the API that holds a text of the program."""
    from reven2.preview import bugs
    from reven2.preview.taint import origin

    trace = server.trace
    last = trace.last_context
    inside = next(trace.search.symbol(next(server.ossi.symbols("^ev"))))
    transition = inside.transition_after()
    yield from (server, trace, trace.end, transition, inside, last, inside.ossi.process())
    yield from server.ossi.executed_binaries()
    yield from server.ossi.executed_processes()
    yield from server.ossi.symbols("ev")
    yield from (inside.ossi.location(), inside.stack, *inside.stack.frames())
    yield from trace.strings("END")
    yield from server.bookmarks.all()
    yield from trace.calls("ev")
    yield from (trace.call_tree("ev", depth=2), *trace.call_tree("ev", depth=2).roots)
    yield from trace.heap
    yield from bugs.find(trace)
    yield from (origin(last, "rax"), *origin(last, "rax"))
    yield server.where(str(transition.id))
    yield from trace.syscalls
    yield from trace.syscalls.files
    if trace.end is not None:
        yield trace.explain()
    yield from inside.transition_after().context_after().variables()


def test_no_object_prints_what_a_terminal_or_a_page_obeys(trace: Path) -> None:
    seen = 0
    with reven2.open(trace) as server:
        for one in objects(server):
            for text in (str(one), repr(one)):
                assert is_safe(text), type(one)
                seen += "\\x1b" in text
            page = getattr(one, "_repr_html_", lambda: None)()
            if page is not None:
                assert is_safe(page), type(one)
                assert "img" not in Tags(page).tags, type(one)
        with pytest.raises(RevenError) as caught:
            list(server.trace.calls(f"({HOSTILE}"))
        assert is_safe(str(caught.value))
    assert seen > 20


def test_only_one_function_makes_html_of_text() -> None:
    folder = Path(reven2.__file__).parent
    raw = [file.name for file in folder.rglob("*.py") if "html import escape" in file.read_text()]
    assert raw == []


def test_only_the_console_prints() -> None:
    """Whoever prints past it, prints past the one function that makes text safe."""
    folder = Path(sys.modules["reven.cli"].__file__ or "").parent
    found = []
    for file in folder.rglob("*.py"):
        if file.name in ("console.py", "status_line.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "rich.markup":
                found.append(f"{file.name}: rich.markup")
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("print", "typer.echo", "typer.secho") or "sys.std" in called:
                    found.append(f"{file.name}: {called}")
    assert found == ["__init__.py: print"]  # the version


def test_names_that_are_no_text_are_recorded_and_shown(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/f\xff"))
    folder.mkdir()
    program, made = Path(os.fsdecode(b"p\xfe")), Path(os.fsdecode(b"t\xfd.reven"))
    shutil.copy("/bin/true", folder / program)
    source = folder / "a.c"
    source.write_text("int main(void) { return 0; }")
    subprocess.run(["gcc", "-g", "a.c", "-o", program], cwd=folder, check=True)

    def run(words: Sequence[str | Path]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(words, cwd=folder, capture_output=True, check=True)

    run([REVEN, "record", "-o", made, "--", f"./{program}", os.fsdecode(b"\xfc")])
    found = json.loads(run([REVEN, "info", "--json", made]).stdout)
    assert found["manifest"]["program"].endswith("/f�/p�")
    assert found["manifest"]["command"][1] == "�"
    for command in (
        *(["info"], ["index"], ["check"], ["show"], ["explain"], ["calls"], ["syscalls"]),
        *(["strings", "--json"], ["syscalls", "--json"]),
    ):
        words: list[str | Path] = [REVEN, command[0], made, *command[1:]]
        assert b"Traceback" not in run(words).stderr
    with reven2.open(folder / made) as server:
        (binary,) = server.ossi.executed_binaries("/p�$")
        assert [one.name for one in server.ossi.symbols("^main$", "/p�$")] == ["main"]
        assert binary.filename == "p�"
    missing = subprocess.run(
        [REVEN, "info", os.fsdecode(b"\xff")], capture_output=True, text=True, check=False
    )
    assert missing.returncode == 2
    assert len(missing.stderr.splitlines()) == 1
    assert "is not a trace" in missing.stderr
    wrong = subprocess.run(
        [REVEN, "strings", made, os.fsdecode(b"\xff")],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "must be text" in wrong.stderr
