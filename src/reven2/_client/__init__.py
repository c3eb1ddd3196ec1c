# SPDX-License-Identifier: Apache-2.0
"""How the client reaches a server: connection, messages, sessions' live channel, links."""
