# SPDX-License-Identifier: Apache-2.0
"""Find what the modules of a package offer, so that adding a module is all it takes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any


@cache
def _offers(package: str, attribute: str) -> dict[str, Any]:
    found = importlib.import_module(package)
    offers: dict[str, Any] = {}
    for module in pkgutil.iter_modules(found.__path__):
        offered = getattr(importlib.import_module(f"{package}.{module.name}"), attribute, None)
        if offered is not None:
            offers[module.name] = offered
    return offers


def names_with(package: str, attribute: str) -> list[str]:
    """The names of the package's modules that have the attribute.

    >>> names_with("reven.formats", "EXPORTER")
    ['core', 'drcov', 'folded', 'tenet']
    """
    return sorted(_offers(package, attribute))


def object_of(package: str, module: str, attribute: str) -> Any:
    """The attribute of a module that `names_with` names."""
    return _offers(package, attribute)[module]
