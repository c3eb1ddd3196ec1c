# SPDX-License-Identifier: Apache-2.0
"""Links in notebooks that publish what they show.

A click asks the server directly, so it works while the kernel is busy. What it may do is
in a narrow key: publish to the sessions that this client tracks when the click comes, which
is why the server is told of every change of them.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from reven2._client.connection import ForbiddenError
from reven2._client.messages import AddressSelection, Selection
from reven2._client.processes import renew_after_fork
from reven2._client.selection import address_selection, transition_selection
from reven2._printable import escape
from reven2.errors import RevenError

if TYPE_CHECKING:
    from reven2._client.handle import Handle
    from reven2.address import _AbstractAddress
    from reven2.trace import Transition

__all__ = ["Links", "only"]

LINKS = "/api/v1/links"

# A click with Ctrl, Cmd or Shift opens the page, as for any link. That also works where a page
# may not ask the server: an exported notebook whose viewer forbids it, for example.
_CLICK = """\
if(event.ctrlKey||event.metaKey||event.shiftKey)return;event.preventDefault();\
let a=this,s=a.querySelector('sup')||a.appendChild(document.createElement('sup')),\
t=(x,y)=>{s.textContent=' '+x;a.title=y};t('…','publishing');\
fetch(a.dataset.publish,{method:'POST',headers:{'Content-Type':'application/json'},\
body:a.dataset.body}).then(r=>r.ok?r.json():r.json().then(j=>Promise.reject(j))).then(\
j=>j.listeners?t('✓','heard by '+j.listeners):t('∅','nobody listens to the tracked sessions'),\
e=>t('⚠ not published: Ctrl+click opens Axion',\
e.error?e.message:'The server does not run, or this page may not ask it.'))"""


def only() -> Links | None:
    """Those of the one server that is connected: for an address that somebody wrote down, of
    which nothing tells the trace. None with several servers: it would be a guess."""
    from reven2.session import Sessions

    connected = {
        sessions._rvn: sessions._rvn.trace._links
        for sessions in list(Sessions._instances)
        if not sessions._links.closed
    }
    return next(iter(connected.values())) if len(connected) == 1 else None


class Links:
    """Makes the links of one client.

    Parameters:
        server: what the links are about.
    """

    def __init__(self, server: Handle) -> None:
        self._server, self._connection = server, server.connection
        self._lock = threading.Lock()
        self._key = ""
        self._tracked = ["default"]
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._key = ""

    @property
    def closed(self) -> bool:
        """Whether the connection was closed."""
        return self._connection.closed

    def track(self, names: list[str]) -> None:
        """Tell the server which sessions the links publish to, and so make them known.

        Raises:
            ServerError (a RuntimeError): the server does not answer.
        """
        with self._lock:
            # Who may only look has no links, but may say what it would publish to.
            with contextlib.suppress(ForbiddenError):
                self._tell(names)
            self._tracked = names

    def renew(self) -> None:
        """Tell the server of this client's new id, and a server that was started anew of
        what is tracked."""
        with self._lock, contextlib.suppress(RevenError):
            if self._key:
                self._tell(self._tracked)

    def script(self, selection: Selection) -> str:
        """JavaScript, to be the `onclick` of an element, that publishes. "" if this client
        may not."""
        body = self._body(selection)
        if body is None:
            return ""
        url = self._connection.url(f"{LINKS}/publish")
        return (
            f"Object.assign(this.dataset,{{publish:{_quoted(url)},body:{_quoted(body)}}});{_CLICK}"
        )

    def transition(self, transition: Transition) -> str:
        """A link that shows and publishes a transition."""
        selection = transition_selection(transition, self._server)
        return self._anchor(f"#{transition.id}", selection, str(transition.id))

    def address(self, address: _AbstractAddress) -> str:
        """A link that shows and publishes an address."""
        selection = address_selection(address, self._server)
        return self._anchor(str(address), selection, f"address/{_place(selection)}")

    def _anchor(self, text: str, selection: Selection, path: str) -> str:
        page = self._connection.url(f"/#/{quote(self._server.scenario, safe='')}/{path}")
        body = self._body(selection)
        publish = ""
        if body is not None:
            url = self._connection.url(f"{LINKS}/publish")
            publish = (
                f' data-publish="{escape(url)}" data-body="{escape(body)}"'
                f' onclick="{escape(_CLICK)}"'
            )
        return (
            f'<a class="reven-link" href="{escape(page)}" target="_blank" rel="noopener"'
            f"{publish}>{escape(text)}</a>"
        )

    def _body(self, selection: Selection) -> str | None:
        """What a click sends; None if this client may not publish, or nobody answers: the
        link then only opens the page."""
        try:
            with self._lock:
                if not self._key:
                    self._tell(self._tracked)
        except RevenError:
            return None
        return msgspec.json.encode({"key": self._key, "selection": selection}).decode()

    def _tell(self, names: list[str]) -> None:
        tracked = {"tracked": names, "client": self._server.live.key}
        if self._key:
            try:
                self._connection.request_json("PUT", f"{LINKS}/{self._key}", tracked)
                return
            except ForbiddenError:
                # A server that was started anew does not know it.
                self._key = ""
        self._key = self._connection.request_json("POST", LINKS, tracked)["key"]


def _place(selection: AddressSelection) -> str:
    segment = f"{selection.segment}:" if selection.segment is not None else ""
    return f"{segment}{selection.address}"


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
