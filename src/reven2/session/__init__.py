# SPDX-License-Identifier: Apache-2.0
"""Sessions: publish the transition or address that you look at to other clients of the same
server, and listen to what they publish.

A session is a name. Clients listen to it; a Python client tracks some sessions and
publishes to all of them::

    server = reven2.RevenServer("localhost", 13370)
    server.sessions.publish_transition(server.trace.transition(100))
    event = next(server.sessions.listen("default"))  # waits for one
    print(event.origin.name, event)
"""

from __future__ import annotations

from reven2.session._events import AddressEvent, Event, TransitionEvent
from reven2.session._listener import Listener, Watcher
from reven2.session._sessions import PresentClient, Session, Sessions, TrackedSessions

__all__ = [
    "AddressEvent",
    "Event",
    "Listener",
    "PresentClient",
    "Session",
    "Sessions",
    "TrackedSessions",
    "TransitionEvent",
    "Watcher",
]
