/* SPDX-License-Identifier: GPL-2.0-or-later
 * VEX's guest state as the stream's register file. */
#include "template_builder.h"

#define GUEST(field) offsetof(VexGuestAMD64State, field)

/* Instruction pointer aside: VEX keeps it, but templates tell it. */
static const struct {
    UShort guest, file, size;
} ranges[] = {
    {GUEST(guest_RAX), REVEN_RAX, 128},         {GUEST(guest_CC_OP), REVEN_CC_OP, 32},
    {GUEST(guest_DFLAG), REVEN_DFLAG, 8},       {GUEST(guest_IDFLAG), REVEN_IDFLAG, 8},
    {GUEST(guest_ACFLAG), REVEN_ACFLAG, 8},     {GUEST(guest_FS_CONST), REVEN_FS_BASE, 8},
    {GUEST(guest_GS_CONST), REVEN_GS_BASE, 8},  {GUEST(guest_SSEROUND), REVEN_SSE_ROUND, 8},
    {GUEST(guest_FPROUND), REVEN_FPU_ROUND, 8}, {GUEST(guest_FC3210), REVEN_FPU_C3210, 8},
    {GUEST(guest_FTOP), REVEN_FPU_TOP, 4},      {GUEST(guest_FPTAG), REVEN_FPU_TAGS, 8},
    {GUEST(guest_FPREG), REVEN_FPU_REGS, 64},   {GUEST(guest_YMM0), REVEN_YMM, 512},
    {GUEST(guest_YMM16), REVEN_SCRATCH, 32},
};
#define RANGES (sizeof ranges / sizeof ranges[0])

_Static_assert(GUEST(guest_R15) - GUEST(guest_RAX) == 120, "general registers are in order");
_Static_assert(GUEST(guest_CC_NDEP) - GUEST(guest_CC_OP) == 24, "the thunk is in order");
_Static_assert(GUEST(guest_YMM15) - GUEST(guest_YMM0) == 480, "vector registers are in order");

static Short offsets[sizeof(VexGuestAMD64State)];

void registers_init(void) {
    UInt r, i;
    for (i = 0; i < sizeof offsets / sizeof offsets[0]; i++) offsets[i] = -1;
    for (r = 0; r < RANGES; r++)
        for (i = 0; i < ranges[r].size; i++) offsets[ranges[r].guest + i] = ranges[r].file + i;
}

Int registers_offset(Int guest_offset) {
    tl_assert(guest_offset >= 0);
    return guest_offset < (Int)sizeof(VexGuestAMD64State) ? offsets[guest_offset] : -1;
}

void registers_translate(const UChar* guest_state, UChar* file) {
    UInt r;
    VG_(memset)(file, 0, REVEN_REGISTER_FILE_SIZE);
    for (r = 0; r < RANGES; r++)
        VG_(memcpy)(file + ranges[r].file, guest_state + ranges[r].guest, ranges[r].size);
    VG_(memcpy)(file + REVEN_RIP, guest_state + GUEST(guest_RIP), 8);
}

UInt registers_difference(const UChar* from, const UChar* to, UChar* patch) {
    const ULong* old = (const ULong*)from;
    const ULong* new = (const ULong*)to;
    UInt words = REVEN_REGISTER_FILE_SIZE / 8, i = 0, size = 0;
    while (i < words) {
        UInt first = i;
        while (i < words && old[i] != new[i] && i != REVEN_RIP / 8) i++;
        if (i == first) {
            i++;
            continue;
        }
        *(UShort*)(patch + size) = 8 * first;
        *(UShort*)(patch + size + 2) = 8 * (i - first);
        *(UInt*)(patch + size + 4) = 0;
        VG_(memcpy)(patch + size + 8, to + 8 * first, 8 * (i - first));
        size += 8 + 8 * (i - first);
    }
    return size;
}
