/* SPDX-License-Identifier: GPL-2.0-or-later
 * The time, which is asked for at every system call: the kernel is not asked again while the
 * processor's own counter says that no millisecond can have passed. */
#include "pub_tool_libcproc.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

/* In libcoregrind, though not in the headers for tools. */
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);

#define COUNTS (1ULL << 19) /* no processor counts so far in a millisecond or less */
#define PR_GET_TSC 25
#define PR_TSC_ENABLE 1

static enum { UNKNOWN, READABLE, NOT_READABLE } counter;

void clock_counter_changes(void) { counter = NOT_READABLE; }

static void look(void) {
    Int access = 0;
    vgPlain_do_syscall(__NR_prctl, PR_GET_TSC, (UWord)&access, 0, 0, 0, 0, 0, 0);
    counter = access == PR_TSC_ENABLE ? READABLE : NOT_READABLE;
}

UInt clock_milliseconds(void) {
    static ULong asked_at;
    static UInt last;
    ULong now;
    if (counter == UNKNOWN) look();
    if (counter == NOT_READABLE) return VG_(read_millisecond_timer)();
    now = __builtin_ia32_rdtsc();
    if (now - asked_at >= COUNTS) {
        last = VG_(read_millisecond_timer)();
        asked_at = now;
    }
    return last;
}
