# SPDX-License-Identifier: Apache-2.0
"""What waits for a client: bounded, in order, and honest about what was left out."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from reven.server.outbox import EVENTS_KEPT, Outbox, frame_of
from reven.server.session_log import HISTORY_KEPT, History
from reven2._client.messages import Event, Origin, Published, Sessions, TransitionSelection


class Sink:
    """A client that reads when it is told to."""

    def __init__(self) -> None:
        self.can_write = False
        self.frames: list[bytes] = []

    def write_frame(self, frame: bytes) -> None:
        self.frames.append(frame)

    def read(self, outbox: Outbox) -> None:
        self.can_write = True
        outbox.pump()
        self.can_write = False


def event(session: str, sequence: int) -> Event:
    origin = Origin("me", "", "python")
    return Event(session, sequence, origin, float(sequence), TransitionSelection("", "", 0))


def put(outbox: Outbox, one: Event) -> None:
    outbox.put_event(one, frame_of(one))


def body(frame: bytes) -> dict[str, object]:
    text: dict[str, object] = json.loads(frame[frame.index(b"{") :])
    return text


def test_what_a_client_keeps_up_with_is_sent_at_once() -> None:
    sink = Sink()
    outbox = Outbox(sink)
    sink.can_write = True
    for number in range(3 * EVENTS_KEPT):
        put(outbox, event("s", number))
        assert len(sink.frames) == number + 1
    assert outbox.dropped == 0


def test_replies_come_first_and_only_the_latest_state_counts() -> None:
    sink = Sink()
    outbox = Outbox(sink)
    put(outbox, event("s", 1))
    outbox.put_state("sessions", b'{"type":"old"}')
    outbox.put_state("sessions", frame_of(Sessions([])))
    outbox.put_reply(Published(1, 2))
    sink.read(outbox)
    assert [body(frame)["type"] for frame in sink.frames] == ["published", "sessions", "event"]


# A session's name to publish to it, None to let the client read everything.
actions = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=40)


@given(actions, st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_nothing_is_left_out_unsaid(actions: list[str | None], burst: int) -> None:
    sink = Sink()
    outbox = Outbox(sink)
    published = dict.fromkeys("abc", 0)
    for action in [*actions, None]:
        if action is None:
            sink.read(outbox)
            continue
        for _ in range(burst * EVENTS_KEPT // 4):
            published[action] += 1
            put(outbox, event(action, published[action]))
    for session, last in published.items():
        heard = [body(frame) for frame in sink.frames]
        mine = [one for one in heard if one["session"] == session]
        before = 0
        for one in mine:
            sequence = one["sequence"]
            assert isinstance(sequence, int)
            assert sequence > before
            assert one["gap"] == (sequence != before + 1)
            before = sequence
        assert before == last, "the latest always arrives"
    assert outbox.dropped == sum(published.values()) - len(sink.frames)


@given(st.integers(0, 2 * HISTORY_KEPT), st.integers(0, 2 * HISTORY_KEPT))
def test_history_replays_all_or_says_that_it_cannot(count: int, seen: int) -> None:
    history = History()
    for number in range(1, count + 1):
        assert history.add(event("s", number))
        assert not history.add(event("s", number)), "never twice"
    missed = history.since("s", seen)
    if missed is None:
        assert seen > count or seen < count - HISTORY_KEPT
    else:
        assert [one.sequence for one in missed] == list(range(seen + 1, count + 1))
