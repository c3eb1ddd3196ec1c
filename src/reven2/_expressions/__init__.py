# SPDX-License-Identifier: Apache-2.0
"""Expressions over bit vectors: made, simplified, evaluated, written in languages."""
