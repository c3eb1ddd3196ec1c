# SPDX-License-Identifier: Apache-2.0
"""The machine and the versions that figures hold for."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe() -> list[tuple[str, str]]:
    """What is measured on, as pairs of a name and a value."""
    return [
        ("processor", _processor()),
        ("memory", _memory()),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("C library", " ".join(platform.libc_ver())),
        ("Python", platform.python_version()),
        ("reven", _package("reven")),
        ("PyQBDI", _package("pyqbdi")),
        *((name, _tool(name)) for name in ("valgrind", "gdb", "gcc", "sqlite3", "gzip")),
    ]


def _processor() -> str:
    info = dict(
        line.split("\t", 1)[:2]
        for line in Path("/proc/cpuinfo").read_text().replace("\t\t", "\t").splitlines()
        if "\t" in line
    )
    names = {key.strip(): value.strip(" :\t") for key, value in info.items()}
    usable = len(os.sched_getaffinity(0))
    parts = [names.get("model name", platform.machine()), f"{usable} cores"]
    if "cache size" in names:
        parts.append(f"{names['cache size']} cache")
    return ", ".join(parts)


def _memory() -> str:
    found = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return f"{int(found[1]) / (1 << 20):.1f} GiB" if found else "unknown"


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _tool(name: str) -> str:
    if not shutil.which(name):
        return "not installed"
    done = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "unknown"
