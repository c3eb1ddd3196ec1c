/* SPDX-License-Identifier: GPL-2.0-or-later
 * Memory that a process lends to a child (vfork, posix_spawn, clone with CLONE_VM). The core
 * makes such a child a fork, with memory of its own, so that its parent would not see what it
 * writes. Here the parent waits, as for a vfork, and is told what the child has written when
 * that executes another program or ends: the system call wrote it. The kernel knows which
 * pages those are: the ones that are the child's alone. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vkiscnums.h"

extern Int vgPlain_safe_fd(Int fd);

#define PAGE 4096
#define PAGES_AT_ONCE 512
#define ENTRY_EXCLUSIVE (1ULL << 56) /* of /proc/self/pagemap */
#define DONE (~0ULL)

#define VM 0x100u
#define FS 0x200u
#define FILES 0x400u
#define VFORK 0x4000u
#define THREAD 0x10000u

/* Where this process, which was lent its memory, tells of it; -1: it was not. */
static Int lender = -1;

/* ---------------------------------------------------------------- the child */

static void tell(const void* bytes, SizeT size) {
    while (size > 0) {
        Int n = VG_(write)(lender, bytes, size);
        if (n <= 0) return;
        bytes = (const UChar*)bytes + n;
        size -= n;
    }
}

static void tell_segment(Int pagemap, const NSegment* segment) {
    static ULong entries[PAGES_AT_ONCE];
    Addr at = segment->start;
    while (at < segment->end) {
        SizeT count = (segment->end + 1 - at) / PAGE, i;
        if (count > PAGES_AT_ONCE) count = PAGES_AT_ONCE;
        VG_(lseek)(pagemap, at / PAGE * sizeof entries[0], VKI_SEEK_SET);
        if (VG_(read)(pagemap, entries, count * sizeof entries[0]) <= 0) return;
        for (i = 0; i < count; i++, at += PAGE) {
            ULong address = at;
            if ((entries[i] & ENTRY_EXCLUSIVE) == 0) continue;
            tell(&address, sizeof address);
            tell((const void*)at, PAGE);
        }
    }
}

static Addr* segment_starts(UInt kinds, Int* count) {
    Addr* starts = NULL;
    Int capacity = 1024;
    do {
        capacity *= 2;
        starts = VG_(realloc)("reven.segments", starts, capacity * sizeof(Addr));
        *count = VG_(am_get_segment_starts)(kinds, starts, capacity);
    } while (*count < 0);
    return starts;
}

void lent_memory_return(void) {
    Int count, i, pagemap;
    Addr* starts;
    if (lender < 0) return;
    pagemap = VG_(fd_open)("/proc/self/pagemap", VKI_O_RDONLY, 0);
    if (pagemap < 0) return;
    starts = segment_starts(SkAnonC | SkFileC, &count);
    for (i = 0; i < count; i++) {
        const NSegment* segment = VG_(am_find_nsegment)(starts[i]);
        if (segment->hasW && segment->hasR && !shared_covers(segment->start, PAGE))
            tell_segment(pagemap, segment);
    }
    VG_(free)(starts);
    VG_(close)(pagemap);
}

void lent_memory_done(void) {
    ULong done = DONE;
    if (lender < 0) return;
    lent_memory_return();
    tell(&done, sizeof done);
}

void lent_memory_forked(void) {
    if (lender >= 0) VG_(close)(lender);
    lender = -1;
}

/* --------------------------------------------------------------- the parent */

static Bool hear(Int from, void* bytes, SizeT size) {
    while (size > 0) {
        Int n = VG_(read)(from, bytes, size);
        if (n <= 0) return False;
        bytes = (UChar*)bytes + n;
        size -= n;
    }
    return True;
}

static void take_page(Addr address, const UChar* page) {
    UChar* own = (UChar*)address;
    UInt from = 0, to;
    if (!VG_(am_is_valid_for_client)(address, PAGE, VKI_PROT_READ | VKI_PROT_WRITE)) {
        notice(REVEN_NOTICE_LENT_MEMORY, REVEN_LENT_MEMORY_MAPPED, 0, address, NULL);
        return;
    }
    while (from < PAGE) {
        if (own[from] == page[from]) {
            from++;
            continue;
        }
        for (to = from; to < PAGE && own[to] != page[to]; to++) own[to] = page[to];
        memory_written(address + from, to - from);
        from = to;
    }
}

static void take_back(Int from) {
    static UChar page[PAGE];
    ULong address;
    Bool done = False;
    while (hear(from, &address, sizeof address)) {
        done = address == DONE;
        if (!done && hear(from, page, PAGE)) take_page(address, page);
    }
    if (!done) notice(REVEN_NOTICE_LENT_MEMORY, REVEN_LENT_MEMORY_LOST, 0, 0, NULL);
}

/* ------------------------------------------------------------ the system calls */

typedef void Handler(ThreadId, void* layout, CallArguments*, CallStatus*, UWord* flags);

static void lend(Handler* handler, ThreadId tid, void* layout, CallArguments* call,
                 CallStatus* status, UWord* flags) {
    Int ends[2];
    Bool piped = VG_(pipe)(ends) == 0;
    if (piped) {
        ends[0] = vgPlain_safe_fd(ends[0]);
        ends[1] = vgPlain_safe_fd(ends[1]);
    }
    handler(tid, layout, call, status, flags);
    if (!piped) return;
    if (status->what == COMPLETE && !sr_isError(status->result) && sr_Res(status->result) == 0) {
        VG_(close)(ends[0]);
        lender = ends[1];
        return;
    }
    VG_(close)(ends[1]);
    if (status->what == COMPLETE && !sr_isError(status->result)) take_back(ends[0]);
    VG_(close)(ends[0]);
}

HANDLER(vgSysWrap_generic_sys_fork_before) {
    if (call->number == __NR_vfork)
        lend(__real_vgSysWrap_generic_sys_fork_before, tid, layout, call, status, flags);
    else
        __real_vgSysWrap_generic_sys_fork_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_linux_sys_clone_before) {
    UWord asked = call->arguments[0];
    Bool is_thread =
        (asked & THREAD) != 0 || (asked & (VM | FS | FILES | VFORK)) == (VM | FS | FILES);
    if ((asked & VM) == 0 || is_thread) {
        __real_vgSysWrap_linux_sys_clone_before(tid, layout, call, status, flags);
        return;
    }
    if ((asked & VFORK) == 0)
        notice(REVEN_NOTICE_LENT_MEMORY, REVEN_LENT_MEMORY_IN_TURN, 0, asked, NULL);
    if ((asked & (FS | FILES)) != 0)
        notice(REVEN_NOTICE_LENT_MEMORY, REVEN_LENT_MEMORY_FILES, 0, asked, NULL);
    call->arguments[0] = asked & ~(UWord)(VM | FS | FILES | VFORK);
    lend(__real_vgSysWrap_linux_sys_clone_before, tid, layout, call, status, flags);
    call->arguments[0] = asked;
}
