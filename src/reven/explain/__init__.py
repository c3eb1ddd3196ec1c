# SPDX-License-Identifier: Apache-2.0
"""What happened: explains a trace's end, with the transitions that prove it."""
