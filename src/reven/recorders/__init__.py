# SPDX-License-Identifier: Apache-2.0
"""The recorders, each a module or folder of its own."""
