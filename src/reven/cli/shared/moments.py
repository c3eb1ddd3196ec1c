# SPDX-License-Identifier: Apache-2.0
"""Moments and places on the command line, in the one language of `reven.resolving`."""

from __future__ import annotations

import re

from reven.cli.shared.console import count_text
from reven.errors import CommandError
from reven2 import OpenTrace
from reven2.errors import InvalidArgumentError, OutOfRangeError

__all__ = ["MOMENT", "NoSuchMoment", "address", "bounds", "context", "transition"]

MOMENT = "a number, a share as 50%, first, last, or a place that runs, as main or parse.c:41"
"""For the help of an option that takes one."""


class NoSuchMoment(CommandError):
    """What is written names no moment of the trace."""


def transition(server: OpenTrace, written: str) -> int:
    """The number of the transition that is written; for a place, of the first that runs there.

    Raises:
        NoSuchMoment: it cannot be understood, lies outside of the trace, or never runs.
    """
    try:
        found = server.where(written)._data.transition
    except OutOfRangeError:
        count = server.trace.transition_count
        raise NoSuchMoment(
            f"there is no transition {written}: the trace has {count_text(count)}, "
            f"numbered from 0 to {count_text(count - 1)}"
        ) from None
    except InvalidArgumentError as error:
        raise NoSuchMoment(_reason(written, str(error))) from None
    if found is None:
        raise NoSuchMoment(f"the trace never executes {written}: give another place, or a number")
    return found


def context(server: OpenTrace, written: str) -> int:
    """The same for a context, of which there is one more; a transition's is that before it."""
    service = server.trace._service
    try:
        found = service.resolve(written, 0, thread=None, wanted="context").transition
    except (InvalidArgumentError, OutOfRangeError):
        found = None
    return transition(server, written) if found is None else found


def bounds(server: OpenTrace, start: str, stop: str | None) -> tuple[int, int]:
    """The transitions [start, stop) of --from and --to."""
    count = server.trace.transition_count
    return context(server, start), count if stop is None else context(server, stop)


def address(server: OpenTrace, written: str, at: int = 0) -> int:
    """The address that is written, with the registers and memory of a context."""
    found = server.trace._service.resolve(written, at, thread=None, wanted="address").address
    assert found is not None
    return found


def _reason(written: str, error: str) -> str:
    """Why a place is none, in the words for what most often is one."""
    if re.fullmatch(r"[A-Za-z_][\w.]*", written) and "no register or symbol" in error:
        _, similar, names = error.partition("; did you mean ")
        return f"no executed binary has a symbol {written!r}" + (
            f": did you mean {names}" if similar else ""
        )
    return error
