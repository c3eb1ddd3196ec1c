# SPDX-License-Identifier: Apache-2.0
"""An open trace, and the queries that everything else is built on."""
