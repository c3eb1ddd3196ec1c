# SPDX-License-Identifier: Apache-2.0
"""What recording, opening and asking cost, beside other tools on the same programs."""

from __future__ import annotations
