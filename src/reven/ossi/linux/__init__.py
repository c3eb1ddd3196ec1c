# SPDX-License-Identifier: Apache-2.0
"""What Linux adds: ELF files, their symbols, lines and DWARF information."""
