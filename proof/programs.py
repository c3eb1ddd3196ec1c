# SPDX-License-Identifier: Apache-2.0
"""The list of programs: `lists/*.toml`, and every C file in `own/`.

An entry of a list, all but `name` and one of `run` and `shell` optional:

    [[program]]
    name = "gzip: compress"
    run = "gzip -9k text"          # split as a shell splits words, but run without one
    shell = "echo a | rev"         # or: a script that `sh -c` runs, recorded with it
    needs = ["gzip"]               # commands, or absolute paths; default: the first word of `run`
    files = { "a.txt" = "hello" }  # made in the folder first
    before = "seq 100 > text"      # a script that prepares the folder, never recorded
    stdin = "text"
    environment = { NAME = "value" }
    unprivileged = true            # refuses root: is run as another user in a namespace
    hide = ["[0-9]+ ms"]           # regular expressions of what differs between native runs
    varies = ["*.log"]             # files whose content does
    said = "x87"                   # may differ from native if a notice, or the recorder's
                                   # refusal, has this text
    seconds = 600                  # of the recorded run
    quick = true                   # is in the sample that `make test` runs

and of a server, which runs while `drive` does:

    port = 29001                   # or `ready`, a script that succeeds when it is up
    drive = "curl -s localhost:29001"
    stop = "TERM"                  # the signal that ends it then; "" where `drive` does

A C file in `own/` may set `flags`, `libraries`, `said`, `hide`, `seconds` and `quick` in its
first lines: `// flags: -O2 -pthread`.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Of the system: a user's own has wrappers, which would be proved a hundred times."""
HERE = Path(__file__).resolve().parent
SETTING = re.compile(r"// (\w+): (.*)")
LANGUAGES = {".c": "gcc", ".cpp": "g++", ".S": "gcc"}


@dataclass(frozen=True)
class Program:
    """One program of the list; see the module."""

    name: str
    area: str
    run: str = ""
    shell: str = ""
    needs: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    before: str = ""
    stdin: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    unprivileged: bool = False
    hide: list[str] = field(default_factory=list)
    varies: list[str] = field(default_factory=list)
    said: str = ""
    seconds: int = 300
    quick: bool = False
    port: int = 0
    ready: str = ""
    drive: str = ""
    stop: str = "TERM"

    @property
    def command(self) -> list[str]:
        """The words to execute."""
        return ["sh", "-c", self.shell] if self.shell else shlex.split(self.run)

    @property
    def needed(self) -> list[str]:
        """The commands without which it cannot run."""
        first = self.command[0]
        return self.needs or ([] if first.startswith("./") else [first])

    @property
    def missing(self) -> list[str]:
        """Those that are not installed."""
        return [command for command in self.needed if shutil.which(command, path=PATH) is None]

    @property
    def key(self) -> str:
        """Of all that the entry says: a result under another key is of another entry."""
        said = {name: value for name, value in asdict(self).items() if name != "quick"}
        return hashlib.sha256(repr(sorted(said.items())).encode()).hexdigest()[:16]

    @property
    def version(self) -> str:
        """Of the package that has the first needed command; empty for our own programs."""
        return version_of(self.needed[0]) if self.needed and self.area != "own" else ""


@cache
def version_of(command: str) -> str:
    path = shutil.which(command, path=PATH)
    if path is None:
        return ""
    # Since /bin became a link, packages name a file by either path.
    real = Path(path).resolve()
    for candidate in (str(real), str(real).removeprefix("/usr")):
        owner = subprocess.run(
            ["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False
        )
        if owner.returncode == 0:
            package = owner.stdout.partition(": ")[0].partition(",")[0]
            query = ["dpkg-query", "-W", "-f", "${Version}", package]
            answer = subprocess.run(query, capture_output=True, text=True, check=False)
            return answer.stdout.partition(":")[2] or answer.stdout
    return ""


def load() -> list[Program]:
    """All programs, in the order of their areas and lists.

    Raises ValueError where an entry has a setting that does not exist, or two a name.
    """
    found = [
        _program(path.stem, entry)
        for path in sorted((HERE / "lists").glob("*.toml"))
        for entry in tomllib.loads(path.read_text("utf-8"))["program"]
    ]
    found += [_own(path) for path in sorted((HERE / "own").iterdir()) if path.suffix in LANGUAGES]
    names = [program.name for program in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"more than one program has the name {', '.join(twice)}; rename one")
    return found


def _program(area: str, entry: dict[str, Any]) -> Program:
    known = {each.name for each in fields(Program)} - {"area"}
    if unknown := sorted(set(entry) - known):
        raise ValueError(f"{entry.get('name')}: there is no setting {', '.join(unknown)}")
    made = Program(area=area, **entry)
    if bool(made.run) == bool(made.shell):
        raise ValueError(f"{made.name}: give either run or shell")
    return made


def _own(path: Path) -> Program:
    """The source is part of the entry, so that a change makes its result stale."""
    source = path.read_text("utf-8")
    matches = (SETTING.match(line) for line in source.splitlines()[:8])
    said: dict[str, str] = {match[1]: match[2] for match in matches if match}
    compiler = LANGUAGES[path.suffix]
    flags, libraries = said.pop("flags", "-O1 -g"), said.pop("libraries", "")
    hide = [said.pop("hide")] if "hide" in said else []
    return Program(
        name=f"own: {path.stem}",
        area="own",
        run=f"./{path.stem} {said.pop('arguments', '')}".strip(),
        needs=[compiler],
        files={path.name: source},
        before=f"{compiler} -w {flags} -o {path.stem} {path.name} {libraries}",
        hide=hide,
        seconds=int(said.pop("seconds", "300")),
        quick=said.pop("quick", "") == "yes",
        said=said.pop("said", ""),
    )
