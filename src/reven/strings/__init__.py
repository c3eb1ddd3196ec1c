# SPDX-License-Identifier: Apache-2.0
"""Every text that a program accessed."""
