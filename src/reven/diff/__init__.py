# SPDX-License-Identifier: Apache-2.0
"""What differs between two executions, and why: see `reven.diff.queries`."""

from __future__ import annotations
