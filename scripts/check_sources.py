# SPDX-License-Identifier: Apache-2.0
"""Hold the rules that no other tool holds: licence lines, and the length of files.

Looks at the source files below the current directory; prints one line for each
that breaks a rule and exits 1 then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_LINES = 700
"""Above 500, look whether a file has two meanings; above this it has."""
SUFFIXES = {".py", ".pyi", ".c", ".h", ".cpp", ".ts", ".tsx", ".css", ".sh"}
SPDX = "SPDX-License-Identifier: "
GENERATED = "auto-generated"
SKIPPED_DIRECTORIES = {"build", "dist", "node_modules"}


def source_files(root: Path) -> Iterator[Path]:
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = [
            name
            for name in subdirectories
            if name not in SKIPPED_DIRECTORIES and not name.startswith(".")
        ]
        yield from (Path(directory, name) for name in names if Path(name).suffix in SUFFIXES)


def problems(path: Path) -> Iterator[str]:
    lines = path.read_text("utf-8").splitlines()
    if not any(SPDX in line for line in lines[:3]):
        yield f"{path}: the first line must say `{SPDX}…`"
    # What a tool writes is nobody's to split.
    is_generated = any(GENERATED in line for line in lines[:5])
    if len(lines) > MAX_LINES and not is_generated:
        yield f"{path}: {len(lines)} lines; split by meaning what has more than {MAX_LINES}"


def main() -> int:
    found = [problem for path in sorted(source_files(Path())) for problem in problems(path)]
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
