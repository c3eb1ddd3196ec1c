# SPDX-License-Identifier: Apache-2.0
"""Axion in Chromium: how soon it shows what, and what it keeps. Alone:

python -m benchmarks.axion TRACE [--wander SECONDS]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from benchmarks.measure import percentile
from benchmarks.table import Table, count, duration, mebibytes, verdict
from reven2._client.run_file import RunFile, read_run_file

CHROMIUM = "/usr/bin/chromium"
SELECTION_BUDGET = 100.0  # milliseconds
NEAR = 20_000  # transitions
SELECTION_TIMEOUT = 120.0  # seconds
FRAMES = 240

_SCROLLED = """async (frames) => {
  const list = document.querySelector('#trace-list');
  const counts = {rows: 0, gaps: 0, waiting: 0, longest: 0};
  let last = performance.now();
  for (let frame = 0; frame < frames; frame++) {
    list.scrollTop += 120;
    // What this frame paints: the scroll event comes before.
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    counts.longest = Math.max(counts.longest, now - last);
    last = now;
    const ids = [...list.querySelectorAll('.id')].map(cell => Number(cell.textContent));
    counts.rows += ids.length;
    counts.gaps += ids.filter((id, at) => at > 0 && id !== ids[at - 1] + 1).length;
    counts.waiting += list.querySelectorAll('.waiting').length;
  }
  return counts;
}"""


def axion_table(
    trace: Path,
    note: Callable[[str], None],
    *,
    samples: int = 100,
    wander_seconds: float = 60,
) -> Table:
    """Measure and tabulate. `trace`: one of some 10^8 transitions."""
    note("Axion in Chromium")
    with _served(trace) as (url, run_file), _page() as page:
        kept = json.dumps(run_file.token)
        page.context.add_init_script(f"localStorage['reven.secret'] ??= {kept}")
        page.add_init_script("performance.setResourceTimingBufferSize(10)")
        scenario = run_file.scenarios[0]
        page.goto(f"{url}/#/{scenario}/transition/0")
        page.locator(".mnemonic").first.wait_for()
        asked = page.context.request.post(
            f"{url}/api/v1/scenarios/{scenario}/views/scenario", data={}
        )
        total = int(asked.json()["transitions"])
        # The indexes are there from then on.
        _wait_until_quiet(page)
        page.reload()
        page.locator(".mnemonic").first.wait_for()
        paint, rows = page.evaluate(
            "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
            " performance.now()]"
        )
        table = Table(
            f"Axion, on {count(total)} transitions",
            ("what", "p50", "p95", "budget"),
            notes=[
                "From a selection until every view has painted it, in headless Chromium "
                "(software rendering) with all default panels at 1600 × 900, server on the "
                "same machine."
            ],
        )
        table.rows.append(("first paint", duration(paint / 1e3), "", ""))
        table.rows.append(("first rows of the trace", duration(rows / 1e3), "", ""))
        middle = total // 2
        chooser = random.Random(1)
        for what, transitions in (
            (
                "select a transition nearby",
                [middle + chooser.randrange(NEAR) for _ in range(samples)],
            ),
            ("select one anywhere", [chooser.randrange(total) for _ in range(samples)]),
        ):
            found = [_selection(page, scenario, number) for number in transitions]
            table.rows.append(_selection_row(what, found))
        table.rows.append(_selection_row("step", [_step(page) for _ in range(samples)]))
        table.rows.append(_scrolling_row(page))
        table.rows.append(_wandering_row(page, scenario, total, wander_seconds, note))
    return table


def _selection_row(what: str, milliseconds: list[float]) -> tuple[str, ...]:
    p95 = percentile(milliseconds, 95)
    p50 = duration(percentile(milliseconds, 50) / 1e3)
    return what, p50, duration(p95 / 1e3), verdict(p95, SELECTION_BUDGET, " ms")


def _selection(page: Page, scenario: str, transition: int) -> float:
    return _measured(page, lambda: _open(page, scenario, transition))


def _open(page: Page, scenario: str, transition: int) -> None:
    page.evaluate("hash => { location.hash = hash }", f"#/{scenario}/transition/{transition}")


def _step(page: Page) -> float:
    return _measured(page, lambda: page.keyboard.press("F11"))


def _measured(page: Page, act: Callable[[], None]) -> float:
    """Milliseconds of the "selection" that an act begins."""
    page.evaluate("performance.clearMeasures()")
    act()
    deadline = time.monotonic() + SELECTION_TIMEOUT
    while time.monotonic() < deadline:
        found = page.evaluate("performance.getEntriesByName('selection').map(e => e.duration)")
        if found:
            return float(found[0])
        page.wait_for_timeout(5)
    raise RuntimeError("Axion did not paint a selection.")


def _scrolling_row(page: Page) -> tuple[str, ...]:
    counts = page.evaluate(_SCROLLED, FRAMES)
    awaited = counts["waiting"] / counts["rows"]
    return (
        f"scroll {FRAMES} frames, 6 rows each: rows left out",
        str(counts["gaps"]),
        "",
        f"{verdict(counts['gaps'], 0)} ({awaited:.1%} painted before their text came)",
    )


def _wandering_row(
    page: Page, scenario: str, total: int, seconds: float, note: Callable[[str], None]
) -> tuple[str, ...]:
    note(f"Axion: wandering for {seconds:.0f} s")
    before = _heap(page)
    chooser = random.Random(2)
    deadline = time.monotonic() + seconds
    moves = 0
    while time.monotonic() < deadline:
        _selection(page, scenario, chooser.randrange(total))
        moves += 1
    return (
        f"JavaScript heap before and after {moves} moves in {seconds:.0f} s",
        mebibytes(before),
        mebibytes(_heap(page)),
        "",
    )


def _heap(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = cast(dict[str, Any], session.send("Runtime.getHeapUsage"))["usedSize"]
    session.detach()
    return float(used)


def _wait_until_quiet(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    _measured(page, lambda: page.keyboard.press("F11"))
    page.wait_for_load_state("networkidle")


@contextmanager
def _page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1600, "height": 900})
        yield context.new_page()
        chromium.close()


@contextmanager
def _served(trace: Path) -> Iterator[tuple[str, RunFile]]:
    command = [str(Path(sys.executable).with_name("reven")), "serve", "--port", "0", str(trace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = next(line for line in process.stdout if line.startswith("at ")).split()[-1]
        try:
            run_file = read_run_file(int(url.rpartition(":")[2]))
            assert run_file is not None
            yield url, run_file
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.axion", description=__doc__)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--wander", type=float, default=600, metavar="SECONDS")
    options = parser.parse_args()
    console = Console()
    table = axion_table(
        options.trace,
        lambda text: console.print(text, style="dim"),
        samples=options.samples,
        wander_seconds=options.wander,
    )
    table.show(console)


if __name__ == "__main__":
    main()
