# SPDX-License-Identifier: Apache-2.0
"""The recorder of Linux programs: a Valgrind tool."""
