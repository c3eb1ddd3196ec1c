# SPDX-License-Identifier: Apache-2.0
"""Build and run the engine's unit tests, which are in C++ beside this file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "native-tests"


def run(command: list[str | Path]) -> str:
    # The build's own tools stand beside Python's, as for the package.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_native_test_passes() -> None:
    run(["cmake", "-S", HERE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE="])
    # Other tests run meanwhile, some of them in a browser: they go first.
    run(["nice", "cmake", "--build", BUILD, "--parallel", "1"])
    summary = run([BUILD / "native_tests"])
    assert "[doctest] Status: SUCCESS!" in summary
    listed = run([BUILD / "native_tests", "--list-test-cases"])
    sources = [*HERE.rglob("test_*.cpp")]
    cases = sum(source.read_text().count("TEST_CASE(") for source in sources)
    assert f"unskipped test cases passing the current filters: {cases}" in listed
