/* SPDX-License-Identifier: GPL-2.0-or-later
 * ptrace. A program that asks its parent to trace it, mostly to learn whether a debugger already
 * does, has the recorder for its parent, which would have to go on at every signal of its own:
 * the kernel is not asked. Where another program traces, that sees the recorder's process. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"

extern void vgSysWrap_amd64_linux_sys_ptrace_before(ThreadId, void* layout, CallArguments*,
                                                    CallStatus*, UWord* flags);
extern SysRes vgPlain_mk_SysRes_Error(UWord error), vgPlain_mk_SysRes_Success(UWord result);

#define TRACE_ME 0

static Int asked_in; /* the process, or 0 */

/* Whether the parent is a recorded program, and not the recorder or what began it. */
static Bool parent_is_recorded(void) {
    HChar link[32], own[VKI_PATH_MAX], parents[VKI_PATH_MAX];
    SSizeT size = VG_(readlink)("/proc/self/exe", own, sizeof own);
    VG_(sprintf)(link, "/proc/%d/exe", VG_(getppid)());
    return size > 0 && VG_(readlink)(link, parents, sizeof parents) == size &&
           VG_(memcmp)(own, parents, size) == 0;
}

void traced_before(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                   UWord* flags) {
    Bool traces = call->arguments[0] != TRACE_ME;
    if (traces || parent_is_recorded()) {
        notice(REVEN_NOTICE_TRACED, REVEN_TRACED_RECORDER, VG_(get_IP)(tid), 0, NULL);
        vgSysWrap_amd64_linux_sys_ptrace_before(tid, layout, call, status, flags);
        return;
    }
    notice(REVEN_NOTICE_TRACED, REVEN_TRACED_NOT, VG_(get_IP)(tid), 0, NULL);
    status->what = COMPLETE;
    status->result = asked_in == VG_(getpid)() ? vgPlain_mk_SysRes_Error(VKI_EPERM)
                                               : vgPlain_mk_SysRes_Success(0);
    asked_in = VG_(getpid)();
}
