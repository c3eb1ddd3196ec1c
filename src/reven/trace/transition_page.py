# SPDX-License-Identifier: Apache-2.0
"""Pages of transitions, with each different instruction in them stored once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from reven2._service import KIND_INSTRUCTION, NO_INSTRUCTION, EventData, TransitionPage

if TYPE_CHECKING:
    from reven._engine import Transitions

_CODE_BYTES = 15


def transition_page(columns: Transitions, events: dict[int, EventData]) -> TransitionPage:
    """The page of the engine's columns.

    `events`: for each transition of the page that is no instruction, by number.
    """
    which, index = _distinct(columns)
    index = index.astype(np.uint32)
    sizes = columns.size
    index[(sizes == 0) & (columns.kind != KIND_INSTRUCTION)] = NO_INSTRUCTION
    code = columns.code[which].tobytes()
    lengths = sizes[which].tolist()
    return TransitionPage(
        first=columns.first,
        count=len(columns),
        pc=columns.pc.tobytes(),
        kind=columns.kind.tobytes(),
        thread=columns.thread.tobytes(),
        instruction=index.tobytes(),
        address=columns.pc[which].tobytes(),
        code=[
            code[begin : begin + length]
            for begin, length in zip(range(0, len(code), _CODE_BYTES), lengths, strict=True)
        ],
        events=events,
    )


def _distinct(columns: Transitions) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """One transition for each different (address, code), and for each transition which of
    these has the same."""
    _, which, index = np.unique(columns.pc, return_index=True, return_inverse=True)
    same_code = (columns.code[which][index] == columns.code).all()
    if same_code and (columns.size[which][index] == columns.size).all():
        return which, index
    # Code that changed under an address within the page: compare everything.
    keys = np.zeros(len(columns), dtype=[("pc", "u8"), ("size", "u1"), ("code", "V15")])
    keys["pc"], keys["size"] = columns.pc, columns.size
    keys["code"] = np.ascontiguousarray(columns.code).view("V15").ravel()
    raw = keys.view(f"V{keys.dtype.itemsize}")
    _, which, index = np.unique(raw, return_index=True, return_inverse=True)
    return which, index
