# SPDX-License-Identifier: Apache-2.0
"""System calls: what they did with files, pipes and sockets, and which bytes they moved."""
