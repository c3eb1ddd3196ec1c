# SPDX-License-Identifier: Apache-2.0
"""Record a program's execution once; then explore every moment of it.

`reven` is what you run: the recorder, the trace, the engine and the command
line. What scripts import is `reven2`.
"""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("reven")
