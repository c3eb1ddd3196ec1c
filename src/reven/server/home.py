# SPDX-License-Identifier: Apache-2.0
"""What a browser sees: the login, and a page that says what is served."""

from __future__ import annotations

from html import escape
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from reven import __version__
from reven.server.access import Access
from reven.server.guard import LOGIN
from reven.server.scenarios import Scenarios

__all__ = ["handlers"]

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 4rem auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884 }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums }}
pre {{ background: #8882; padding: .6rem; overflow: auto }}
:root {{ color-scheme: light dark }}
</style>
<h1>{title}</h1>
{body}
</html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def handlers(scenarios: Scenarios, access: Access) -> list[HTTPRouteHandler]:
    """Routes of `/login` and `/`."""

    @get(LOGIN)
    async def login(request: Request[Any, Any, Any]) -> Response[str]:
        value = access.log_in(request.query_params.get("code", ""))
        if value is None:
            text = "<p>This link was used already, or is of an earlier run of the server.</p>"
            return _page(401, "Not logged in", text)
        cookie = Cookie(
            access.cookie,
            value=value,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return Response(
            "", status_code=303, headers={"location": "/"}, cookies=[cookie], media_type="text/html"
        )

    @get("/")
    async def index(request: Request[Any, Any, Any]) -> Response[str]:
        rows = "".join(
            f"<tr><td>{escape(scenario.name)}<td class=number>"
            f"{scenario.service.transition_count():,}<td>{escape(scenario.info().path)}"
            for scenario in scenarios
        )
        host, port = request.url.hostname or "localhost", request.url.port
        connect = f'import reven2\nserver = reven2.RevenServer("{host}", {port})'
        return _page(
            200,
            "REVEN",
            "<table><tr><th>Scenario<th>Transitions<th>Trace" + rows + "</table>"
            f"<p>Explore it from Python:</p><pre>{escape(connect)}</pre>"
            f"<p>REVEN {__version__} · <a href=/api/v1/openapi.json>HTTP API</a></p>",
        )

    return [login, index]


def _page(status: int, title: str, body: str) -> Response[str]:
    return Response(
        _PAGE.format(title=escape(title), body=body),
        status_code=status,
        media_type=MediaType.HTML,
        headers={"cache-control": "no-store", "content-security-policy": _POLICY},
    )
