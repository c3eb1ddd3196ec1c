# SPDX-License-Identifier: Apache-2.0
"""What is true of a query is said where it is declared."""

from __future__ import annotations

from typing import Protocol

import pytest

from reven.server.queries import QUERIES
from reven.server.rights import QUERY, Role, needed
from reven2._service import TraceService, query_methods, traits_of
from reven2._service.declared import query


def public_methods() -> set[str]:
    return {
        name
        for name in dir(TraceService)
        if not name.startswith("_") and callable(getattr(TraceService, name))
    }


def test_every_query_is_declared() -> None:
    methods = query_methods()
    assert set(methods) == public_methods() - {"close", "beside"}
    for method in methods.values():
        traits_of(method)


def test_one_that_is_not_declared_is_named() -> None:
    class Area(Protocol):
        def forgotten(self) -> int: ...

        @query(changes=True)
        def change(self) -> None: ...

    with pytest.raises(TypeError, match=r"Area\.forgotten of the service is not declared"):
        traits_of(Area.forgotten)
    assert traits_of(Area.change) == (False, False, False, True)


def test_the_server_does_as_declared() -> None:
    for name, method in query_methods().items():
        traits, served = traits_of(method), QUERIES[name]
        assert (served.slow, served.scans, served.changes) == (
            traits.slow,
            traits.scans,
            traits.changes,
        )
        assert (needed("POST", f"{QUERY}{name}") is Role.EDITOR) == traits.changes
    # Those that change or run on by themselves, or ask of another trace too, give another answer
    # the next time.
    assert {name for name, method in query_methods().items() if not traits_of(method).kept} == {
        *("add_bookmark", "edit_bookmark", "remove_bookmark", "bookmarks", "bookmark_revision"),
        *("taint_status", "taint_accesses", "taint_state", "taint_warnings", "cancel_taint"),
        *("refresh", "diff", "diff_moments", "taint_sinks"),
    }
