# SPDX-License-Identifier: Apache-2.0
"""OSSI, operating-system-specific information: binaries, symbols, locations, processes."""

from __future__ import annotations

from reven2.ossi import os as os
from reven2.ossi import ossi, process
from reven2.ossi.os import Architecture, KernelVersion, Os, OsError, OsFamily, WindowsVersion

__all__ = [
    "Architecture",
    "KernelVersion",
    "Os",
    "OsError",
    "OsFamily",
    "WindowsVersion",
    "os",
    "ossi",
    "process",
]
