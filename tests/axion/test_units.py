# SPDX-License-Identifier: Apache-2.0
"""The unit and property tests of Axion's own modules, in axion/tests, by vitest."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

AXION = Path(__file__).parents[2] / "axion"
VITEST = AXION / "node_modules" / ".bin" / "vitest"


def test_the_modules_of_axion(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [
        str(VITEST),
        "run",
        "--reporter=default",
        "--reporter=json",
        f"--outputFile={report}",
    ]
    done = subprocess.run(command, cwd=AXION, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(report.read_text())
    assert counts["numPassedTests"] == counts["numTotalTests"] > 0
