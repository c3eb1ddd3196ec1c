# SPDX-License-Identifier: Apache-2.0
"""The methods of `TraceService` as requests: what each takes and gives, within which bounds.

Made from the Protocol's own signatures, so that it is written down once.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_type_hints

import msgspec

from reven.server.running import Pace
from reven.server.scenarios import Scenario
from reven2._service import query_methods, traits_of
from reven2.errors import InvalidArgumentError, RevenError

__all__ = ["QUERIES", "Query", "bounded"]

Result = TypeVar("Result")

INTEGER_LIMIT = 1 << 64
TRANSITIONS_LIMIT = 1 << 18
CONTEXTS_LIMIT = 1 << 14
MEMORY_LIMIT = 64 << 20
ANSWERS_LIMIT = 1 << 17
"""Largest `limit` and number of instructions, ranges … of one request."""

BULK = {"transitions": 1 << 14, "registers": 1 << 10, "memory": 4 << 20, "disassemble": 1 << 12}
"""Who asks a quick query for more than this takes turns, as with a long one."""


class Query(msgspec.Struct, frozen=True):
    """A method: `arguments` is a Struct type with its parameters, `answer` its type, the others
    as in `reven2._service.declared.Traits`."""

    name: str
    summary: str
    arguments: type[msgspec.Struct]
    answer: Any
    slow: bool
    scans: bool
    changes: bool

    def pace(self, values: Mapping[str, Any]) -> Pace:
        """How it runs, with these arguments."""
        if self.scans or _is_bulk(self.name, values):
            return "scan"
        return "view" if self.slow else "quick"

    def on(self, scenario: Scenario, values: dict[str, Any]) -> Callable[[], Any]:
        """What asks it.

        Raises:
            InvalidArgumentError: an argument out of bounds.
        """
        _check(self.name, values)
        method = scenario.info if self.name == "info" else getattr(scenario.service, self.name)

        return lambda: bounded(lambda: method(**values), self.name, values)


def bounded(ask: Callable[[], Result], name: str, values: Mapping[str, Any]) -> Result:
    """What `ask` gives.

    Raises:
        InvalidArgumentError: it met values that nothing here was made for.
    """
    try:
        return ask()
    except RevenError:
        raise
    except (TypeError, OverflowError, ValueError, RecursionError):
        # The engine's integers are narrower than those of a message; depth has its limits, too.
        raise InvalidArgumentError(f"{name} cannot take {_shown(values)}.") from None
    except MemoryError:
        raise InvalidArgumentError(
            f"There is not enough memory for {name} with {_shown(values)}: ask for less."
        ) from None


def _queries() -> dict[str, Query]:
    queries = {}
    for name, method in query_methods().items():
        hints = get_type_hints(method)
        answer = hints.pop("return")
        camel = "".join(word.capitalize() for word in name.split("_"))
        arguments = msgspec.defstruct(
            f"{camel}Arguments", list(hints.items()), frozen=True, forbid_unknown_fields=True
        )
        summary = re.sub(r"\s+", " ", inspect.getdoc(method) or "") if method.__doc__ else ""
        traits = traits_of(method)
        queries[name] = Query(
            name, summary, arguments, answer, traits.slow, traits.scans, traits.changes
        )
    return queries


QUERIES: Mapping[str, Query] = _queries()


def _check(name: str, values: dict[str, Any]) -> None:
    for argument, value in values.items():
        for number in _integers(value):
            if not 0 <= number <= INTEGER_LIMIT:
                raise InvalidArgumentError(f"{argument} must lie between 0 and 2^64.")
        if isinstance(value, list | bytes | str) and len(value) > ANSWERS_LIMIT:
            raise InvalidArgumentError(f"{argument} may have at most {ANSWERS_LIMIT} entries.")
    limit = values.get("limit", 1)
    if not 1 <= limit <= ANSWERS_LIMIT:
        raise InvalidArgumentError(f"limit must lie between 1 and {ANSWERS_LIMIT}.")
    if name in ("read_memory", "read_known_memory") and values["size"] > MEMORY_LIMIT:
        raise InvalidArgumentError(f"One read gives at most {MEMORY_LIMIT} bytes: read in parts.")
    if name == "transitions" and values["stop"] - values["start"] > TRANSITIONS_LIMIT:
        raise InvalidArgumentError(f"A page has at most {TRANSITIONS_LIMIT} transitions.")
    if name == "registers" and len(values["contexts"]) > CONTEXTS_LIMIT:
        raise InvalidArgumentError(f"At most {CONTEXTS_LIMIT} contexts at once.")


def _is_bulk(name: str, values: Mapping[str, Any]) -> bool:
    if name in ("read_memory", "read_known_memory"):
        return bool(values["size"] > BULK["memory"])
    if name == "transitions":
        return bool(values["stop"] - values["start"] > BULK[name])
    if name == "registers":
        return len(values["contexts"]) > BULK[name]
    return name == "disassemble" and len(values["instructions"]) > BULK[name]


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r:.40}" for name, value in values.items())


def _integers(value: Any) -> list[int]:
    if isinstance(value, int):
        return [value]
    if isinstance(value, list | tuple):
        return [number for part in value for number in _integers(part)]
    return []
