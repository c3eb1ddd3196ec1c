# SPDX-License-Identifier: Apache-2.0
"""Who runs when: no client waits for another's long queries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven.server.lane import Lane
from reven.server.turns import (
    SLICE_SECONDS,
    STARTED,
    STARTED_OF_ONE,
    URGENT_SECONDS,
    WAITING_OF_ONE,
    Long,
    Shares,
    Turns,
)
from reven.server.wire import RequestError
from reven.trace.stopping import Stopped, acquired, keep_going, stop_when

WAIT = 60.0
STEP = 0.125
assert STEP >= SLICE_SECONDS


class Clock:
    """Time that only work lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """Long queries of some steps, each as long as a slice, and the order in which they ran."""

    def __init__(self, running: int = 1) -> None:
        self.clock = Clock()
        self.turns = Turns(running, self.clock)
        self.order: list[str] = []
        self._go = threading.Event()
        self.blocker = Long("blocker", "blocks", "t")
        self._blocked = [self.turns.submit(self.blocker, self._block)]

    def _block(self) -> None:
        assert self._go.wait(WAIT)

    def ask(
        self, name: str, steps: int, share: str | None = None, *, is_view: bool = False
    ) -> tuple[Long, Future[Any]]:
        long = Long(share or name, name, "t", is_view=is_view)

        def work() -> str:
            with stop_when(long.stop.is_set, lambda: self.turns.go_on(long)):
                for _ in range(steps):
                    self.order.append(name)
                    self.clock.now += STEP
                    keep_going()
            return name

        return long, self.turns.submit(long, work)

    def run(self) -> None:
        """Let all that was asked begin."""
        self._go.set()
        self._blocked[0].result(WAIT)


def test_clients_take_turns_however_much_each_has_asked() -> None:
    bench = Bench()
    much = [bench.ask("much", 4)[1] for _ in range(3)]
    little = bench.ask("little", 4)[1]
    bench.run()
    assert little.result(WAIT) == "little"
    for one in much:
        one.result(WAIT)
    assert bench.order[:8] == ["much", "little"] * 4
    assert bench.order[8:] == ["much"] * 8


def test_twenty_clients_have_as_much_each() -> None:
    bench = Bench()
    names = [f"client {number}" for number in range(20)]
    asked = [bench.ask(name, 5)[1] for name in names]
    bench.run()
    for one in asked:
        one.result(WAIT)
    for begin in range(0, 100, 20):
        assert sorted(bench.order[begin : begin + 20]) == sorted(names)


def test_who_comes_later_has_no_credit_for_the_time_before() -> None:
    bench = Bench()
    first = bench.ask("first", 6)[1]
    late: list[Future[Any]] = []

    def come() -> str:
        # The first has had two slices by now.
        late.append(bench.ask("late", 3)[1])
        return "came"

    second = Long("second", "second", "t")

    def work() -> str:
        with stop_when(second.stop.is_set, lambda: bench.turns.go_on(second)):
            for step in range(6):
                bench.order.append("second")
                bench.clock.now += STEP
                if step == 1:
                    come()
                keep_going()
        return "second"

    other = bench.turns.submit(second, work)
    bench.run()
    for one in (first, other, *late):
        one.result(WAIT)
    rest = bench.order[4:]
    assert rest[:9].count("late") == 3, bench.order
    assert "late late" not in " ".join(rest), bench.order


def test_a_view_that_takes_long_comes_before_scans() -> None:
    # Two at a time, of which one always stays for scans.
    bench = Bench(running=2)
    bench.run()
    turns, clock = bench.turns, bench.clock
    scans = [Long(f"scan {number}", "scan", "t") for number in range(3)]
    for scan in scans:
        turns.join(scan)
    one, two, three = scans
    turns.go_on(one)
    turns.go_on(two)
    assert (one.has_turn, two.has_turn) == (True, True)
    waiting = threading.Thread(target=turns.go_on, args=(three,))
    waiting.start()
    view = Long("people", "backtrace", "t", is_view=True)
    turns.join(view)
    looking = threading.Thread(target=turns.go_on, args=(view,))
    looking.start()
    while len(turns._waiting) < 2:
        pass
    # Long before its slice is over, the scan makes way, and not for the scan that waits longer.
    resting = threading.Thread(target=turns.go_on, args=(one,))
    resting.start()
    looking.join(WAIT)
    assert view.has_turn
    assert not three.has_turn
    assert two.has_turn
    clock.now += URGENT_SECONDS
    turns.done(view)
    resting.join(WAIT)
    assert one.has_turn, "it has had no more than the one that waits"
    assert not view.is_urgent, "not for ever"
    turns.done(one)
    waiting.join(WAIT)
    assert three.has_turn
    for scan in (two, three):
        turns.done(scan)
    assert not turns.mine(None)


def test_cancelled_ones_end_wherever_they_are() -> None:
    bench = Bench()
    (_, running), (first, waiting) = bench.ask("a", 2), bench.ask("a", 2)
    bench.turns.cancel(first, by_client=True)
    with pytest.raises(Stopped):
        waiting.result(WAIT)
    assert first.cancelled
    bench.run()
    assert running.result(WAIT) == "a"
    assert bench.order == ["a", "a"]
    bench.turns.close()
    assert not bench.turns.mine(None)
    with pytest.raises(RequestError):
        bench.ask("b", 1)


