# SPDX-License-Identifier: Apache-2.0
"""`reven check`: the user's own proof that a trace is right."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from reven._engine import CheckResult, Trace
from reven.cli.info import read_manifest
from reven.cli.shared.console import count_text, duration_text, escape, out, plural, print_json
from reven.cli.shared.progress import progress_bar
from reven.end import notice_sentence
from reven.ossi.stored_binaries import StoredBinaries
from reven.record.manifest import MANIFEST, ImportedFrom

PANEL = "Record"


def check(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Verify every checksum and replay the whole trace.

    Every recorded load must equal memory rebuilt from the initial image, the stores
    and what was recorded of others' writes, which are counted; every key frame must
    equal the decoded registers; the instructions that ran must be what memory held; the
    copies of the mapped binaries must have their hashes; a recording that was complete
    must still be. Exit status 0 if all do, 1 if not, 2 if the trace cannot be read.
    """
    started = time.monotonic()
    opened = Trace(str(trace))
    with progress_bar("Checking") as report:
        result = opened.check(report)
    problems = [*result.problems, *_missing(trace, opened)]
    notices = _notices(trace)
    source = read_manifest(trace).source if (trace / MANIFEST).exists() else None
    good = not (result.bad_loads or result.bad_key_frames or result.bad_blocks or problems)
    if json:
        print_json({**_as_dict(result, problems, good, source), "notices": notices})
    else:
        _print(result, problems, good, time.monotonic() - started, source, notices)
    raise typer.Exit(0 if good else 1)


def _missing(trace: Path, opened: Trace) -> list[str]:
    """What the manifest promises and the trace does not hold."""
    if not (trace / MANIFEST).exists():
        return []
    manifest = read_manifest(trace)
    problems = StoredBinaries(trace, manifest.binaries).damaged()
    if opened.register_file_size != manifest.register_file_size and opened.transition_count:
        problems.append(
            f"the register files have {opened.register_file_size} bytes, not the "
            f"{manifest.register_file_size} that the manifest says"
        )
    lost = manifest.transitions - opened.transition_count
    if manifest.complete and (lost or opened.problem):
        problems.append(
            f"{plural(lost, 'transition')} of the recording cannot be read: {opened.problem}"
        )
    return problems


def _notices(trace: Path) -> list[str]:
    if not (trace / MANIFEST).exists():
        return []
    return [notice_sentence(notice) for notice in read_manifest(trace).notices]


def _as_dict(
    result: CheckResult, problems: list[str], good: bool, source: ImportedFrom | None
) -> dict[str, object]:
    return {
        "good": good,
        "segments": result.segments,
        "executions": result.executions,
        "transitions": result.transitions,
        "loads": result.loads,
        "bad_loads": result.bad_loads,
        "key_frames": result.key_frames,
        "bad_key_frames": result.bad_key_frames,
        "blocks": result.blocks,
        "bad_blocks": result.bad_blocks,
        "alias_changes": result.alias_changes,
        "outside_changes": result.outside_changes,
        "file_changes": result.file_changes,
        "unrecorded_changes": result.unrecorded_changes,
        "problems": problems,
        "not_held": source.missing if source else [],
    }


def _print(
    result: CheckResult,
    problems: list[str],
    good: bool,
    seconds: float,
    source: ImportedFrom | None,
    notices: list[str],
) -> None:
    console = out()
    console.print(
        f"{plural(result.transitions, 'transition')} in {plural(result.segments, 'segment')}, "
        f"replayed in {duration_text(seconds)}"
    )
    console.print(f"loads       {_verdict(result.loads, result.bad_loads)}")
    console.print(f"key frames  {_verdict(result.key_frames, result.bad_key_frames)}")
    console.print(f"code        {_verdict(result.blocks, result.bad_blocks)}")
    for count, whose in (
        (result.alias_changes, "by stores to the same page at another address"),
        (result.outside_changes, "by another process or the kernel, dated when first seen"),
        (result.file_changes, "by others' writes to mapped files"),
        (result.unrecorded_changes, "by code that was not recorded"),
    ):
        if count:
            console.print(f"memory      {plural(count, 'change')} {whose}")
    for problem in problems:
        console.print(f"  [bad]{escape(problem)}[/]")
    for notice in notices:
        console.print(f"  [event]{escape(notice)}[/]")
    if source:
        console.print(
            f"It was imported from a {escape(source.format)}; what that does not hold cannot be "
            f"checked: {escape(', '.join(source.missing))}."
        )
    console.print("[good]The trace is right.[/]" if good else "[bad]The trace is wrong.[/]")


def _verdict(compared: int, bad: int) -> str:
    if bad:
        return f"{count_text(compared)} compared, [bad]{count_text(bad)} differ[/]"
    return f"{count_text(compared)} compared, [good]all equal[/]"
