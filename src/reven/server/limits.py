# SPDX-License-Identifier: Apache-2.0
"""What this server asks of the clients of its sessions. They are told in the welcome."""

from __future__ import annotations

from reven2._client.messages import LONGEST_SESSION_NAME, Limits

__all__ = ["LIMITS"]

LIMITS = Limits(
    ping_seconds=5.0,
    # Three pings may get lost in a sleeping machine's or a browser's pauses.
    silent_seconds=20.0,
    message_bytes=64 << 10,
    messages_per_second=2000,
    session_name=LONGEST_SESSION_NAME,
    client_name=200,
)
