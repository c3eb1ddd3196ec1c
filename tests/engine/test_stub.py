# SPDX-License-Identifier: Apache-2.0
"""What the stub says of the engine is what the engine says of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_stub_is_that_of_the_bindings(tmp_path: Path) -> None:
    made = tmp_path / "_engine.pyi"
    subprocess.run([ROOT / "scripts" / "engine_stub", made], check=True)
    kept = ROOT / "src" / "reven" / "_engine.pyi"
    assert kept.read_text() == made.read_text(), "run: scripts/engine_stub"
