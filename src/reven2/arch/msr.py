# SPDX-License-Identifier: Apache-2.0
"""Model-specific registers. fs_base and gs_base are recorded of programs too; reading one of the
others raises RegisterReadError but in the trace of a machine, since no user program can see it."""

from __future__ import annotations

from reven2.arch.register import stored

fs_base = stored("fs_base")
gs_base = stored("gs_base")
kernel_gs_base = stored("kernel_gs_base")
efer = stored("efer")
star = stored("star")
lstar = stored("lstar")
cstar = stored("cstar")
fmask = stored("fmask")
sysenter_cs = stored("sysenter_cs")
sysenter_esp = stored("sysenter_esp")
sysenter_eip = stored("sysenter_eip")
pat = stored("pat")
