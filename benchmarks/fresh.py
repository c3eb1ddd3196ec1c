# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks.fresh module:function RESULT PARAMETERS`: one measurement in a process
of its own; see measure.in_fresh_process."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def main() -> None:
    function, result, parameters = sys.argv[1:]
    module, _, name = function.partition(":")
    measured = getattr(importlib.import_module(f"benchmarks.{module}"), name)
    Path(result).write_text(json.dumps(measured(**json.loads(parameters))))


if __name__ == "__main__":
    main()
