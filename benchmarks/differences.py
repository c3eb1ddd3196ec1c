# SPDX-License-Identifier: Apache-2.0
"""How long it takes to compare two executions.

    python -m benchmarks.differences GOOD BAD

GOOD and BAD are trace directories; one given twice is compared from its beginning to its end, as
nothing differs: the longest that the code in common can take.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import reven2
from reven import _engine


def measure(first: Path, second: Path) -> None:
    """Print the seconds of a comparison, and what was found."""
    lengths = [_engine.Trace(str(path)).transition_count for path in (first, second)]
    with reven2.open(first) as one, reven2.open(second) as other:
        begun, used = time.perf_counter(), time.process_time()
        found = one.trace.diff(other.trace)
        seconds, used = time.perf_counter() - begun, time.process_time() - used
    print(f"{lengths[0]:,} and {lengths[1]:,} transitions: {seconds:.1f} s, {used:.1f} s of CPU")
    print(f"{found.common:,} of own code are common, {len(found.divergences)} divergences")
    print(found.headline)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    measure(Path(sys.argv[1]), Path(sys.argv[2]))
