# SPDX-License-Identifier: Apache-2.0
"""The heap of a program: its blocks over time, and what is done wrong with them."""
