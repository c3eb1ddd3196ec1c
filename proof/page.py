# SPDX-License-Identifier: Apache-2.0
"""docs/proof.md: what was found of every program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from proof.run import Result

INTRODUCTION = """\
# Proof

Every program of a list runs natively and recorded, in folders that begin alike. Its exit status,
what it writes to standard output and error, and every file that it makes must be the same, and
`reven check` must find each of its traces right, those of its child processes too.

    make proof                                        # what has no result yet, then this page
    .venv/bin/python -m proof --only sqlite --again all    # some anew
    .venv/bin/python -m proof --list

The list is `proof/lists/*.toml` and the C files in `proof/own/`; `proof/programs.py` explains
the settings. `scripts/system-packages python3 proof` installs what it needs; what is missing is
skipped. An entry may hide what differs between two native runs (times, addresses, ports); when
outputs differ, the program runs natively once more, and if that differs too, the entry is
`unsteady`: nothing is proved by it. A result stays until its entry changes, also when the
recorder does: `--again all` proves a new one, `--again wrong` what it may have mended.

**right**: the same as natively, and all traces check. **said**: it differs for a reason that
docs/reference/limits.md names, and the recording says so. **wrong**: anything else.
"""


def page(results: Sequence[Result], listed: int) -> str:
    """The page, of the results there are for `listed` programs."""
    count = Counter(result.verdict for result in results)
    run = count["right"] + count["said"] + count["wrong"]
    share = 100 * (count["right"] + count["said"]) / run if run else 0
    transitions = sum(result.transitions for result in results)
    traces = sum(result.traces for result in results)
    lines = [
        INTRODUCTION,
        f"**{count['right']:,} right, {count['said']} said, {count['wrong']} wrong of {run:,} "
        f"programs: {share:.1f} % right or said**, in {traces:,} traces of {transitions:,} "
        f"transitions. {count['unsteady']} unsteady, {count['skipped']} not installed, "
        f"{listed - len(results)} of the {listed:,} listed not run yet.",
        "",
        "Times are of a machine that did other work too: they are no benchmark.",
        "",
    ]
    if wrong := [result for result in results if result.verdict == "wrong"]:
        lines += ["## Wrong", ""]
        for result in wrong:
            lines.append(f"- **{text(result.name)}**: {text('; '.join(result.why[:2]))}")
        lines.append("")
    if said := [result for result in results if result.verdict == "said"]:
        lines += ["## Said", ""]
        for result in said:
            lines.append(f"- **{text(result.name)}**: {text('; '.join(result.notices[:2]))}")
        lines.append("")
    for area in sorted({result.area for result in results}):
        lines += [
            f"## {area.capitalize()}",
            "",
            "| program | version | transitions | traces | native | recorded | |",
            "|---|---|---:|---:|---:|---:|---|",
        ]
        for result in results:
            if result.area != area:
                continue
            if result.verdict == "skipped":
                figures = "| | | | | not installed"
            else:
                figures = (
                    f"| {result.transitions:,} | {result.traces} | {result.native_seconds:.2f} s "
                    f"| {result.recorded_seconds:.2f} s | {result.verdict}"
                )
            lines.append(f"| {text(result.name)} | {text(result.version)} {figures} |")
        lines.append("")
    return "\n".join(lines)


def text(value: str) -> str:
    """In a table or list of Markdown, as it is: a program may have written anything."""
    value = re.sub(r"[\x00-\x1f\x7f]", " ", value)
    value = re.sub(r"/\S*/work-\d+/run/", "", value)
    return re.sub(r"([\\|`*_<>\[\]#$~])", r"\\\1", value)[:300]