def test_one_that_rests_is_cancelled_at_once() -> None:
    bench = Bench(running=1)
    bench.run()
    turns = bench.turns
    has, rests = Long("a", "a", "t"), Long("b", "b", "t")
    for long in (has, rests):
        turns.join(long)
    turns.go_on(has)
    ended = threading.Event()

    def rest() -> None:
        with stop_when(rests.stop.is_set, lambda: turns.go_on(rests)):
            try:
                keep_going()
            except Stopped:
                ended.set()

    thread = threading.Thread(target=rest)
    thread.start()
    while rests.id not in turns._waiting:
        pass
    turns.cancel(rests)
    assert ended.wait(WAIT)
    thread.join(WAIT)
    assert has.has_turn


def test_what_may_begin_and_wait_is_bounded() -> None:
    bench = Bench()
    turns = bench.turns
    for number in range(WAITING_OF_ONE):
        bench.ask(f"{number}", 1, "one")
    with pytest.raises(RequestError, match="64 long queries of yours wait") as refused:
        bench.ask("more", 1, "one")
    assert refused.value.status == 429
    bench.ask("another", 1, "other")
    assert sum(long.is_started for long in turns.mine(None)) == 1
    turns.close()
    bench.run()

    wide = Turns(running=100)
    go = threading.Event()
    asked = [
        wide.submit(Long(f"{number % 20}", "x", "t"), lambda: go.wait(WAIT))
        for number in range(200)
    ]
    started = [long for long in wide.mine(None) if long.is_started]
    assert len(started) == STARTED
    for client in {long.client for long in started}:
        assert sum(long.client == client for long in started) <= STARTED_OF_ONE
    go.set()
    assert all(one.result(WAIT) for one in asked), "all of them have their turn"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0.01, 1.0)), min_size=1, max_size=60))
def test_no_share_falls_behind(turns: list[tuple[str, float]]) -> None:
    shares = Shares()
    waiting = [Long(name, "x", "t") for name in "abcd"]
    had = dict.fromkeys("abcd", 0.0)
    for number, long in enumerate(waiting):
        long.number = number
        shares.arrive(long.share)
    longest = 0.0
    for _, seconds in turns:
        chosen = shares.choose(waiting)
        assert chosen is not None
        had[chosen.share] += seconds
        shares.charge(chosen.share, seconds)
        longest = max(longest, seconds)
        assert max(had.values()) - min(had.values()) <= longest + 1e-9


class TestLanes:
    """Threads for what people wait for."""

    def test_nobody_has_all_of_them(self) -> None:
        lane = Lane("test", 4)
        go = threading.Event()
        held = [lane.submit("greedy", lambda: go.wait(WAIT)) for _ in range(50)]
        assert lane.submit("other", lambda: "answered").future.result(WAIT) == "answered"
        assert sum(one.began is not None for one in held) <= 3
        go.set()
        assert all(one.future.result(WAIT) for one in held)
        lane.close()

    def test_clients_have_their_turns(self) -> None:
        lane = Lane("test", 2)
        go = threading.Event()
        order: list[str] = []

        def work(name: str) -> Callable[[], None]:
            return lambda: order.append(name)

        for name in ("x", "y"):
            lane.submit(name, lambda: go.wait(WAIT))
        tickets = [lane.submit("a", work("a")) for _ in range(3)]
        tickets += [lane.submit(name, work(name)) for name in "bc"]
        go.set()
        for ticket in tickets:
            ticket.future.result(WAIT)
        assert order.index("b") < 4
        assert order.index("c") < 5
        lane.close()

    def test_what_takes_long_keeps_no_place(self) -> None:
        lane = Lane("test", 2)
        go = threading.Event()
        long = [lane.submit(f"{number}", lambda: go.wait(WAIT)) for number in range(2)]
        waits = lane.submit("people", lambda: "answered")
        while any(one.began is None for one in long):
            pass
        assert not waits.future.done()
        lane.let_go(long[0])
        assert waits.future.result(WAIT) == "answered"
        go.set()
        assert all(one.future.result(WAIT) for one in long)
        assert lane.submit("people", lambda: "again").future.result(WAIT) == "again"
        lane.close()

    def test_errors_are_the_askers(self) -> None:
        lane = Lane("test", 1)

        def fail() -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            lane.submit("a", fail).future.result(WAIT)
        assert lane.submit("a", lambda: 1).future.result(WAIT) == 1
        lane.close()


def test_who_holds_what_others_wait_for_does_not_rest() -> None:
    lock = threading.Lock()
    rests: list[int] = []
    with stop_when(lambda: False, lambda: rests.append(1)):
        keep_going()
        with acquired(lock):
            keep_going()
            assert lock.locked()
        keep_going()
    assert rests == [1, 1]
    assert not lock.locked()


def test_waiting_for_a_lock_can_be_stopped() -> None:
    lock = threading.Lock()
    lock.acquire()
    with pytest.raises(Stopped), stop_when(lambda: True), acquired(lock):
        pass
    lock.release()


def test_what_ended_while_it_was_taken_for_long_is_not_listed() -> None:
    """Who watches a query may find that it takes long just when it ends."""
    turns = Turns()
    for _ in range(STARTED_OF_ONE + 1):
        long = Long("alice", "timeline_events", "t", is_view=True)
        turns.done(long)
        turns.join(long)
    assert turns.mine(None) == []
    # Nor does it count among what the client has begun.
    assert turns.submit(Long("alice", "scan", "t"), lambda: 7).result(WAIT) == 7


def test_what_goes_on_without_a_turn_does_not_wait() -> None:
    """As what others wait for, which does not rest: it joined, and asks for no turn."""
    turns = Turns()
    long = Long("alice", "trace", "t", is_view=True)
    turns.join(long)
    assert turns.mine("alice") == [long]
    assert not turns.is_waiting(long)
    turns.done(long)
    assert turns.mine("alice") == []
