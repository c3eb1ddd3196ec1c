# SPDX-License-Identifier: Apache-2.0
"""The root of the exceptions that `reven` raises for its user's or data's mistakes.

CommandError
└── … each defined beside the code that raises it, and listed in docs/reference/errors.md
"""

from __future__ import annotations


class CommandError(Exception):
    """Something that the user can mend; its text is one sentence that says what is wrong
    and what to do. The command line prints the text and no traceback."""
