# SPDX-License-Identifier: Apache-2.0
"""The proof: hundreds of programs, each run natively and recorded, compared and checked."""
