# SPDX-License-Identifier: Apache-2.0
"""What several commands share: the console, progress, how a transition is shown."""
