# SPDX-License-Identifier: Apache-2.0
"""Iterating over what others publish."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reven2._client import messages as wire
from reven2._client.live import Live
from reven2.session._events import AddressEvent, TransitionEvent, event_of

if TYPE_CHECKING:
    from reven2.trace import Trace, Transition

__all__ = ["Listener", "Watcher"]

_log = logging.getLogger("reven2.session")


class Listener(Iterator[TransitionEvent | AddressEvent]):
    """What others publish to a session, in the order of the server, as an iterator and as an
    async iterator. It listens until it is closed, also while nobody takes from it; when
    more than 1,024 events wait, the oldest are left out.

    A context manager: leaving it closes it. Not meant to be constructed directly: it is
    what `Sessions.listen` gives.
    """

    def __init__(self, live: Live, session: str, trace: Trace) -> None:
        self._live, self._trace = live, trace
        self._subscription = live.listen(session)

    @property
    def session(self) -> str:
        """Name of the session."""
        return self._subscription.session

    def next_event(self, timeout: float | None = None) -> TransitionEvent | AddressEvent | None:
        """Wait for the next event.

        Parameters:
            timeout: seconds to wait at most; None: for ever.

        Returns:
            The event; None when none came in time, or the listener was closed.

        Raises:
            ServerError (a RuntimeError): the server does not let this client in any more.
        """
        try:
            event = self._subscription.take(timeout)
        except StopIteration:
            return None
        return None if event is None else self._event(event)

    def close(self) -> None:
        """Listen no longer: a loop over it ends."""
        self._live.unlisten(self._subscription)

    def __next__(self) -> TransitionEvent | AddressEvent:
        event = self._subscription.take()
        assert event is not None
        return self._event(event)

    def __aiter__(self) -> AsyncIterator[TransitionEvent | AddressEvent]:
        return self

    async def __anext__(self) -> TransitionEvent | AddressEvent:
        loop = asyncio.get_running_loop()
        while True:
            changed = asyncio.Event()

            def wake(changed: asyncio.Event = changed) -> None:
                loop.call_soon_threadsafe(changed.set)

            try:
                event = self._subscription.take_now(wake)
            except StopIteration:
                raise StopAsyncIteration from None
            if event is not None:
                return self._event(event)
            await changed.wait()

    def _event(self, event: wire.Event) -> TransitionEvent | AddressEvent:
        return event_of(event, self._live.epoch, self._trace)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Listener({self.session!r})"


class Watcher:
    """Calls a function with what others publish, until it is closed; a context manager.

    Not meant to be constructed directly: it is what `Sessions.on_transition` gives.
    """

    def __init__(self, listener: Listener, callback: Callable[[Transition], object]) -> None:
        self._listener, self._callback = listener, callback
        self._thread = threading.Thread(target=self._run, name="reven2-watcher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Make no more calls. One that is being made is waited for, unless this is it."""
        self._listener.close()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        for event in self._listener:
            if isinstance(event, TransitionEvent) and event.is_of_this_trace:
                try:
                    self._callback(event.transition)
                except Exception:
                    _log.exception("What watches the session %r failed", event.session)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
