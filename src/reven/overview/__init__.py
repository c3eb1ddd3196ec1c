# SPDX-License-Identifier: Apache-2.0
"""The whole trace at a glance."""
