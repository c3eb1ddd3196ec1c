# SPDX-License-Identifier: Apache-2.0
"""The sessions of a server, live: one WebSocket in a background thread, kept connected."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import quote

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from reven2._client import messages as wire
from reven2._client.connection import Connection
from reven2._client.processes import renew_after_fork
from reven2._printable import printable
from reven2.errors import ClosedError, RevenError, ServerError

__all__ = ["Live", "Subscription"]

PATH = "/api/v1/sessions/live"
_WAITS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_FIRST_ATTEMPTS = 4
_ANSWER_SECONDS = 10.0
_LEAVING_SECONDS = 1.0
_QUEUED_EVENTS = 1024
_UNAUTHORIZED = (401, 403)

_log = logging.getLogger("reven2.session")
# At its debug level the library writes down headers, and the token is one.
_QUIET = logging.getLogger("reven2.websocket")
_QUIET.setLevel(logging.WARNING)


_Numbered = wire.Publish | wire.Listen | wire.Unlisten


class Subscription:
    """What one listener has not taken yet. When it falls far behind, the oldest events are
    left out, and the next one it takes says so."""

    def __init__(self, session: str) -> None:
        self.session = session
        self._events: deque[wire.Event] = deque()
        self._changed = threading.Condition()
        self._wakers: list[Callable[[], None]] = []
        self._dropped = False
        self._end: Exception | None = None
        self._ended = False

    def put(self, event: wire.Event) -> None:
        """Add an event."""
        with self._changed:
            self._events.append(event)
            if len(self._events) > _QUEUED_EVENTS:
                self._events.popleft()
                self._dropped = True
            self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes; `error`: why, if not on purpose."""
        with self._changed:
            if not self._ended:
                self._ended, self._end = True, error
            self._wake()

    def end_after_fork(self) -> None:
        """In a process that was forked: what comes goes to the parent."""
        self._changed = threading.Condition()
        self._events.clear()
        self._wakers = []
        self.end(
            ClosedError(
                "This listener belongs to the process that this one was forked from: listen "
                "again here, with server.sessions.listen(…)."
            )
        )

    def take(self, timeout: float | None = None) -> wire.Event | None:
        """The next event; None when none came in `timeout` seconds.

        Raises:
            StopIteration: nothing more comes.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._ended, timeout)
            return self._take()

    def take_now(self, waker: Callable[[], None]) -> wire.Event | None:
        """The next event, or None, and `waker` is called once when there is something."""
        with self._changed:
            if not self._events and not self._ended:
                self._wakers.append(waker)
            return self._take()

    def _take(self) -> wire.Event | None:
        if not self._events:
            if not self._ended:
                return None
            if self._end is not None:
                raise self._end
            raise StopIteration
        event = self._events.popleft()
        if self._dropped:
            self._dropped = False
            event = msgspec.structs.replace(event, gap=True)
        return event

    def _wake(self) -> None:
        self._changed.notify_all()
        wakers, self._wakers = self._wakers, []
        for waker in wakers:
            # The event loop of who waited may have ended.
            with contextlib.suppress(RuntimeError):
                waker()


class Live:
    """This client's part in the sessions. Connects at the first use and reconnects by
    itself, taking up where it was; what it publishes is published once.

    Parameters:
        connection: to the server.
        name: who this is, for others to see.
        kind: what kind of client.
        on_new_client: called, in a thread of its own, when the server has given this client
            another id.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        kind: wire.ClientKind,
        on_new_client: Callable[[], None],
    ) -> None:
        self._connection, self._name, self._kind = connection, name, kind
        self._on_new_client = on_new_client
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._socket: ClientConnection | None = None
        self._welcome: wire.Welcome | None = None
        self._failure: ServerError | None = None
        self._closed = False
        self._stop = threading.Event()
        self._seen: dict[str, int] = {}
        self._missed: set[str] = set()
        self._latest: dict[str, wire.Event] = {}
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._pending: dict[int, _Numbered] = {}
        self._answers: dict[int, int | ServerError] = {}
        self._number = 0
        self._where: wire.Selection | None = None
        renew_after_fork(self)

    def _renew(self) -> None:
        """In a process that was forked there is no thread, and the connection is the parent's:
        this is another client, which connects when it is used."""
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._thread = self._socket = self._welcome = self._where = None
        self._stop = threading.Event()
        if self._closed:
            self._stop.set()
        subscriptions = [one for group in self._subscriptions.values() for one in group]
        for known in (self._seen, self._latest, self._subscriptions, self._pending, self._answers):
            known.clear()
        self._missed.clear()
        for subscription in subscriptions:
            subscription.end_after_fork()

    @property
    def client(self) -> str:
        """This client's id on the server, "" before the first connection."""
        return self._welcome.client if self._welcome else ""

    @property
    def key(self) -> str:
        """This client's secret, of which the server knows it; "" before the first connection."""
        return self._welcome.key if self._welcome else ""

    @property
    def epoch(self) -> str:
        """The life of the server that it is, or was last, connected to."""
        return self._welcome.epoch if self._welcome else ""

    def publish(self, sessions: list[str], selection: wire.Selection) -> int:
        """Publish to sessions; how many other clients listen to one of them.

        Raises:
            ServerError (a RuntimeError): not allowed, or the server does not answer.
        """
        with self._lock:
            listeners = self._ask(
                lambda number: wire.Publish(number, sessions, selection), "confirm the publication"
            )
            self._where = selection
            return listeners

    def set_where(self, selection: wire.Selection | None) -> None:
        """Tell those who look at the sessions where this client is."""
        with self._lock:
            self._where = selection
            if self._ensure_started():
                self._send(wire.Where(selection))

    def listen(self, session: str) -> Subscription:
        """Listen to a session; returns when the server counts this client among its
        listeners, and the latest event, if there is one, can be taken."""
        subscription = Subscription(session)
        with self._lock:
            others = self._subscriptions.setdefault(session, [])
            # The server sends it to a client once.
            if others and session in self._latest:
                subscription.put(self._latest[session])
            others.append(subscription)
            try:
                self._ask(lambda number: wire.Listen(session, number), "take this listener in")
            except RevenError:
                self.unlisten(subscription)
                raise
        return subscription

    def unlisten(self, subscription: Subscription) -> None:
        """The opposite of `listen`; returns when the server no longer counts this client, if
        it says so in time."""
        subscription.end()
        session = subscription.session
        with self._lock:
            others = self._subscriptions.get(session, [])
            if subscription not in others:
                return
            others.remove(subscription)
            if others:
                return
            del self._subscriptions[session]
            self._seen.pop(session, None)
            self._latest.pop(session, None)
            if self._socket is None or self._closed or self._failure is not None:
                return
            with contextlib.suppress(RevenError):
                self._ask(
                    lambda number: wire.Unlisten(session, number),
                    "let this listener go",
                    _LEAVING_SECONDS,
                )

    def presence(self, session: str) -> list[wire.PresentClient]:
        """Who listens to a session now.

        Raises:
            ServerError (a RuntimeError): the server does not answer.
        """
        path = f"/api/v1/sessions/{quote(session, safe='')}/presence"
        data = self._connection.request_json("GET", path)
        return msgspec.convert(data, list[wire.PresentClient])

    def close(self) -> None:
        """Leave all sessions."""
        with self._lock:
            self._closed = True
            self._stop.set()
            socket, thread = self._socket, self._thread
            self._changed.notify_all()
        if socket is not None:
            socket.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_ANSWER_SECONDS)
        self._end_all(None)

    def _ensure_started(self) -> bool:
        """Start the thread unless it runs. Returns whether messages can be sent now;
        otherwise they are when the connection stands."""
        if self._closed:
            raise ClosedError(
                f"The connection to {self._connection.name} is closed: open it again."
            )
        if self._thread is None or not self._thread.is_alive():
            self._failure = None
            self._thread = threading.Thread(target=self._run, name="reven2-sessions", daemon=True)
            self._thread.start()
        return self._socket is not None and self._welcome is not None

    def _ask(
        self, message: Callable[[int], _Numbered], what: str, seconds: float = _ANSWER_SECONDS
    ) -> int:
        """Send a message and wait for its answer, across lost connections; the number in it.
        Only with the lock, which others get while this waits."""
        self._number += 1
        number = self._number
        self._pending[number] = message(number)
        try:
            if self._ensure_started():
                self._send(self._pending[number])
            until = time.monotonic() + seconds
            while number not in self._answers:
                self._wait(what, until, seconds)
            answer = self._answers[number]
            if isinstance(answer, ServerError):
                raise answer
            return answer
        finally:
            self._pending.pop(number, None)
            self._answers.pop(number, None)

    def _wait(self, what: str, until: float, seconds: float) -> None:
        if self._failure is not None:
            # Each raises one of its own: a traceback belongs to where it was raised.
            raise ServerError(str(self._failure))
        if self._closed:
            raise ClosedError(f"The connection to {self._connection.name} was closed meanwhile.")
        if not self._changed.wait(max(0.0, until - time.monotonic())) and (
            time.monotonic() >= until
        ):
            raise ServerError(
                f"{self._connection.name} did not {what} within {seconds:.0f} s: "
                "check that it runs."
            )

    def _send(self, message: wire.ClientMessage) -> None:
        socket = self._socket
        if socket is None:
            return
        # The thread notices, reconnects and says again what still matters.
        with contextlib.suppress(ConnectionClosed):
            socket.send(msgspec.json.encode(message).decode())

    def _run(self) -> None:
        try:
            self._stay_connected()
        except Exception as error:
            # Nobody shall wait for a thread that is gone.
            self._fail(ServerError(f"The sessions of {self._connection.name} failed: {error!r}."))
            raise

    def _stay_connected(self) -> None:
        attempt = 0
        while not self._stop.is_set() and self._failure is None:
            try:
                socket = self._connect()
            except (OSError, WebSocketException) as error:
                self._give_up_if_useless(error, attempt)
            else:
                attempt = 0
                with socket:
                    self._receive_all(socket)
            self._stop.wait(_WAITS[min(attempt, len(_WAITS) - 1)])
            attempt += 1

    def _give_up_if_useless(self, error: Exception, attempt: int) -> None:
        name = self._connection.name
        if isinstance(error, InvalidStatus) and error.response.status_code in _UNAUTHORIZED:
            if not self._connection.renew_token():
                self._fail(ServerError(f"{name} does not accept the token for its sessions."))
        elif self._welcome is None and attempt >= _FIRST_ATTEMPTS:
            self._fail(ServerError(f"The sessions of {name} cannot be reached: {error}."))

    def _connect(self) -> ClientConnection:
        return connect(
            self._connection.url(PATH, "ws"),
            ssl=self._connection.ssl_context,
            additional_headers=self._connection.headers,
            proxy=None,
            compression=None,
            logger=_QUIET,
            open_timeout=5,
            close_timeout=1,
            # The server pings in a way that a browser can see, too.
            ping_interval=None,
        )

    def _receive_all(self, socket: ClientConnection) -> None:
        decoder = msgspec.json.Decoder(wire.ServerMessage)
        with self._lock:
            former = self._welcome
            self._socket = socket
            self._send(
                wire.Hello(
                    wire.PROTOCOL_VERSION,
                    self._kind,
                    self._name,
                    list(self._subscriptions),
                    former.key if former else "",
                    former.epoch if former else "",
                    # 0: listened, and nothing had happened there yet.
                    [wire.Seen(one, self._seen.get(one, 0)) for one in self._subscriptions],
                )
            )
        try:
            while True:
                text = socket.recv(self._silent_seconds)
                try:
                    self._take(decoder.decode(text))
                except msgspec.DecodeError as error:
                    self._fail(
                        ServerError(
                            f"{self._connection.name} sent what this version cannot read "
                            f"({error}): use the same version of REVEN on both sides."
                        )
                    )
                    return
        except (ConnectionClosed, TimeoutError):
            pass
        finally:
            with self._lock:
                self._socket = None

    def _take(self, message: wire.ServerMessage) -> None:
        with self._lock:
            match message:
                case wire.Welcome():
                    self._take_welcome(message)
                case wire.Event():
                    self._take_event(message)
                case wire.Published(number=number, listeners=listeners):
                    self._take_answer(number, listeners)
                case wire.Done(number=number):
                    self._take_answer(number, 0)
                case wire.Ping():
                    self._send(wire.Pong())
                case wire.Problem():
                    self._take_problem(message)
            self._changed.notify_all()

    def _take_welcome(self, message: wire.Welcome) -> None:
        former, self._welcome = self._welcome, message
        if former is not None and former.epoch != message.epoch:
            # Another life of the server: its numbers start anew, and what happened in
            # between is not known.
            self._missed = set(self._seen)
            self._seen.clear()
            self._latest.clear()
        if former is None or former.client != message.client:
            threading.Thread(target=self._on_new_client, daemon=True).start()
        for pending in self._pending.values():
            self._send(pending)
        if self._where is not None:
            self._send(wire.Where(self._where))

    def _take_event(self, event: wire.Event) -> None:
        if event.sequence <= self._seen.get(event.session, -1):
            return
        self._seen[event.session] = event.sequence
        if event.session in self._missed:
            self._missed.discard(event.session)
            event = msgspec.structs.replace(event, gap=True)
        self._latest[event.session] = event
        for subscription in self._subscriptions.get(event.session, ()):
            subscription.put(event)

    def _take_answer(self, number: int, answer: int | ServerError) -> None:
        if number in self._pending:
            self._answers[number] = answer

    def _take_problem(self, problem: wire.Problem) -> None:
        error = ServerError(problem.message)
        if problem.fatal:
            self._fail(error)
        elif problem.number in self._pending:
            self._take_answer(problem.number, error)
        else:
            _log.warning("%s", printable(problem.message))

    @property
    def _silent_seconds(self) -> float:
        return self._welcome.limits.silent_seconds if self._welcome else _ANSWER_SECONDS

    def _fail(self, error: ServerError) -> None:
        with self._lock:
            self._failure = error
            self._changed.notify_all()
        self._end_all(error)

    def _end_all(self, error: Exception | None) -> None:
        with self._lock:
            subscriptions = [one for group in self._subscriptions.values() for one in group]
            self._subscriptions.clear()
        for subscription in subscriptions:
            subscription.end(error)
