# SPDX-License-Identifier: Apache-2.0
"""A query that meets a damaged index has it made anew and asks again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from reven.trace.opened import DamagedIndexError, OpenedTrace

__all__ = ["healing"]

Service = TypeVar("Service", bound=type[OpenedTrace])


def healing(service: Service) -> Service:
    """Let every public method of a service heal the indexes beside its trace."""
    for name in dir(service):
        method = getattr(service, name)
        if callable(method) and not name.startswith("_"):
            setattr(service, name, _healed(method))
    return service


def _healed(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def ask(self: OpenedTrace, *words: Any, **named: Any) -> Any:
        try:
            return method(self, *words, **named)
        except DamagedIndexError:
            self.heal()
            return method(self, *words, **named)

    return ask
