# SPDX-License-Identifier: Apache-2.0
"""Where data goes, and where it came from."""
