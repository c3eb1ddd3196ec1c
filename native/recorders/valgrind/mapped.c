/* SPDX-License-Identifier: GPL-2.0-or-later
 * mmap with MAP_FIXED_NOREPLACE, which the core does not know and takes for a wish. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"

extern void vgSysWrap_amd64_linux_sys_mmap_before(ThreadId, void* layout, CallArguments*,
                                                  CallStatus*, UWord* flags);
extern SysRes vgPlain_mk_SysRes_Error(UWord error);

#define FIXED_NOREPLACE 0x100000

static Bool is_free(Addr from, SizeT size) {
    const NSegment* segment = VG_(am_find_nsegment)(from);
    while (segment != NULL && segment->kind == SkFree && segment->end - from < size - 1) {
        size -= segment->end + 1 - from;
        from = segment->end + 1;
        segment = VG_(am_find_nsegment)(from);
    }
    return segment == NULL || segment->kind == SkFree;
}

void mapped_before(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                   UWord* flags) {
    UWord asked = call->arguments[3];
    if ((asked & FIXED_NOREPLACE) != 0 && call->arguments[1] != 0) {
        if (!is_free(call->arguments[0], call->arguments[1])) {
            status->what = COMPLETE;
            status->result = vgPlain_mk_SysRes_Error(VKI_EEXIST);
            return;
        }
        call->arguments[3] = (asked & ~(UWord)FIXED_NOREPLACE) | VKI_MAP_FIXED;
    }
    vgSysWrap_amd64_linux_sys_mmap_before(tid, layout, call, status, flags);
    call->arguments[3] = asked;
}
