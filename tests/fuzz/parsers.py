# SPDX-License-Identifier: Apache-2.0
"""Atheris on what takes bytes from outside in Python: `parsers.py NAME [libFuzzer's options]`."""

from __future__ import annotations

import logging
import sys

import atheris

with atheris.instrument_imports(include=["reven", "elftools"]):
    from tests.fuzz.targets import PARSERS

if __name__ == "__main__":
    logging.disable()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], PARSERS[sys.argv[1]])
    atheris.Fuzz()
