# SPDX-License-Identifier: Apache-2.0
"""Made by scripts/registers.py from native/event_stream/registers.toml: change that."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

ARCHITECTURE: Final = "x86-64"
REGISTER_FILE_SIZE: Final = 864
MACHINE_FILE_SIZE: Final = 1152


class Register(IntEnum):
    """Offsets in the register file."""

    RAX = 0
    RCX = 8
    RDX = 16
    RBX = 24
    RSP = 32
    RBP = 40
    RSI = 48
    RDI = 56
    R8 = 64
    R9 = 72
    R10 = 80
    R11 = 88
    R12 = 96
    R13 = 104
    R14 = 112
    R15 = 120
    RIP = 128
    CC_OP = 136
    CC_DEP1 = 144
    CC_DEP2 = 152
    CC_NDEP = 160
    DFLAG = 168
    IDFLAG = 176
    ACFLAG = 184
    FS_BASE = 192
    GS_BASE = 200
    SSE_ROUND = 208
    FPU_ROUND = 216
    FPU_C3210 = 224
    FPU_TOP = 232
    FPU_TAGS = 240
    FPU_REGS = 248
    MM0 = 248
    MM1 = 256
    MM2 = 264
    MM3 = 272
    MM4 = 280
    MM5 = 288
    MM6 = 296
    MM7 = 304
    YMM0 = 320
    YMM1 = 352
    YMM2 = 384
    YMM3 = 416
    YMM4 = 448
    YMM5 = 480
    YMM6 = 512
    YMM7 = 544
    YMM8 = 576
    YMM9 = 608
    YMM10 = 640
    YMM11 = 672
    YMM12 = 704
    YMM13 = 736
    YMM14 = 768
    YMM15 = 800
    SCRATCH = 832
    RFLAGS = 864
    CR0 = 872
    CR2 = 880
    CR3 = 888
    CR4 = 896
    CR8 = 904
    EFER = 912
    CS = 920
    SS = 922
    DS = 924
    ES = 926
    FS = 928
    GS = 930
    LDTR = 932
    TR = 934
    GDT_BASE = 936
    IDT_BASE = 944
    LDT_BASE = 952
    TR_BASE = 960
    GDT_LIMIT = 968
    IDT_LIMIT = 970
    KERNEL_GS_BASE = 976
    STAR = 984
    LSTAR = 992
    CSTAR = 1000
    FMASK = 1008
    SYSENTER_CS = 1016
    SYSENTER_ESP = 1024
    SYSENTER_EIP = 1032
    PAT = 1040
    XCR0 = 1048
    MACHINE_MXCSR = 1056
    MACHINE_FCW = 1060
    MACHINE_FSW = 1062
    DR0 = 1064
    DR1 = 1072
    DR2 = 1080
    DR3 = 1088
    DR6 = 1096
    DR7 = 1104
    FPU_EXPONENTS = 1112
