# SPDX-License-Identifier: Apache-2.0
"""How a trace ends and why, and what its program met that the recorder does otherwise."""

from __future__ import annotations

from reven.end.explain import explain_end
from reven.end.notices import notice_sentence, notice_sentences

__all__ = ["explain_end", "notice_sentence", "notice_sentences"]
