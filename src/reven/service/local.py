# SPDX-License-Identifier: Apache-2.0
"""`reven2._service.TraceService` on a trace directory, by the native engine."""

from __future__ import annotations

from reven.service.core import CoreQueries

__all__ = ["LocalService"]


class LocalService(CoreQueries):
    """Queries on one trace directory. Safe to call from several threads.

    Parameters:
        path: the trace directory.

    Raises:
        reven2.errors.TraceError (a RuntimeError): missing, damaged, or of another version.
    """
