# SPDX-License-Identifier: Apache-2.0
"""Recording starts without what only looking at traces needs."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("slow", ["reven2", "numpy", "capstone", "pandas", "litestar"])
def test_recording_does_not_load_what_is_slow(slow: str) -> None:
    script = f"import sys, reven.cli.record; print({slow!r} in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
