# SPDX-License-Identifier: Apache-2.0
"""`python -m proof`: run what has no result yet, and write docs/proof.md.

Results are kept in build/proof, one file for each program, so that it goes on where it was
interrupted; an entry that changed, and with --again whatever is asked for, runs anew.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from proof.page import page
from proof.programs import HERE, Program, load
from proof.run import Result, Runner, adopt_orphans

ROOT = HERE.parent


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("--only", default="", help="programs whose name has this regex")
    parser.add_argument("--again", default="none", help="verdicts to run anew: wrong,said or all")
    parser.add_argument("--part", default="1/1", help="2/3: the second of three, run at once")
    parser.add_argument("--quick", action="store_true", help="the sample of `make test`")
    parser.add_argument("--list", action="store_true", help="say what there is, run nothing")
    parser.add_argument("--packages", action="store_true", help="print what to install")
    parser.add_argument("--results", type=Path, default=ROOT / "build/proof")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof.md")
    parser.add_argument("--no-page", action="store_true", help="leave the page as it is")
    chosen = parser.parse_args(arguments)
    programs = [
        program
        for program in load()
        if re.search(chosen.only, program.name) and (program.quick or not chosen.quick)
    ]
    if chosen.list:
        for program in programs:
            print(program.name, "" if not program.missing else "(not installed)")
        return 0
    chosen.results.mkdir(parents=True, exist_ok=True)
    adopt_orphans()
    again = chosen.again.split(",")
    part, parts = map(int, chosen.part.split("/"))
    for number, program in enumerate(programs, 1):
        if number % parts != part % parts:
            continue
        old = kept(chosen.results, program)
        if old is not None and old.verdict not in again and "all" not in again:
            continue
        result = Runner(chosen.results / f"work-{os.getpid()}").prove(program)
        file(chosen.results, program).write_bytes(msgspec.json.encode(result))
        said = f"{number}/{len(programs)} {result.verdict:8} {program.name}"
        print(said, *result.why[:2], sep="\n      ", flush=True)
    results = [found for each in load() if (found := kept(chosen.results, each)) is not None]
    if not chosen.no_page:
        chosen.output.write_text(page(results, len(load())), "utf-8")
    return int(any(result.verdict in ("wrong", "unsteady") for result in results))


def file(folder: Path, program: Program) -> Path:
    return folder / (re.sub(r"[^a-z0-9.+-]+", "-", program.name.lower()) + ".json")


def kept(folder: Path, program: Program) -> Result | None:
    """The result of this entry as it is now; what was not installed may be now."""
    path = file(folder, program)
    if not path.exists():
        return None
    result = msgspec.json.decode(path.read_bytes(), type=Result)
    stale = result.key != program.key or (result.verdict == "skipped" and not program.missing)
    return None if stale else result


if __name__ == "__main__":
    sys.exit(main())
