# SPDX-License-Identifier: Apache-2.0
"""How a trace ends and why, and what its program met that the recorder does otherwise.

`explain` is imported by who needs it: recording must start quickly.
"""

from __future__ import annotations

from reven.end.notices import is_fault, notice_sentence, notice_sentences
from reven.end.plain import plain_end

__all__ = ["is_fault", "notice_sentence", "notice_sentences", "plain_end"]
