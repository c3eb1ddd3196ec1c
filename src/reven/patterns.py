# SPDX-License-Identifier: Apache-2.0
"""Regular expressions that a user sends, run within bounds: no pattern holds up the server."""

from __future__ import annotations

import time

import regex

from reven2.errors import InvalidArgumentError

__all__ = ["LONGEST_PATTERN", "Pattern"]

LONGEST_PATTERN = 1000  # characters
SECONDS = 10.0
SECONDS_FOR_ONE = 0.2
_LONGEST_SHOWN = 80
_ATTEMPTS = 20


class Pattern:
    """A regular expression and the time that it may still take, for one search over many texts.

    Parameters:
        text: the expression, as for `regex` (a superset of `re`).
        ignore_case: whether `a` finds `A`.
        seconds: how long all its matching may take together.

    Raises:
        InvalidArgumentError (a ValueError): it is no regular expression, or too long.
    """

    def __init__(self, text: str, *, ignore_case: bool = False, seconds: float = SECONDS) -> None:
        if len(text) > LONGEST_PATTERN:
            raise InvalidArgumentError(
                f"A regular expression may have at most {LONGEST_PATTERN} characters."
            )
        self._text = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
        try:
            self._compiled = regex.compile(text, regex.IGNORECASE if ignore_case else 0)
        except (regex.error, RecursionError, OverflowError) as error:
            raise InvalidArgumentError(
                f"{self._text!r} is no regular expression: {error}."
            ) from None
        self._left = seconds

    def is_in(self, text: str) -> bool:
        """Whether the expression matches somewhere in a text.

        Raises:
            InvalidArgumentError (a ValueError): the time is up.
        """
        for _ in range(_ATTEMPTS):
            # Nothing can stop it within one text, so that must not be long.
            limit = min(max(self._left, 0.001), SECONDS_FOR_ONE)
            begin = time.thread_time()
            try:
                # `concurrent` lets other threads run meanwhile.
                return self._compiled.search(text, concurrent=True, timeout=limit) is not None
            except TimeoutError:
                # On a busy machine the time may have been others'.
                if time.thread_time() - begin > limit / 4:
                    break
            finally:
                self._left -= time.thread_time() - begin
        raise InvalidArgumentError(f"The pattern {self._text!r} takes too long: use a simpler one.")
