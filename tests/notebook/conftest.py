# SPDX-License-Identifier: Apache-2.0
"""A real JupyterLab, looked at with a real browser."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"

OpenNotebook = Callable[..., Page]


class Lab:
    """A JupyterLab whose notebooks are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._token = secrets.token_hex(16)
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--port=0", f"--IdentityProvider.token={self._token}"),
            f"--ServerApp.root_dir={folder}",
        ]
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        address = re.compile(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab")
        found = next(filter(None, map(address.search, self._process.stderr)))
        self._port = int(found[1])

    def url(self, notebook: str) -> str:
        # A workspace of its own: no other notebook is open in it.
        workspace = notebook.removesuffix(".ipynb")
        path = f"/lab/workspaces/{workspace}/tree/{notebook}?token={self._token}"
        return f"http://localhost:{self._port}{path}"

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()


@pytest.fixture(scope="session")
def lab(
    tmp_path_factory: pytest.TempPathFactory, serve_traces: Callable[..., int]
) -> Iterator[Lab]:
    """Runs with the environment of `serve_traces`, so that kernels find the servers."""
    root = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(root / name.lower()))
        # Otherwise a question about news takes the focus while a test types.
        patch.setenv("JUPYTERLAB_SETTINGS_DIR", str(root / "settings"))
        extension = root / "settings" / "@jupyterlab" / "apputils-extension"
        extension.mkdir(parents=True)
        (extension / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        notebooks = root / "notebooks"
        notebooks.mkdir()
        made = Lab(notebooks)
        yield made
        made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # No longer than these tests: while Playwright runs, asyncio.run() is refused.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_notebook(lab: Lab, browser: Browser) -> Iterator[OpenNotebook]:
    """`open_notebook(*cells) -> Page`: a notebook with these cells, its kernel ready."""
    pages: list[Page] = []

    def open_(*cells: str) -> Page:
        name = f"{secrets.token_hex(4)}.ipynb"
        (lab.folder / name).write_text(json.dumps(notebook(cells)))
        page = browser.new_page()
        pages.append(page)
        page.goto(lab.url(name))
        page.locator(".jp-Notebook").wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        return page

    yield open_
    for page in pages:
        page.close()


def notebook(cells: tuple[str, ...]) -> dict[str, object]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
    }
