# SPDX-License-Identifier: Apache-2.0
"""`--follow`: what counts as a part of a value."""

from __future__ import annotations

from enum import Enum

__all__ = ["Follow"]


class Follow(Enum):
    """Whether what decides an address counts: see `reven2._service.taint.FollowMode`."""

    values = "values"
    meant = "meant"
    pointers = "pointers"
