# SPDX-License-Identifier: Apache-2.0
"""What was computed: backward slices as expressions."""
