# SPDX-License-Identifier: Apache-2.0
"""Code that a program wrote before it ran it."""
