# SPDX-License-Identifier: Apache-2.0
"""What Axion believes of the API is what the server says of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_types_are_those_of_the_api(tmp_path: Path) -> None:
    made = tmp_path / "schema.ts"
    subprocess.run([ROOT / "scripts" / "axion_types", made], check=True)
    kept = ROOT / "axion" / "src" / "api" / "schema.ts"
    assert kept.read_text() == made.read_text(), "run: scripts/axion_types"
