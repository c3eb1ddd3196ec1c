# SPDX-License-Identifier: Apache-2.0
"""Run a program with and without the recorder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reven import _engine

REVEN = str(Path(sys.executable).with_name("reven"))


@dataclass(frozen=True)
class BothWays:
    """What a program did natively, and what it did while it was recorded."""

    native: subprocess.CompletedProcess[str]
    recorded: subprocess.CompletedProcess[str]
    trace: Path
    checked: _engine.CheckResult

    def assert_same(self) -> None:
        """The recorder changed nothing, and the record is right."""
        assert self.recorded.stdout == self.native.stdout, self.recorded.stderr
        assert self.recorded.returncode == self.native.returncode, self.recorded.stderr
        checked = self.checked
        assert (checked.problems, checked.bad_loads, checked.bad_key_frames) == ([], 0, 0)
        assert checked.bad_blocks == 0


RunBothWays = Callable[..., BothWays]


@pytest.fixture
def run_both_ways(tmp_path: Path) -> RunBothWays:
    """`run_both_ways(command, *options, **how)`: natively, then by `reven record`, each in
    the same folder. `how`: arguments of subprocess.run."""
    trace = tmp_path / "traces" / "t.reven"
    trace.parent.mkdir()

    def run_(command: Sequence[str | Path], *options: str, **how: object) -> BothWays:
        def run(words: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
            return subprocess.run(  # type: ignore[call-overload, no-any-return]
                words, capture_output=True, text=True, check=False, cwd=tmp_path, **how
            )

        native = run(command)
        recorded = run([REVEN, "record", "-q", "-o", trace, *options, "--", *command])
        assert (trace / "manifest.json").exists(), recorded.stderr
        return BothWays(native, recorded, trace, _engine.Trace(str(trace)).check())

    return run_
