# SPDX-License-Identifier: Apache-2.0
"""What a trace is searched for: bytes, values, instructions."""
