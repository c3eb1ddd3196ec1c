# SPDX-License-Identifier: Apache-2.0
"""Take the screenshots of docs/axion.md: the crash of examples/weather.c, and who caused it.

    python scripts/axion_screenshots.py [FOLDER]

Needs gcc and Chromium. FOLDER is docs/images unless it is given.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from reven2._client.run_file import read_run_file

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1440, "height": 900}
SMALL = {"width": 1280, "height": 720}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    reven = str(Path(sys.executable).with_name("reven"))
    with tempfile.TemporaryDirectory(prefix="weather-") as name:
        work = Path(name)
        program, trace = work / "weather", work / "weather.reven"
        # The pictures show where the source is, so that it is nobody's own folder.
        for file in ("weather.c", "weather.txt"):
            shutil.copy(ROOT / "examples" / file, work)
        subprocess.run(["gcc", "-g", "-o", program, "weather.c"], cwd=work, check=True)
        recorded = [program, work / "weather.txt"]
        subprocess.run([reven, "record", "-o", trace, "--", *recorded], check=False)
        command = [reven, "serve", "--port", "0", str(trace)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = int(
                next(line for line in server.stdout if line.startswith("at ")).split(":")[-1]
            )
            try:
                with sync_playwright() as playwright:
                    chromium = playwright.chromium.launch(
                        executable_path=CHROMIUM, args=["--no-sandbox"]
                    )
                    take(chromium, port, folder)
                    chromium.close()
            finally:
                server.terminate()


def take(chromium: Browser, port: int, folder: Path) -> None:
    """All screenshots, in the order of the story."""
    page = open_axion(chromium, port, SIZE, "dark")

    def shoot(name: str, of: Page = page) -> None:
        of.wait_for_load_state("networkidle")
        of.wait_for_timeout(400)
        of.screenshot(path=folder / f"axion-{name}.png")

    run(page, "Go to the end")
    shoot("crash")
    # What rax should have been was read from [rdi+0x10]; select it.
    type_address(page, "rdi+0x10")
    memory = page.get_by_role("grid", name="Memory")
    memory.press("ArrowRight")
    for _ in range(7):
        memory.press("Shift+ArrowRight")
    page.keyboard.press("W")
    page.locator(".access[aria-selected=true]").first.wait_for()
    shoot("write")
    small = open_axion(chromium, port, SMALL, "light")
    run(small, "Go to the end")
    shoot("light", small)


def open_axion(chromium: Browser, port: int, size: dict[str, int], theme: str) -> Page:
    context = chromium.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="light" if theme == "light" else "dark",
    )
    run_file = read_run_file(port)
    assert run_file is not None
    kept = json.dumps(run_file.token)
    context.add_init_script(f"localStorage['reven.secret'] ??= {kept}")
    page = context.new_page()
    page.goto(f"http://localhost:{port}/")
    page.locator(".mnemonic").first.wait_for()
    return page


def run(page: Page, command: str) -> None:
    """Run a command by its name."""
    page.keyboard.press("Control+K")
    page.keyboard.type(command)
    page.keyboard.press("Enter")


def type_address(page: Page, expression: str) -> None:
    field = page.locator('input[name="expression"]')
    field.fill(expression)
    field.press("Enter")
    expect(page.locator('[data-panel="memory"] .hexline').first).to_be_visible()
    page.wait_for_timeout(300)


if __name__ == "__main__":
    main()
