# SPDX-License-Identifier: Apache-2.0
"""Calls and stack frames."""
