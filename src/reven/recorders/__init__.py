# SPDX-License-Identifier: Apache-2.0
"""The recorders, each a folder of its own behind `reven.recorders.protocol.Recorder`."""

from __future__ import annotations

import importlib
from pathlib import Path

from reven.recorders.errors import CannotRecord, RecorderUnavailable
from reven.recorders.protocol import Check, Launch, Order, Place, ReadyRecorder, Recorder

__all__ = [
    "DEFAULT",
    "CannotRecord",
    "Check",
    "Launch",
    "Order",
    "Place",
    "ReadyRecorder",
    "Recorder",
    "RecorderUnavailable",
    "get_recorder",
    "recorder_names",
]

DEFAULT = "valgrind"
"""The recorder that `reven record` runs."""


def recorder_names() -> list[str]:
    """The names of all recorders: the folders here that have a module `recorder`.

    >>> recorder_names()
    ['valgrind']
    """
    return sorted(module.parent.name for module in Path(__file__).parent.glob("*/recorder.py"))


def get_recorder(name: str = DEFAULT) -> Recorder:
    """The recorder of a name that `recorder_names` gives."""
    recorder: Recorder = importlib.import_module(f"{__name__}.{name}.recorder").RECORDER
    return recorder
