# SPDX-License-Identifier: Apache-2.0
"""What is computed from a trace: the heap, and bugs."""
