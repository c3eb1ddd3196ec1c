# SPDX-License-Identifier: Apache-2.0
"""What a program's source says of its moments: lines, types, variables, frames."""
