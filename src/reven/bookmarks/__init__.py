# SPDX-License-Identifier: Apache-2.0
"""The analyst's notes on transitions."""
