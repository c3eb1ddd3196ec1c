# SPDX-License-Identifier: Apache-2.0
"""`EndService`: how a trace ends, and what its program met."""

from __future__ import annotations

from reven.end.explain import explain_end
from reven.end.notices import notice_sentences
from reven.trace.opened import OpenedTrace, translated
from reven2._service import EndData

__all__ = ["EndQueries"]


class EndQueries(OpenedTrace):
    """See `reven2._service.end`."""

    def end(self) -> EndData | None:
        with translated():
            return explain_end(self._trace(), self._manifest)

    def notices(self) -> list[str]:
        return [*notice_sentences(self._manifest.notices), *self._left_out()]
