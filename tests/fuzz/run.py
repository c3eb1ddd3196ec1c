# SPDX-License-Identifier: Apache-2.0
"""Build the native fuzzers and run them, and those of the Python parsers: `run.py SECONDS
[NAME…]`, so long each. What makes one fail is kept in build/fuzz/found, and the exit status is 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fuzz.corpora import FUZZERS, write_corpora
from tests.fuzz.targets import PARSERS, SEEDS

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "fuzzers"
WORK = ROOT / "build" / "fuzz"
LIMITS = ["-rss_limit_mb=2048", "-timeout=20", "-max_len=20000", "-print_final_stats=1"]


def build() -> None:
    """Compile what has changed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    configure = ["cmake", "-S", f"{Path(__file__).parent}/native", "-B", str(BUILD), "-G", "Ninja"]
    options = ["-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_BUILD_TYPE="]
    subprocess.run([*configure, *options], check=True, env=environment, stdout=subprocess.DEVNULL)
    command = ["nice", "cmake", "--build", str(BUILD), "--parallel", "2"]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def run(name: str, seconds: float) -> tuple[bool, str]:
    """Run one; whether nothing was found, and what it says at its end."""
    found, kept, seeds = WORK / "found" / name, WORK / "kept" / name, WORK / "seeds" / name
    for folder in (found, kept):
        folder.mkdir(parents=True, exist_ok=True)
    if name in PARSERS:
        command: list[str | Path] = [sys.executable, "-m", "tests.fuzz.parsers", name]
    else:
        command = [BUILD / f"fuzz_{name}"]
    options = [f"-max_total_time={seconds:.0f}", f"-artifact_prefix={found}/", *LIMITS]
    folders = [kept, seeds] if seeds.exists() else [kept]
    done = subprocess.run(
        ["nice", *command, *folders, *options],
        cwd=ROOT, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode == 0:
        runs = [line for line in done.stderr.splitlines() if "executed_units" in line]
        return True, runs[-1].rpartition(" ")[2] if runs else "?"
    return False, done.stdout[-2000:] + done.stderr[-8000:]


def main(words: list[str]) -> int:
    seconds = float(words[0])
    names = words[1:] or [*FUZZERS, *PARSERS]
    if any(name in FUZZERS for name in names):
        build()
    shutil.rmtree(WORK / "seeds", ignore_errors=True)
    write_corpora(WORK / "seeds")
    for name, inputs in SEEDS.items():
        (WORK / "seeds" / name).mkdir()
        for number, data in enumerate(inputs):
            (WORK / "seeds" / name / f"{number}").write_bytes(data)
    good = True
    for name in names:
        is_good, said = run(name, seconds)
        print(f"{name}: {said + ' inputs, nothing found' if is_good else said}", flush=True)
        good = good and is_good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
