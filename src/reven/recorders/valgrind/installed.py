# SPDX-License-Identifier: Apache-2.0
"""The installed Valgrind: where its parts are, and whether they serve."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reven.recorders.errors import RecorderUnavailable

OLDEST = (3, 18)
"""The first version whose interface for tools the recorder uses."""

PLATFORM = "amd64-linux"

_PREFIXES = (Path("/usr"), Path("/usr/local"))
_LIBEXEC = ("libexec/valgrind", "lib/x86_64-linux-gnu/valgrind", "lib64/valgrind", "lib/valgrind")
_ARCHIVES = ("lib/x86_64-linux-gnu/valgrind", "lib64/valgrind", "lib/valgrind", "libexec/valgrind")
_PACKAGE_MANAGERS = (
    ("apt-get", "apt-get install -y", {"valgrind": "valgrind", "gcc": "gcc"}),
    ("dnf", "dnf install -y", {"valgrind": "valgrind-devel", "gcc": "gcc"}),
    ("zypper", "zypper install -y", {"valgrind": "valgrind-devel", "gcc": "gcc"}),
    ("pacman", "pacman -S --noconfirm", {"valgrind": "valgrind", "gcc": "gcc"}),
)


@dataclass(frozen=True)
class Valgrind:
    """An installed Valgrind that a tool can be built and run with."""

    launcher: Path
    version: str  # such as "3.19.0"
    headers: Path  # folder of pub_tool_basics.h
    archives: Path  # folder of libcoregrind-amd64-linux.a
    libexec: Path  # folder of the package's own tools and what they load


def install_command(package: str) -> str:
    """The command that installs "valgrind" or "gcc" on this system, or ""."""
    root = "" if os.geteuid() == 0 else "sudo "
    for program, command, names in _PACKAGE_MANAGERS:
        if shutil.which(program):
            return f"{root}{command} {names[package]}"
    return ""


def find_valgrind() -> Valgrind:
    """The Valgrind in PATH.

    Raises RecorderUnavailable: there is none, it is too old, or the parts that tools are
    built with are not installed.
    """
    launcher = find_launcher()
    version = launcher_version(launcher)
    prefixes = dict.fromkeys((launcher.resolve().parent.parent, *_PREFIXES))
    headers = _folder(prefixes, ("include/valgrind",), "pub_tool_basics.h")
    archives = _folder(prefixes, _ARCHIVES, f"libcoregrind-{PLATFORM}.a")
    libexec = _folder(prefixes, _LIBEXEC, f"none-{PLATFORM}")
    if headers is None or archives is None or libexec is None:
        missing = (
            "headers for tools"
            if headers is None
            else "libraries for tools"
            if archives is None
            else "64-bit tools"
        )
        raise RecorderUnavailable(
            f"Valgrind {version} is installed without its {missing}.", install_command("valgrind")
        )
    return Valgrind(launcher, version, headers, archives, libexec)


def find_launcher() -> Path:
    """The `valgrind` command. Raises RecorderUnavailable if there is none."""
    found = shutil.which("valgrind")
    if found is None:
        raise RecorderUnavailable("Valgrind is not installed.", install_command("valgrind"))
    # Debian's command is a script that changes the environment of what it runs.
    behind_script = Path(f"{found}.bin")
    return behind_script if os.access(behind_script, os.X_OK) else Path(found)


def launcher_version(launcher: Path) -> str:
    """The version that `valgrind --version` names, such as "3.19.0".

    Raises RecorderUnavailable if it names none, or one older than `OLDEST`.
    """
    try:
        done = subprocess.run(
            [launcher, "--version"], capture_output=True, text=True, check=False, timeout=30
        )
        said = done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    match = re.fullmatch(r"valgrind-((\d+)\.(\d+)[\w.~-]*)", said)
    if match is None:
        raise RecorderUnavailable(
            f"{launcher} is no usable Valgrind: it says {said!r}.", install_command("valgrind")
        )
    if (int(match[2]), int(match[3])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise RecorderUnavailable(
            f"Valgrind {match[1]} is too old: the recorder needs {oldest} or newer.",
            install_command("valgrind"),
        )
    return match[1]


def _folder(prefixes: dict[Path, None], folders: tuple[str, ...], file: str) -> Path | None:
    for prefix in prefixes:
        for folder in folders:
            if (prefix / folder / file).exists():
                return prefix / folder
    return None
